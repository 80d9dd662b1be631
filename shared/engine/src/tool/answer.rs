//! What a tool answered against what its file says that it answers.

use serde_json::{Value, json};

use super::ToolOutcome;
use crate::bot::Tool;
use crate::transcript::ToolStatus;

/// The outcome when a success must look as the tool's file says. What may be repeated has failed otherwise.
/// An effect has happened all the same: then the model and the operator are told that its answer is odd.
pub(super) fn checked(tool: &Tool, outcome: ToolOutcome) -> ToolOutcome {
    let (Some(schema), ToolStatus::Succeeded) = (&tool.result, outcome.status) else {
        return outcome;
    };
    let Err(wrong) = schema.check(tool.answer(&outcome.content)) else {
        return outcome;
    };
    tracing::warn!(
        tool = tool.offer.name,
        "a tool's answer does not look as its file says"
    );
    if tool.side_effect.is_repeatable() {
        return ToolOutcome::failed(format!(
            "the tool's answer is not what it should be: {wrong}"
        ));
    }
    let note = format!(
        "this happened, but its answer is not what it should be; do not rely on it: {wrong}"
    );
    let content = match outcome.content {
        Value::Object(mut members) => {
            members.insert("note".to_owned(), Value::String(note));
            Value::Object(members)
        }
        other => json!({ "answer": other, "note": note }),
    };
    ToolOutcome::succeeded(content)
}
