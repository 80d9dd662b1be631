//! What a model is told of goals.

use serde_json::{Value, json};

use super::report::{DESCRIPTION, parameters};
use super::{Goal, REPORT_GOAL, State};
use crate::model::ToolOffer;

/// How many goals that are over are told of.
const TOLD: usize = 3;

/// The letter that brings a goal into its session, on one line: its mark stands for all of it.
pub(crate) fn letter(goal: &Goal) -> String {
    let Goal {
        id, text, until, ..
    } = goal;
    format!(
        "Goal {id} of a workflow, until {until}: {text} The contact has not asked for this, so speak to them first, and \
         go on in their replies. Call {REPORT_GOAL} as soon as it is met or will not be."
    )
}

/// The tool as it is offered while goals are open.
#[must_use]
pub fn offer(goals: &[Goal]) -> Option<ToolOffer> {
    let open: Vec<&Goal> = goals.iter().filter(|goal| goal.is_open()).collect();
    let ids: Vec<&str> = open.iter().map(|goal| goal.id.as_str()).collect();
    let answer = match open.as_slice() {
        [] => return None,
        [only] => only.form.clone().unwrap_or_else(|| json!({})),
        several => described(several),
    };
    Some(ToolOffer {
        name: REPORT_GOAL.to_owned(),
        description: DESCRIPTION.to_owned(),
        parameters: parameters(Some(&ids), &answer),
    })
}

/// What the answers to several goals must be.
fn described(goals: &[&Goal]) -> Value {
    let each = goals.iter().filter_map(|goal| {
        let form = goal.form.as_ref()?;
        Some(format!("for goal {}: {form}", goal.id))
    });
    let each: Vec<String> = each.collect();
    json!({ "description": format!("What was found out, by JSON Schema. {}", each.join("; ")) })
}

/// Which goals are open, and which have ended lately, in words; nothing when there are none.
#[must_use]
pub fn present(goals: &[Goal]) -> Option<String> {
    let open = goals.iter().filter(|goal| goal.is_open());
    let mut told: Vec<String> = open
        .map(|goal| {
            format!(
                "Goal {} is open until {}: pursue it in this conversation, and call {REPORT_GOAL} when it is met or will not be.",
                goal.id, goal.until
            )
        })
        .collect();
    let over = goals.iter().rev().filter(|goal| !goal.is_open());
    told.extend(over.take(TOLD).map(|goal| {
        let how = match &goal.state {
            State::Unmet { why, .. } if goal.reported_by.is_none() => why.as_str(),
            _ => "you have reported it",
        };
        format!(
            "Goal {} is over: {how}. Do not pursue it any more.",
            goal.id
        )
    }));
    (!told.is_empty()).then(|| told.join("\n"))
}
