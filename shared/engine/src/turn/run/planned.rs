//! The calls of a plan under their keys, and what of a plan travels through the state machine.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::approval::Approval;
use crate::model::{ChatMessage, ToolCall};
use crate::session::{PlanId, SessionKey};
use crate::tool::{intent_key, provenance};
use crate::transcript::{Decision, PlannedCall, ToolResult, TurnRecord};
use crate::turn::{DeliverInput, NumberedCall, Parcel, Planned, RunOutput, Staff, TurnStart, saga};

/// The most bytes of a plan that travel through the state machine: far below what a state may pass on.
const TRAVELS: usize = 16 * 1024;

/// Where the state machine goes with the plan of `record`.
pub(in crate::turn) fn output(
    start: &TurnStart,
    record: &TurnRecord,
    bound: Option<PlanId>,
) -> RunOutput {
    let planned = Planned {
        start: start.clone(),
        turn: record.turn,
        plan: record.plan,
        bound,
    };
    match &record.decision {
        Decision::Tools { calls, .. } => {
            let travel = travels(calls);
            let numbered = |(number, call): (usize, &PlannedCall)| NumberedCall {
                number,
                calm: record.terms.calm.then_some(record.upto),
                planned: travel.then(|| call.clone()),
            };
            let calls = calls.iter().enumerate().map(numbered).collect();
            RunOutput::Tools { planned, calls }
        }
        Decision::Reply { .. } | Decision::Failed { .. } | Decision::Declined { .. } => {
            let parcel = travels(&record.decision).then(|| Parcel::from(record));
            RunOutput::Deliver(DeliverInput { planned, parcel })
        }
    }
}

/// Whether a part of a plan is short enough to be passed on, which saves the next state a read.
fn travels(part: &impl Serialize) -> bool {
    serde_json::to_vec(part).is_ok_and(|json| json.len() <= TRAVELS)
}

/// The calls with the keys under which they happen.
///
/// A call that changes nothing, or cannot run, is made afresh in every plan. One that does happens once in
/// the turn; only when it is known not to have happened may the model try it again, under a new key.
pub(super) fn planned_calls(
    staff: &Staff,
    calls: Vec<ToolCall>,
    results: &BTreeMap<String, ToolResult>,
    conversation: &[ChatMessage],
    session: &SessionKey,
    (turn, plan): (u64, PlanId),
) -> Vec<PlannedCall> {
    let failed = |intent: &String| {
        let undone = results.get(&saga::undo_intent(intent));
        results.get(intent).is_some_and(ToolResult::did_not_happen)
            || undone.is_some_and(|undone| undone.happened().is_some())
    };
    let key = |number: usize, call: &ToolCall| match staff.bot.tools.get(&call.name) {
        Some(tool)
            if !tool.side_effect.is_pure() && tool.arguments.check(&call.arguments).is_ok() =>
        {
            let intent = if tool.asks_for(&call.arguments) {
                // Other arguments are another question, whatever the business key says.
                let approval = Approval::id_of(session, turn, &call.name, &call.arguments);
                format!("{}#{turn}?{approval}", call.name)
            } else {
                intent_key(tool, &call.arguments, turn)
            };
            let retries = (2..).map(|attempt| format!("{intent}~{attempt}"));
            std::iter::once(intent.clone())
                .chain(retries)
                .find(|intent| !failed(intent))
                .unwrap_or(intent)
        }
        _ => format!(
            "{}#{turn}#{plan}.{number}",
            call.name.chars().take(64).collect::<String>()
        ),
    };
    calls
        .into_iter()
        .enumerate()
        .map(|(number, call)| PlannedCall {
            intent: key(number, &call),
            tainted: provenance::must_ask(&staff.bot, &call, conversation),
            id: call.id,
            tool: call.name,
            arguments: call.arguments,
            approval: None,
            undoes: None,
        })
        .collect()
}
