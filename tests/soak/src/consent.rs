//! What must hold of what people allow and forbid: approvals, opting out, stops and budgets.

use std::collections::BTreeSet;

use engine::approval::{Approval, State};
use engine::message::Channel;
use engine::session::SessionKey;
use engine::transcript::{ToolStatus, Verdict};
use engine::view::{MessageVerdict, ToolTrace, Trace, TurnTrace};

use crate::check::{Broken, holds};
use crate::money::Terms;
use crate::outside::Outside;

const REFUSED: MessageVerdict = MessageVerdict::Settled(Verdict::Refused);

/// Nothing is refused without a reason, and who has opted out hears nothing until they opt in again.
pub(crate) fn refused(trace: &Trace, outside: &Outside) -> Result<(), Broken> {
    let is_sms = trace.session.channel() == Channel::Sms;
    let mut is_out = false;
    for turn in &trace.turns {
        let said: Vec<String> = {
            let books = outside.books();
            let words = turn.messages.iter().filter_map(|id| books.said(id));
            words.map(str::to_owned).collect()
        };
        let word = said.iter().find(|text| !text.starts_with("hello"));
        holds(word.is_none() || turn.messages.len() == 1, || {
            format!("{word:?} is not taken alone: {turn:?}")
        })?;
        if let Some(word) = word {
            is_out = word == "STOP" || is_out && word != "start!";
            outside.count(match word.as_str() {
                "STOP" => "a contact opted out",
                "start!" => "a contact opted in",
                _ => "a contact asked for help",
            });
        }
        let effects = tools(turn).filter(|call| call.status == Some(ToolStatus::Succeeded));
        let is_silent = turn.reply.is_none() && effects.count() == 0;
        let must_be_silent = is_sms && (is_out || word.is_some());
        holds(
            !must_be_silent || (is_silent && turn.verdict == REFUSED),
            || format!("the contact has opted out: {turn:?}"),
        )?;
        if must_be_silent && word.is_none() {
            outside.count("silent after opting out");
        }
        if turn.verdict == REFUSED {
            reason(turn, is_sms, outside)?;
        }
    }
    Ok(())
}

fn reason(turn: &TurnTrace, is_sms: bool, outside: &Outside) -> Result<(), Broken> {
    let reason = turn.reason.as_deref().unwrap_or_default();
    let may = if reason.starts_with("stopped by kim") {
        outside.count("refused, being stopped");
        true
    } else if reason.starts_with("the budget") {
        outside.count("refused, over budget");
        outside.terms != Terms::Free
    } else {
        is_sms && reason.starts_with("the contact")
    };
    holds(may, || format!("refused because {reason}: {turn:?}"))
}

fn tools(turn: &TurnTrace) -> impl Iterator<Item = &ToolTrace> {
    turn.rounds.iter().flat_map(|round| &round.tools)
}

/// What became of each question came back into its session.
pub(crate) fn told(key: &SessionKey, trace: &Trace, approvals: &[Approval]) -> Result<(), Broken> {
    let ids: BTreeSet<&str> = trace.messages.iter().map(|message| &*message.id).collect();
    // Of what was withdrawn, whoever withdrew it knows.
    let stands = |approval: &&Approval| !matches!(approval.state, State::Withdrawn { .. });
    let here = approvals.iter().filter(|approval| approval.session == *key);
    for approval in here.filter(stands) {
        let letter = format!("approval:{}", approval.id);
        holds(ids.contains(&*letter), || {
            format!("nobody was told of {approval:?}")
        })?;
    }
    Ok(())
}

/// Each question came to an end, only a yes of who may say it counts, and each yes was used once at most.
pub(crate) fn asked(approvals: &[Approval], outside: &Outside) -> Result<(), Broken> {
    for approval in approvals {
        let has_yes = outside.books().yes.contains_key(&approval.id);
        let (counted, fits) = match &approval.state {
            State::Pending => ("pending", false),
            State::Granted { .. } => ("a yes that was not used", has_yes),
            State::Consumed { .. } => ("a yes that was used", has_yes),
            State::Denied { .. } => ("a no", true),
            State::Expired { .. } => ("a question that ran out", true),
            State::Withdrawn { .. } => ("a question that was withdrawn", true),
        };
        outside.count(counted);
        holds(fits, || format!("a yes of nobody, or no end: {approval:?}"))?;
    }
    let deeds: Vec<_> = outside.books().deeds.values().cloned().collect();
    for deed in deeds.iter().filter(|deed| deed.was_asked_for()) {
        let used = approvals.iter().filter(|approval| {
            approval.envelope.inputs == deed.body
                && matches!(approval.state, State::Consumed { .. })
        });
        let alike = deeds
            .iter()
            .filter(|other| other.was_asked_for() && other.body == deed.body);
        let (used, alike) = (used.count(), alike.count());
        holds(alike <= used, || {
            format!("done {alike} times with {used} yes: {deed:?}")
        })?;
    }
    Ok(())
}
