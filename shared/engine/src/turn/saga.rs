//! Undoing the effects of a turn that does not reach its commit point: the latest first, one round each.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bot::Bot;
use crate::session::Session;
use crate::tool::UNDO;
use crate::transcript::{Decision, PlannedCall, ToolResult, TurnRecord, Undoing};

/// The call that undoes the latest effect of `rounds` that still stands, unless the turn is committed.
///
/// What undoing came to is a result like any other, under an intent of its own. So whoever asks again, after a
/// crash too, is told the next one; an undo that failed or was not seen to its end is not tried again.
pub(super) fn next_undo(
    bot: &Bot,
    session: &Session,
    rounds: &[Arc<TurnRecord>],
    results: &BTreeMap<String, ToolResult>,
) -> Option<PlannedCall> {
    let turn = rounds.first()?.turn;
    if session.commit == Some(turn) {
        return None;
    }
    let calls = || rounds.iter().flat_map(|round| round.decision.calls());
    let mut effects: Vec<&PlannedCall> = Vec::new();
    for call in calls().filter(|call| call.undoes.is_none()) {
        // A call that is made again is answered with what the first one came to.
        if effects.iter().all(|known| known.intent != call.intent) {
            effects.push(call);
        }
    }
    effects.into_iter().rev().find_map(|call| {
        let tool = bot.tools.get(&call.tool)?;
        let undo = tool.undo.as_ref()?;
        let answer = tool.answer(results.get(&call.intent)?.happened()?);
        let intent = undo_intent(&call.intent);
        if results.contains_key(&intent) {
            return None;
        }
        let arguments = undo.arguments(&call.arguments, answer);
        let by_the_model = calls().any(|other| {
            let happened = |result: &ToolResult| result.happened().is_some();
            other.tool == undo.tool
                && other.arguments == arguments
                && results.get(&other.intent).is_some_and(happened)
        });
        (!by_the_model).then(|| PlannedCall {
            id: intent.clone(),
            tool: undo.tool.clone(),
            arguments,
            intent,
            undoes: Some(call.intent.clone()),
            approval: None,
            tainted: false,
        })
    })
}

/// The intent under which the effect of `intent` is undone.
pub(super) fn undo_intent(intent: &str) -> String {
    format!("{UNDO}{intent}")
}

/// A round that undoes.
pub(super) fn round(call: PlannedCall, undoing: Undoing) -> Decision {
    Decision::Tools {
        text: String::new(),
        calls: vec![call],
        undoing: Some(undoing),
    }
}

/// `decision`, or what is to be undone before the turn gives up.
pub(super) fn before_giving_up(
    bot: &Bot,
    session: &Session,
    rounds: &[Arc<TurnRecord>],
    results: &BTreeMap<String, ToolResult>,
    decision: Decision,
) -> Decision {
    match decision {
        Decision::Failed { reason, apology } => match next_undo(bot, session, rounds, results) {
            Some(call) => round(call, Undoing::Failed { reason, apology }),
            None => Decision::Failed { reason, apology },
        },
        other => other,
    }
}
