//! What decides the next thing a turn does.

use async_trait::async_trait;

use crate::bot::Bot;
use crate::goal::Goal;
use crate::model::{
    ChatMessage, Deltas, ModelAnswer, ModelCall, ModelError, ModelErrorKind, ModelRequest, ToolCall,
};
use crate::overlap::{Hint, Overlap};
use crate::transcript::Taken;

mod tool_loop;

pub use tool_loop::ToolLoop;

/// All a brain may know.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Who it is.
    pub bot: &'a Bot,
    /// The conversation, oldest first; ends with the messages to answer and, in a later round, the tool
    /// calls of this turn with their results.
    pub conversation: Vec<ChatMessage>,
    /// How many rounds of tool calls this turn has made.
    pub round: u32,
    /// The time and the contact's time zone, in words, where a tool of the bot needs them.
    pub present: Option<String>,
    /// What workflows want of the conversation, those that are over lately included.
    pub goals: Vec<Goal>,
    /// Answer now, without calling more tools.
    pub finish: bool,
}

/// What a brain decided, and what that cost.
#[derive(Clone, Debug)]
pub struct Thought {
    /// The decision.
    pub conclusion: Conclusion,
    /// Every try at a model.
    pub model_calls: Vec<ModelCall>,
}

/// A brain's decision.
#[derive(Clone, Debug, PartialEq)]
pub enum Conclusion {
    /// Say this and end the turn.
    Reply(String),
    /// Call these tools and think again.
    Tools {
        /// What the model said beside its calls.
        text: String,
        /// The calls.
        calls: Vec<ToolCall>,
    },
    /// No answer can be had.
    Stop(ModelError),
}

/// A turn that is not committed yet, and messages that came meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Meeting<'a> {
    /// Who answers.
    pub bot: &'a Bot,
    /// The messages that the turn answers.
    pub running: &'a [Taken],
    /// Those that came since, which may join it.
    pub newer: &'a [Taken],
    /// Where the turn stands.
    pub at: Interrupt,
}

/// Where a turn is met by newer messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// It thinks, under the policy `supersede`.
    Thinking,
    /// Its tools have been called, and it is about to think again.
    ToolBoundary,
}

/// Decides what a turn does next.
#[async_trait]
pub trait Brain: Send + Sync {
    /// Thinks once. Bounded in time; may be dropped at any await.
    async fn think(&self, context: Context<'_>, deltas: &mut dyn Deltas) -> Thought;

    /// Answers one question outside of any conversation, such as a step of a workflow asks.
    async fn answer(&self, _request: &ModelRequest, _deltas: &mut dyn Deltas) -> ModelAnswer {
        ModelAnswer {
            result: Err(ModelError {
                kind: ModelErrorKind::Unavailable,
                detail: "this brain has no model to ask".to_owned(),
            }),
            calls: Vec::new(),
        }
    }

    /// What becomes of the turn when newer messages meet it, if the brain has an opinion; else the policy of
    /// the channel holds. Not asked where that is `queue`, nor after the commit point.
    async fn overlap(&self, _meeting: Meeting<'_>) -> Option<Overlap> {
        None
    }

    /// What the contact will probably do after `reply`, for the adaptive window before the next turn.
    fn hint(&self, _reply: &str) -> Option<Hint> {
        None
    }
}
