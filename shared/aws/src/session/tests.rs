//! What `DynamoDB` documents of expressions, where emulators are more lenient.

use std::collections::BTreeSet;

use engine::runtime::Time;
use engine::session::*;

use super::expression::Update;
use super::*;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::bodies::BodyKey;
use crate::item::{BadItem, number, text};

#[path = "../../../engine/src/session/tests/adversary.rs"]
mod adversary;
#[path = "../../../engine/src/session/tests/dice.rs"]
mod dice;

use adversary::Adversary;

/// Random commands, each with the session that it met.
fn commands() -> impl Iterator<Item = (Session, Command)> {
    (0..60).flat_map(|seed| {
        let mut adversary = Adversary::new(seed);
        let mut session = Session::default();
        (0..60).map(move |_| {
            let command = adversary.command(&session);
            let met = session.clone();
            // Refused or not, the next command fits what is there.
            drop(session.apply(&command));
            (met, command)
        })
    })
}

/// The placeholders of an expression that begin with `sign`.
fn used(expression: &str, sign: char) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '#' || c == ':';
    let words = expression.split(|c| !word(c));
    words
        .filter(|word| word.starts_with(sign))
        .map(str::to_owned)
        .collect()
}

/// The paths that an update expression changes, as attribute names.
fn targets(update: &Update) -> Vec<Vec<String>> {
    let clauses = update
        .update
        .replace("ADD ", "SET ")
        .replace("REMOVE ", "SET ");
    let mut depth = 0;
    let actions = clauses.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    actions
        .flat_map(|action| action.split("SET "))
        .filter_map(|action| action.split_whitespace().next())
        .map(|path| {
            path.split(['.', '['])
                .map(|part| named(update, part))
                .collect()
        })
        .collect()
}

fn named(update: &Update, part: &str) -> String {
    update.names.get(part).cloned().unwrap_or(part.to_owned())
}

#[test]
fn every_placeholder_is_defined_and_used() {
    for (_, command) in commands() {
        let update = update(&command, None);
        let both = format!("{} {}", update.condition, update.update);
        assert_eq!(
            used(&both, '#'),
            update.names.keys().cloned().collect(),
            "{both}"
        );
        assert_eq!(
            used(&both, ':'),
            update.values.keys().cloned().collect(),
            "{both}"
        );
    }
}

#[test]
fn no_attribute_stands_bare_so_no_reserved_word_does() {
    const WORDS: [&str; 13] = [
        "SET",
        "ADD",
        "REMOVE",
        "AND",
        "OR",
        "NOT",
        "contains",
        "size",
        "attribute_exists",
        "attribute_not_exists",
        "if_not_exists",
        "list_append",
        "",
    ];
    for (_, command) in commands() {
        let update = update(&command, None);
        for expression in [&update.condition, &update.update] {
            let words = expression.split(|c: char| c.is_whitespace() || "(),=<>.[]".contains(c));
            let bare =
                words.filter(|word| !word.starts_with(['#', ':']) && word.parse::<u64>().is_err());
            for word in bare {
                assert!(WORDS.contains(&word), "{word} in {expression}");
            }
        }
    }
}

#[test]
fn no_path_is_changed_twice() {
    for (_, command) in commands() {
        let update = update(&command, None);
        let targets = targets(&update);
        for (place, one) in targets.iter().enumerate() {
            for other in &targets[place + 1..] {
                let overlap = one.starts_with(other) || other.starts_with(one);
                assert!(!overlap, "{one:?} and {other:?} in {}", update.update);
            }
        }
    }
}

#[test]
fn if_not_exists_and_list_append_stand_only_where_a_value_is_set() {
    for (_, command) in commands() {
        let update = update(&command, None);
        let elsewhere = update
            .update
            .find("ADD ")
            .map_or("", |at| &update.update[at..]);
        for function in ["if_not_exists", "list_append"] {
            let bare = update.condition.replace("attribute_not_exists", "");
            assert!(!bare.contains(function), "{bare}");
            assert!(!elsewhere.contains(function), "{elsewhere}");
        }
    }
}

#[test]
fn an_expression_keeps_within_the_documented_limits() {
    let step = Step {
        hold: Hold {
            owner: OwnerId(1),
            fence: u64::MAX,
        },
        turn: 1,
    };
    let skip = update(
        &Command::Skip {
            step,
            from: 1,
            count: 100,
        },
        None,
    );
    assert!(skip.update.len() <= 4096 && skip.condition.len() <= 4096);
    for (_, command) in commands() {
        let update = update(&command, None);
        assert!(update.update.len() <= 4096 && update.condition.len() <= 4096);
        let empty =
            |value: &AttributeValue| matches!(value, AttributeValue::Bs(set) if set.is_empty());
        assert!(!update.values.values().any(empty), "an empty set");
    }
}

#[test]
fn a_long_text_is_named_and_not_held() {
    let mut message = Pending {
        id: "m1".to_owned(),
        text: "a novel".to_owned(),
        at: Time(1),
        origin: Origin::Contact,
    };
    let key =
        SessionKey::new("local", "shop", engine::message::Channel::Web, "ada").expect("a key");
    let parted = BodyKey::of_pending(&key, &message);
    let value = item::pending_value(&message, Some(&parted));
    let inbox = AttributeValue::L(vec![value]);
    let stored = read(&crate::item::item([
        ("inbox", inbox),
        ("arrivals", number(1)),
    ]));
    message.text = String::new();
    let stored = stored.expect("a session");
    assert_eq!(stored.session.inbox, [message]);
    assert_eq!(stored.parted, [(0, parted)]);
}

#[test]
fn a_malformed_item_names_the_attribute() {
    let malformed = crate::item::item([("lease", text("soon"))]);
    assert_eq!(read(&malformed), Err(BadItem("lease")));
}

/// What `DynamoDB` counts for a value.
fn weight(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::Bs(blobs) => blobs.iter().map(|blob| blob.as_ref().len()).sum(),
        AttributeValue::M(fields) => 3 + fields.len() + weights(fields),
        AttributeValue::L(values) => 3 + values.len() + values.iter().map(weight).sum::<usize>(),
        other => panic!("no session has {other:?}"),
    }
}

fn weights(fields: &crate::item::Item) -> usize {
    fields
        .iter()
        .map(|(name, value)| name.len() + weight(value))
        .sum()
}

#[test]
fn an_old_session_without_waiting_texts_fits_one_write_unit() {
    let generation = |from: u64| {
        let hashes = (from..).take(SEEN_CAPACITY);
        hashes.map(MessageHash).collect::<Vec<_>>()
    };
    let session = Session {
        arrivals: 123_456,
        seen: generation(1 << 40),
        seen_old: generation(1 << 50),
        owner: Some(OwnerId(u64::MAX)),
        lease: Some(Time(1_795_168_875_000)),
        fence: 123_456,
        delivered: 123_455,
        plan: Some(PlanId(u64::MAX)),
        commit: Some(123_456),
        tries: 7,
        handoff: Some("Ann of the customer desk in Kassel".to_owned()),
        last: Some(Handled {
            turn: 123_455,
            plan: PlanId(u64::MAX),
        }),
        opted_out: true,
        closed: Some(123_400),
        spent: 12_345_678,
        tokens: 123_456_789,
        ..Session::default()
    };
    let last = crate::item::map([
        ("turn", number(123_455)),
        ("plan", text(PlanId(u64::MAX))),
        ("from", number(123_455)),
        ("upto", number(123_456)),
        ("by", text(InvocationId(u64::MAX))),
        ("fence", number(123_455)),
    ]);
    let seen = |hashes| item::hash_set(hashes).expect("hashes");
    let kept = crate::item::item([
        ("pk", text("session/".to_owned() + &"k".repeat(120))),
        ("sk", text("turns")),
        ("arrivals", number(session.arrivals)),
        ("drained", number(session.arrivals)),
        ("seen", seen(&session.seen)),
        ("seen_old", seen(&session.seen_old)),
        ("owner", text(OwnerId(u64::MAX))),
        ("lease", number(1_795_168_875_000_i64)),
        ("fence", number(session.fence)),
        ("delivered", number(session.delivered)),
        ("plan", text(PlanId(u64::MAX))),
        ("commit", number(123_456)),
        ("tries", number(7)),
        ("handoff", text("Ann of the customer desk in Kassel")),
        ("last", last),
        ("opted_out", number(1)),
        ("closed", number(123_400)),
        ("spent", number(12_345_678)),
        ("tokens", number(123_456_789)),
        ("inbox", AttributeValue::L(Vec::new())),
        ("intents", AttributeValue::M([].into())),
    ]);
    assert_eq!(read(&kept).expect("a session").session, session);
    let weight = weights(&kept);
    assert!(weight <= 1024, "{weight} bytes");
}
