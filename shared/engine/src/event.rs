//! What a session shows while it works. Hints for whoever watches; the transcript is the truth.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::session::SessionKey;
use crate::transcript::{ToolStatus, Verdict};

/// Something that just happened in a session. The names and members are a stable contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type")]
pub enum Event {
    /// A turn began to think.
    #[serde(rename = "turn.started")]
    TurnStarted {
        /// The turn's number.
        turn: u64,
        /// How many messages it takes.
        messages: u64,
    },
    /// The reply grows.
    #[serde(rename = "text.delta")]
    TextDelta {
        /// The turn's number.
        turn: u64,
        /// The next piece of text.
        text: String,
    },
    /// What was streamed in this turn is void; it starts over.
    #[serde(rename = "text.restarted")]
    TextRestarted {
        /// The turn's number.
        turn: u64,
    },
    /// A tool call began.
    #[serde(rename = "tool.started")]
    ToolStarted {
        /// The turn's number.
        turn: u64,
        /// The tool.
        tool: String,
        /// The call's intent key.
        call: String,
    },
    /// A tool call ended.
    #[serde(rename = "tool.finished")]
    ToolFinished {
        /// The turn's number.
        turn: u64,
        /// The tool.
        tool: String,
        /// The call's intent key.
        call: String,
        /// Whether it did what it was asked: the status `succeeded`.
        ok: bool,
        /// How it ended.
        status: ToolStatus,
        /// How long it took, in milliseconds.
        millis: u64,
    },
    /// The one reply of a turn, durable.
    #[serde(rename = "reply")]
    Reply {
        /// The turn's number.
        turn: u64,
        /// Its place in the conversation.
        seq: u64,
        /// The whole text.
        text: String,
        /// The person who wrote it, when it was not the bot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// A turn is over.
    #[serde(rename = "turn.ended")]
    TurnEnded {
        /// The turn's number.
        turn: u64,
        /// How its messages ended.
        verdict: Verdict,
    },
}

impl Event {
    /// The stable name, equal to the member `type` of its JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TurnStarted { .. } => "turn.started",
            Self::TextDelta { .. } => "text.delta",
            Self::TextRestarted { .. } => "text.restarted",
            Self::ToolStarted { .. } => "tool.started",
            Self::ToolFinished { .. } => "tool.finished",
            Self::Reply { .. } => "reply",
            Self::TurnEnded { .. } => "turn.ended",
        }
    }
}

/// Tells whoever watches a session. Must not block and may lose events.
pub trait Events: Send + Sync {
    /// Whether anyone watches; deltas are not made for nobody.
    fn is_watched(&self, key: &SessionKey) -> bool;

    /// Tells the watchers.
    fn publish(&self, key: &SessionKey, event: Event);
}
