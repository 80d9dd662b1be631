//! What a tool call came to, and what became known of it later.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::runtime::Time;
use crate::session::InvocationId;
use crate::transcript::PlannedCall;

/// What a tool call came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The turn it was made in.
    pub turn: u64,
    /// The tool.
    pub tool: String,
    /// How it ended.
    pub status: ToolStatus,
    /// What it answered, or what went wrong in words for the model.
    pub content: Value,
    /// The invocation that ran it.
    pub by: InvocationId,
    /// When it began.
    pub at: Time,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// What a person said of it later, when nobody had seen how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
}

/// What stands while a call that was taken up is made.
const UNDER_WAY: &str = "taken up, and under way";

impl ToolResult {
    /// What stands of a call that `by` has taken up, until it is known what came of it: who had it before is too late
    /// to say that it failed.
    #[must_use]
    pub fn under_way(call: &PlannedCall, turn: u64, by: InvocationId, at: Time) -> Self {
        Self {
            turn,
            tool: call.tool.clone(),
            status: ToolStatus::Unknown,
            content: json!({ "error": UNDER_WAY }),
            by,
            at,
            millis: 0,
            settled: None,
        }
    }

    /// Whether whoever recorded it may yet say what came of it, or has died over it.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        let waits = self.status == ToolStatus::Unknown && self.settled.is_none();
        waits && self.content["error"] == UNDER_WAY
    }

    /// Whether it is known that nothing happened.
    #[must_use]
    pub fn did_not_happen(&self) -> bool {
        match &self.settled {
            Some(settled) => settled.truth == Truth::DidNot,
            None => self.status == ToolStatus::Failed,
        }
    }

    /// What it answered, when it is known to have happened.
    #[must_use]
    pub fn happened(&self) -> Option<&Value> {
        match (&self.settled, self.status) {
            (Some(settled), _) => match &settled.truth {
                Truth::Happened { result } => Some(result),
                Truth::DidNot => None,
            },
            (None, ToolStatus::Succeeded) => Some(&self.content),
            (None, ToolStatus::Failed | ToolStatus::Unknown | ToolStatus::Waiting) => None,
        }
    }
}

/// What a person found out about an effect that nobody had seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Settled {
    /// What it is.
    #[serde(flatten)]
    pub truth: Truth,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Time,
}

/// Whether an effect took place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "truth", rename_all = "snake_case")]
pub enum Truth {
    /// It did.
    Happened {
        /// What it answered, as far as it is known.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        result: Value,
    },
    /// It did not.
    DidNot,
}

/// How a tool call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// It did what it was asked.
    Succeeded,
    /// It did not; nothing happened that it can tell of.
    Failed,
    /// Nobody saw whether it happened.
    Unknown,
    /// A person was asked whether it may happen; it did not.
    Waiting,
}
