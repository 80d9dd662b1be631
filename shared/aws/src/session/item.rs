//! A session as an item, and back.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use engine::runtime::Time;
use engine::session::{Claim, Handled, MessageHash, Origin, Out, Pending, Session};

use crate::bodies::BodyKey;
use crate::item::{BadItem, Item, field, map, needed, number, text};

/// A session as its item has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stored {
    /// The session; the texts of `parted` messages are empty.
    pub session: Session,
    /// Messages whose text lies elsewhere, by their place in the inbox.
    pub parted: Vec<(usize, BodyKey)>,
    /// The connections that watch it.
    pub watchers: BTreeSet<String>,
}

/// The session that `item` holds; an empty item is a fresh session.
///
/// # Errors
/// [`BadItem`] when an attribute does not read as what it should be.
pub(crate) fn read(item: &Item) -> Result<Stored, BadItem> {
    let (inbox, parted) = inbox(item)?;
    let session = Session {
        inbox,
        arrivals: field(item, "arrivals")?.unwrap_or_default(),
        seen: hashes(item, "seen")?,
        seen_old: hashes(item, "seen_old")?,
        owner: field(item, "owner")?,
        lease: field(item, "lease")?.map(Time),
        fence: field(item, "fence")?.unwrap_or_default(),
        delivered: field(item, "delivered")?.unwrap_or_default(),
        plan: field(item, "plan")?,
        commit: field(item, "commit")?,
        intents: intents(item)?,
        out: fields(item, "out")?.map(out).transpose()?,
        tries: field(item, "tries")?.unwrap_or_default(),
        handoff: field(item, "handoff")?,
        last: fields(item, "last")?.map(handled).transpose()?,
        opted_out: item.contains_key("opted_out"),
        closed: field(item, "closed")?,
        spent: field(item, "spent")?.unwrap_or_default(),
        tokens: field(item, "tokens")?.unwrap_or_default(),
    };
    let watchers = match item.get("watchers") {
        Some(AttributeValue::Ss(connections)) => connections.iter().cloned().collect(),
        None => BTreeSet::new(),
        Some(_) => return Err(BadItem("watchers")),
    };
    Ok(Stored {
        session,
        parted,
        watchers,
    })
}

pub(super) fn pending_value(message: &Pending, parted: Option<&BodyKey>) -> AttributeValue {
    let body = match parted {
        None => ("text", text(&message.text)),
        Some(key) => ("body", text(key)),
    };
    let mut value = vec![
        ("id", text(&message.id)),
        ("at", number(message.at.0)),
        body,
    ];
    if !message.origin.is_contact() {
        let origin = serde_json::to_string(&message.origin).unwrap_or_default();
        value.push(("origin", text(origin)));
    }
    map(value)
}

pub(super) fn claim_value(claim: &Claim) -> AttributeValue {
    map([("fence", number(claim.fence)), ("by", text(claim.by))])
}

pub(super) fn out_value(out: &Out) -> AttributeValue {
    map([
        ("turn", number(out.turn)),
        ("plan", text(out.plan)),
        ("from", number(out.from)),
        ("upto", number(out.upto)),
        ("by", text(out.by)),
        ("fence", number(out.fence)),
    ])
}

/// Eight bytes, as elements of a set weigh what they are long.
pub(crate) fn hash_bytes(hash: MessageHash) -> AttributeValue {
    AttributeValue::B(hash_blob(hash))
}

/// `None` when there are none: a set is never empty.
pub(crate) fn hash_set(hashes: &[MessageHash]) -> Option<AttributeValue> {
    let distinct: BTreeSet<MessageHash> = hashes.iter().copied().collect();
    let blobs: Vec<Blob> = distinct.into_iter().map(hash_blob).collect();
    (!blobs.is_empty()).then_some(AttributeValue::Bs(blobs))
}

fn hash_blob(hash: MessageHash) -> Blob {
    Blob::new(hash.0.to_be_bytes())
}

/// The hashes of the set `name`, in ascending order.
pub(crate) fn hashes(item: &Item, name: &'static str) -> Result<Vec<MessageHash>, BadItem> {
    let blobs = match item.get(name) {
        Some(AttributeValue::Bs(blobs)) => blobs,
        None => return Ok(Vec::new()),
        Some(_) => return Err(BadItem(name)),
    };
    let hash = |blob: &Blob| {
        let bytes = blob.as_ref().try_into().map_err(|_| BadItem(name))?;
        Ok(MessageHash(u64::from_be_bytes(bytes)))
    };
    let mut hashes = blobs.iter().map(hash).collect::<Result<Vec<_>, _>>()?;
    hashes.sort();
    Ok(hashes)
}

type Inbox = (Vec<Pending>, Vec<(usize, BodyKey)>);

fn inbox(item: &Item) -> Result<Inbox, BadItem> {
    let messages = match item.get("inbox") {
        Some(AttributeValue::L(messages)) => messages.as_slice(),
        None => &[],
        Some(_) => return Err(BadItem("inbox")),
    };
    let mut parted = Vec::new();
    let mut pending = Vec::with_capacity(messages.len());
    for (place, message) in messages.iter().enumerate() {
        let AttributeValue::M(message) = message else {
            return Err(BadItem("inbox"));
        };
        if let Some(key) = field(message, "body")? {
            parted.push((place, key));
        }
        pending.push(Pending {
            id: needed(message, "id")?,
            text: field(message, "text")?.unwrap_or_default(),
            at: Time(needed(message, "at")?),
            origin: origin(message)?,
        });
    }
    Ok((pending, parted))
}

fn origin(message: &Item) -> Result<Origin, BadItem> {
    match field::<String>(message, "origin")? {
        None => Ok(Origin::Contact),
        Some(origin) => serde_json::from_str(&origin).map_err(|_| BadItem("inbox")),
    }
}

fn intents(item: &Item) -> Result<BTreeMap<String, Claim>, BadItem> {
    let Some(intents) = fields(item, "intents")? else {
        return Ok(BTreeMap::new());
    };
    let claim = |(key, value): (&String, &AttributeValue)| {
        let AttributeValue::M(claim) = value else {
            return Err(BadItem("intents"));
        };
        let claim = Claim {
            fence: needed(claim, "fence")?,
            by: needed(claim, "by")?,
        };
        Ok((key.clone(), claim))
    };
    intents.iter().map(claim).collect()
}

fn out(fields: &Item) -> Result<Out, BadItem> {
    Ok(Out {
        turn: needed(fields, "turn")?,
        plan: needed(fields, "plan")?,
        from: needed(fields, "from")?,
        upto: needed(fields, "upto")?,
        by: needed(fields, "by")?,
        fence: needed(fields, "fence")?,
    })
}

fn handled(fields: &Item) -> Result<Handled, BadItem> {
    Ok(Handled {
        turn: needed(fields, "turn")?,
        plan: needed(fields, "plan")?,
    })
}

fn fields<'a>(item: &'a Item, name: &'static str) -> Result<Option<&'a Item>, BadItem> {
    match item.get(name) {
        Some(AttributeValue::M(fields)) => Ok(Some(fields)),
        None => Ok(None),
        Some(_) => Err(BadItem(name)),
    }
}
