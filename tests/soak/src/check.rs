//! What must hold at the end of every life.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use confab::host::Host;
use engine::error::Error;
use engine::message::Reference;
use engine::runtime::simulated::Simulation;
use engine::session::SessionKey;
use engine::transcript::{ToolStatus, Verdict};
use engine::view::{MessageVerdict, ToolTrace, Trace, TurnTrace};

use crate::consent;
use crate::outside::{Books, Outside};
use crate::people::{MESSAGES, SESSIONS, id_of, key_of};
use crate::shop::{Deed, SERVICES, Service};

/// A promise that was not kept.
#[derive(Debug)]
pub struct Broken(pub(crate) String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self(error.chain().to_string())
    }
}

pub(crate) fn holds(true_: bool, otherwise: impl FnOnce() -> String) -> Result<(), Broken> {
    if true_ {
        Ok(())
    } else {
        Err(Broken(otherwise()))
    }
}

pub(crate) fn hold(
    simulation: &mut Simulation,
    host: &Arc<Host>,
    outside: &Outside,
) -> Result<(), Broken> {
    if let Some(promise) = outside.books().broken.first() {
        return Err(Broken(promise.clone()));
    }
    let approvals = {
        let host = Arc::clone(host);
        simulation.block_on(async move { host.desk().list("local").await })?
    };
    let mut tools = Vec::new();
    for session in 0..SESSIONS {
        let host = Arc::clone(host);
        let key = key_of(session);
        let trace = simulation.block_on({
            let key = key.clone();
            async move { host.view().trace(&key).await }
        })?;
        messages(session, &trace, outside)?;
        sends(&key, &trace, &outside.books())?;
        shown(&key, &trace, &outside.books())?;
        consent::refused(&trace, outside)?;
        consent::told(&key, &trace, &approvals)?;
        trace
            .turns
            .iter()
            .try_for_each(|turn| undone(turn, outside))?;
        let rounds = trace.turns.into_iter().flat_map(|turn| turn.rounds);
        tools.extend(rounds.flat_map(|round| round.tools));
    }
    consent::asked(&approvals, outside)?;
    let done: Vec<Deed> = outside.books().deeds.values().cloned().collect();
    done.iter()
        .try_for_each(|deed| deeds(deed, &tools, outside))
}

/// Each acknowledged message is there once, settled, and the turns settle them in order.
fn messages(session: usize, trace: &Trace, outside: &Outside) -> Result<(), Broken> {
    let key = &trace.session;
    let ids: Vec<&String> = trace.messages.iter().map(|message| &message.id).collect();
    let distinct: BTreeSet<&&String> = ids.iter().collect();
    holds(distinct.len() == ids.len(), || {
        format!("{key}: a message was accepted twice: {ids:?}")
    })?;
    let expected = (0..MESSAGES).map(|message| id_of(session, message));
    let books = outside.books();
    for id in expected.chain(
        books
            .acknowledged
            .iter()
            .filter(|id| is_of(id, session))
            .cloned(),
    ) {
        holds(books.acknowledged.contains(&id), || {
            format!("{id} was never acknowledged")
        })?;
        holds(ids.contains(&&id), || {
            format!("{id} was acknowledged and is lost")
        })?;
    }
    let taken = books.taken.contains(key);
    drop(books);
    for message in &trace.messages {
        let fits = match message.verdict {
            MessageVerdict::Pending => false,
            MessageVerdict::Settled(Verdict::HandedOff) => taken,
            MessageVerdict::Settled(_) => true,
        };
        holds(fits, || {
            format!("{}: ended as {:?}", message.id, message.verdict)
        })?;
        outside.count(match message.verdict {
            MessageVerdict::Pending => "pending",
            MessageVerdict::Settled(Verdict::Answered) => "answered",
            MessageVerdict::Settled(Verdict::Absorbed) => "absorbed",
            MessageVerdict::Settled(Verdict::HandedOff) => "handed off",
            MessageVerdict::Settled(Verdict::Refused) => "refused",
            MessageVerdict::Settled(Verdict::Unconfirmed) => "unconfirmed",
            MessageVerdict::Settled(Verdict::Failed) => "failed",
        });
    }
    let settled: Vec<&String> = trace.turns.iter().flat_map(|turn| &turn.messages).collect();
    holds(settled == ids, || {
        format!("{key}: the turns do not settle the messages in order: {settled:?}, {ids:?}")
    })
}

fn is_of(id: &str, session: usize) -> bool {
    id.strip_prefix("ana")
        .or(id.strip_prefix('s'))
        .is_some_and(|rest| rest.split(['m', '-']).next() == Some(session.to_string().as_str()))
}

/// What left through the carrier left once, and is what the turn says.
fn sends(key: &SessionKey, trace: &Trace, books: &Books) -> Result<(), Broken> {
    for (reference, texts) in &books.sent {
        let Ok(Reference { session, turn, .. }) = reference.parse() else {
            return Err(Broken(format!("{reference} is no reference")));
        };
        if session != *key {
            continue;
        }
        holds(texts.len() == 1, || {
            format!("{reference} was sent {} times", texts.len())
        })?;
        let said = trace.turns.iter().find(|trace| trace.turn == turn);
        let said = said.and_then(|turn| turn.reply.as_ref());
        holds(said == Some(&texts[0]), || {
            format!("{reference} says {:?}, the turn {said:?}", texts[0])
        })?;
    }
    let answered = trace.turns.iter().filter(|turn| {
        turn.verdict == MessageVerdict::Settled(Verdict::Answered)
            && key.channel() == engine::message::Channel::Sms
    });
    for turn in answered {
        let reference = Reference {
            session: key.clone(),
            turn: turn.turn,
            part: 0,
        };
        holds(books.sent.contains_key(&reference.to_string()), || {
            format!("{reference} counts as answered and was not sent")
        })?;
    }
    Ok(())
}

/// What was shown is still there.
fn shown(key: &SessionKey, trace: &Trace, books: &Books) -> Result<(), Broken> {
    for ((shown_in, seq), text) in &books.shown {
        let replies = trace.turns.iter().filter_map(|turn| turn.reply.as_ref());
        let still = shown_in != key || replies.into_iter().any(|reply| reply == text);
        holds(still, || {
            format!("{key}: the reply at {seq} was shown and is gone: {text}")
        })?;
    }
    Ok(())
}

/// What the shop did, it did once under its key, and Confab knows of it or says that it does not know.
fn deeds(deed: &Deed, tools: &[ToolTrace], outside: &Outside) -> Result<(), Broken> {
    let Some(service) = Service::at(&deed.url) else {
        return Err(Broken(format!("no tool asks for {deed:?}")));
    };
    let once = service.is_once();
    holds(deed.times == 1 || !once, || {
        format!("done {} times: {deed:?}", deed.times)
    })?;
    let calls: Vec<&ToolTrace> = tools
        .iter()
        .filter(|call| call.tool == service.tool && call.arguments == deed.body)
        .collect();
    let statuses: Vec<Option<ToolStatus>> = calls.iter().map(|call| call.status).collect();
    let known = statuses
        .iter()
        .any(|status| matches!(status, Some(ToolStatus::Succeeded | ToolStatus::Unknown)) || !once);
    if statuses.contains(&Some(ToolStatus::Unknown)) {
        outside.count("unknown");
    }
    if deed.was_asked_for() {
        outside.count("paid with a yes");
    }
    outside.count(service.counted);
    holds(known, || format!("nobody knows of {deed:?}: {calls:?}"))
}

/// What a turn undid, it undid once each and the latest first; one that failed before its commit point left
/// nothing standing.
fn undone(turn: &TurnTrace, outside: &Outside) -> Result<(), Broken> {
    let tools: Vec<&ToolTrace> = turn.rounds.iter().flat_map(|round| &round.tools).collect();
    let undos = || tools.iter().filter_map(|call| call.undoes.as_ref());
    let places: Vec<Option<usize>> = undos()
        .map(|intent| tools.iter().position(|call| call.intent == *intent))
        .collect();
    let distinct: BTreeSet<&String> = undos().collect();
    holds(distinct.len() == places.len(), || {
        format!("undone twice: {turn:?}")
    })?;
    holds(places.iter().all(Option::is_some), || {
        format!("undone, and never done: {turn:?}")
    })?;
    let booked =
        |call: &ToolTrace| call.tool == "book" && call.status == Some(ToolStatus::Succeeded);
    let mut standing: Vec<&String> = Vec::new();
    for call in &tools {
        if booked(call) && !standing.contains(&&call.intent) {
            standing.push(&call.intent);
        } else if let Some(intent) = &call.undoes {
            let latest = standing.pop();
            holds(latest == Some(intent), || {
                format!("undone {intent} before {latest:?}: {turn:?}")
            })?;
        }
    }
    let commits = |name: &str| {
        let mut services = SERVICES.iter();
        services.any(|service| service.tool == name && service.commits())
    };
    let committed = tools.iter().any(|call| {
        commits(&call.tool) && call.undoes.is_none() && call.status != Some(ToolStatus::Waiting)
    });
    // A reply that the carrier refused fails its turn after the gate.
    let gave_up = turn
        .reply
        .as_ref()
        .is_some_and(|reply| reply.starts_with("Sorry"));
    if !gave_up || committed {
        return Ok(());
    }
    if !distinct.is_empty() {
        outside.count("failed with effects undone");
    }
    holds(standing.is_empty(), || {
        format!("a failed turn left {standing:?} standing: {turn:?}")
    })
}
