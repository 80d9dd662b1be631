//! What decides the next thing a turn does.

use async_trait::async_trait;

use crate::bot::Bot;
use crate::model::{ChatMessage, Deltas, ModelCall, ModelError, ToolCall};

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

/// Decides what a turn does next.
#[async_trait]
pub trait Brain: Send + Sync {
    /// Thinks once. Bounded in time; may be dropped at any await.
    async fn think(&self, context: Context<'_>, deltas: &mut dyn Deltas) -> Thought;
}
