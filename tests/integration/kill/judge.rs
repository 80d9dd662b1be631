//! What must hold when the killing is over. The shop's ledger says what happened; the host says what it knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use engine::transcript::{ToolStatus, Verdict};
use engine::unknown::{Unknown, UnknownKind};
use engine::view::{MessageVerdict, Role, ToolTrace, Trace, TurnTrace};

use super::bot::{Wish, is_once, place};
use super::fate::Moment;
use super::people::End;
use super::shop::Deed;

/// What happened, and what should not have.
#[derive(Default)]
pub(crate) struct Report {
    /// By the moment.
    pub(crate) kills: BTreeMap<Moment, usize>,
    pub(crate) messages: usize,
    pub(crate) turns: usize,
    pub(crate) parked: usize,
    pub(crate) undone: usize,
    pub(crate) effects: usize,
    pub(crate) duplicates: usize,
    pub(crate) losses: usize,
    /// Texts that a carrier took, and messages of which nobody knows whether their reply left.
    pub(crate) sends: usize,
    pub(crate) unconfirmed: usize,
    /// Effects that nobody saw, and that did not happen, or did.
    pub(crate) unknown: [usize; 2],
    /// Everything that breaks a promise, in words.
    pub(crate) broken: Vec<String>,
}

impl Report {
    pub(crate) fn holds(&mut self, holds: bool, otherwise: impl FnOnce() -> String) -> bool {
        if !holds {
            self.broken.push(otherwise());
        }
        holds
    }

    pub(crate) fn killed(&mut self, moment: Moment) {
        *self.kills.entry(moment).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (moment, kills) in other.kills {
            *self.kills.entry(moment).or_default() += kills;
        }
        self.messages += other.messages;
        self.turns += other.turns;
        self.parked += other.parked;
        self.undone += other.undone;
        self.effects += other.effects;
        self.duplicates += other.duplicates;
        self.losses += other.losses;
        self.sends += other.sends;
        self.unconfirmed += other.unconfirmed;
        self.unknown[0] += other.unknown[0];
        self.unknown[1] += other.unknown[1];
        self.broken.extend(other.broken);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kills: usize = self.kills.values().sum();
        let Self {
            messages,
            turns,
            parked,
            effects,
            undone,
            duplicates,
            losses,
            sends,
            unconfirmed,
            unknown: [did_not, happened],
            ..
        } = self;
        write!(
            f,
            "{kills} kills, {messages} messages in {turns} turns ({parked} parked), {effects} effects ({undone} undone), \
             {sends} texts ({unconfirmed} unconfirmed), \
             {duplicates} duplicates, {losses} losses, {} unknown ({happened} happened, {did_not} did not); killed {:?}",
            did_not + happened,
            self.kills
        )
    }
}

fn calls(trace: &Trace) -> impl Iterator<Item = &ToolTrace> {
    let rounds = trace.turns.iter().flat_map(|turn| &turn.rounds);
    rounds.flat_map(|round| &round.tools)
}

fn order(call: &ToolTrace) -> &str {
    call.arguments["order"].as_str().unwrap()
}

/// Judges every session, the ledger and the list of what is unknown.
pub(crate) fn judge(report: &mut Report, ends: &[End], ledger: &[Deed], unknown: &[Unknown]) {
    for end in ends {
        report.messages += end.conversation.said.len();
        report.turns += end.trace.turns.len();
        messages(report, end);
        shown(report, end);
        end.trace
            .turns
            .iter()
            .for_each(|turn| undone(report, turn, unknown));
    }
    report.effects += ledger.len();
    let all: Vec<&ToolTrace> = ends.iter().flat_map(|end| calls(&end.trace)).collect();
    effects(report, &all, ledger);
    let known: BTreeSet<&str> = all
        .iter()
        .filter(|call| call.status == Some(ToolStatus::Unknown) && call.undoes.is_none())
        .map(|call| order(call))
        .collect();
    let effects = unknown
        .iter()
        .filter(|unknown| unknown.kind == UnknownKind::Effect);
    let listed: Vec<&str> = effects
        .map(|unknown| unknown.arguments["order"].as_str().unwrap())
        .collect();
    let once: BTreeSet<&str> = listed.iter().copied().collect();
    report.holds(once.len() == listed.len(), || {
        format!("listed twice: {listed:?}")
    });
    report.holds(once == known, || {
        format!("listed are {once:?}, unknown are {known:?}")
    });
}

/// Every message was accepted once, in order, and settled by one turn.
fn messages(
    report: &mut Report,
    End {
        conversation,
        trace,
        ..
    }: &End,
) {
    let name = &conversation.name;
    let ids: Vec<&str> = trace.messages.iter().map(|message| &*message.id).collect();
    let said: Vec<&str> = conversation.said.iter().map(|(id, _)| &**id).collect();
    report.losses += said.iter().filter(|id| !ids.contains(id)).count();
    report.holds(ids == said, || {
        format!("{name}: lost, doubled or out of order: {ids:?}")
    });
    let settled: Vec<&str> = trace
        .turns
        .iter()
        .flat_map(|turn| &turn.messages)
        .map(|id| &**id)
        .collect();
    report.duplicates += settled.len().saturating_sub(said.len());
    report.holds(settled == said, || {
        format!("{name}: the turns do not settle each once: {settled:?}")
    });
    for turn in &trace.turns {
        let last = turn.messages.last();
        let wish = conversation.said.iter().find(|(id, _)| Some(id) == last);
        match turn.verdict {
            MessageVerdict::Settled(Verdict::Answered) => {
                let fits = turn.reply.is_some() && wish.is_none_or(|(_, wish)| *wish != Wish::Trip);
                report.holds(fits, || format!("{name}: answered: {turn:?}"));
            }
            MessageVerdict::Settled(Verdict::Failed) => {
                if wish.is_none_or(|(_, wish)| *wish != Wish::Trip) {
                    report.parked += 1;
                    let reason = turn.reason.as_deref().unwrap_or_default();
                    report.holds(!reason.is_empty(), || format!("{name}: failed: {turn:?}"));
                }
            }
            _ => {
                report.broken.push(format!("{name}: {turn:?}"));
            }
        }
    }
}

/// Each turn has one reply at most, it stays, and it says what the tool came to.
fn shown(
    report: &mut Report,
    End {
        conversation,
        trace,
        messages,
        ..
    }: &End,
) {
    let name = &conversation.name;
    for shown in &conversation.seen {
        report.holds(messages.contains(shown), || {
            format!("{name}: {shown:?} was shown and is gone")
        });
    }
    let replies: Vec<(u64, &str)> = messages
        .iter()
        .filter(|message| message.role == Role::Assistant)
        .map(|message| (message.turn, &*message.text))
        .collect();
    let decided: Vec<(u64, &str)> = trace
        .turns
        .iter()
        .filter_map(|turn| Some((turn.turn, turn.reply.as_deref()?)))
        .collect();
    report.holds(replies == decided, || {
        format!("{name}: shown are {replies:?}, decided {decided:?}")
    });
    for turn in &trace.turns {
        let call = turn.rounds.iter().flat_map(|round| &round.tools).last();
        let expected = match call.filter(|call| call.undoes.is_none()) {
            Some(call) => format!("{}: {}", order(call), call.result),
            None => continue,
        };
        // A newer message may have been thought of after it.
        let fits = turn
            .reply
            .as_ref()
            .is_none_or(|reply| *reply == expected || !reply.contains(": {"));
        report.holds(fits, || format!("{name}: not {expected}: {turn:?}"));
    }
}

/// What the shop did, it did once for its order and under one key, and the host knows of it or says that it does
/// not; and the host says nothing else.
fn effects(report: &mut Report, calls: &[&ToolTrace], ledger: &[Deed]) {
    let mut done: BTreeMap<(&str, &str), Vec<&Deed>> = BTreeMap::new();
    for deed in ledger {
        done.entry((&deed.place, &deed.order))
            .or_default()
            .push(deed);
    }
    for ((place, order), deeds) in &done {
        let keys: BTreeSet<&str> = deeds.iter().map(|deed| &*deed.key).collect();
        let times = if is_once(place) {
            deeds.len()
        } else {
            keys.len()
        };
        report.duplicates += times - 1;
        report.holds(times == 1, || {
            format!("{place}: {order} was done {times} times: {deeds:?}")
        });
    }
    let mut claimed: BTreeMap<(&str, &str), Vec<Option<ToolStatus>>> = BTreeMap::new();
    for call in calls
        .iter()
        .filter(|call| !["look", "note"].contains(&&*call.tool))
    {
        let place = place(&call.tool);
        claimed
            .entry((place, order(call)))
            .or_default()
            .push(call.status);
    }
    for (what, statuses) in &claimed {
        let was = done.contains_key(what);
        let fits = statuses.iter().any(|status| match status {
            Some(ToolStatus::Succeeded) => was,
            Some(ToolStatus::Unknown) => true,
            // What may be repeated counts as failed when its answer was lost.
            Some(ToolStatus::Failed) => !was || !is_once(what.0),
            // The contact wrote again before it was claimed.
            None => !was,
            Some(ToolStatus::Waiting) => false,
        });
        report.holds(fits, || format!("{what:?} is {statuses:?}, done: {was}"));
        if statuses.contains(&Some(ToolStatus::Unknown)) {
            report.unknown[usize::from(was)] += 1;
        }
    }
    for what in done.keys() {
        report.holds(claimed.contains_key(what), || {
            format!("nobody knows of {what:?}")
        });
    }
}

/// A turn that failed left no booking standing, unless that is listed.
fn undone(report: &mut Report, turn: &TurnTrace, unknown: &[Unknown]) {
    let calls: Vec<&ToolTrace> = turn.rounds.iter().flat_map(|round| &round.tools).collect();
    let undos: Vec<&ToolTrace> = calls
        .iter()
        .filter(|call| call.undoes.is_some())
        .copied()
        .collect();
    report.undone += undos.len();
    for undo in &undos {
        let what = undo.undoes.as_ref();
        let once = undos
            .iter()
            .filter(|other| other.undoes.as_ref() == what)
            .count()
            == 1;
        let is_listed = || {
            let mut listed = unknown
                .iter()
                .filter(|unknown| unknown.kind == UnknownKind::Undo);
            listed.any(|unknown| unknown.undoes.as_ref() == what)
        };
        let fits = undo.status == Some(ToolStatus::Succeeded) || is_listed();
        report.holds(once && fits, || format!("undone {what:?}: {turn:?}"));
    }
    if turn.verdict != MessageVerdict::Settled(Verdict::Failed) {
        return;
    }
    for call in calls
        .iter()
        .filter(|call| call.tool == "book" && call.status == Some(ToolStatus::Succeeded))
    {
        let is_undone = undos
            .iter()
            .any(|undo| undo.undoes.as_ref() == Some(&call.intent));
        report.holds(is_undone, || format!("{} stands: {turn:?}", call.intent));
    }
}

/// Each note was written down once, or its call is unknown; never twice. `written` has the orders in the notes of each
/// session, by its name.
pub(crate) fn notes(report: &mut Report, ends: &[End], written: &BTreeMap<String, Vec<String>>) {
    for End {
        conversation,
        trace,
        ..
    } in ends
    {
        let (name, none) = (&conversation.name, Vec::new());
        let notes = written.get(name).unwrap_or(&none);
        report.effects += notes.len();
        for call in calls(trace).filter(|call| call.tool == "note") {
            let times = notes.iter().filter(|note| **note == order(call)).count();
            report.duplicates += times.saturating_sub(1);
            let fits = match call.status {
                Some(ToolStatus::Succeeded) => times == 1,
                Some(ToolStatus::Unknown) => times <= 1,
                Some(ToolStatus::Failed | ToolStatus::Waiting) | None => times == 0,
            };
            report.holds(fits, || {
                format!("{name}: written down {times} times: {call:?}")
            });
        }
        let asked: BTreeSet<&str> = calls(trace).map(order).collect();
        report.holds(notes.iter().all(|note| asked.contains(&**note)), || {
            format!("{name}: {notes:?}")
        });
    }
}
