//! The language-model port: one request, one streamed reply, told apart failures.

use std::fmt;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::runtime::Time;

/// What the model is asked: the whole conversation it may see and the tools it may call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelRequest {
    /// The bot's persona, rules and skills.
    pub system: String,
    /// The conversation, oldest first, ending with what is to be answered.
    pub messages: Vec<ChatMessage>,
    /// The tools on offer.
    pub tools: Vec<ToolOffer>,
}

/// One message of a conversation as a model sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum ChatMessage {
    /// The contact spoke.
    User {
        /// What they said.
        text: String,
    },
    /// The bot spoke, called tools, or both.
    Assistant {
        /// What it said; empty when it only called tools.
        text: String,
        /// The tools it called.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<ToolCall>,
    },
    /// A tool answered.
    Tool {
        /// The id of the call it answers.
        call: String,
        /// The tool's name.
        name: String,
        /// What it answered, as text for the model.
        content: String,
        /// Whether that comes from outside: data, whose words are nobody's instructions.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        untrusted: bool,
    },
}

/// A tool as it is offered to a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolOffer {
    /// Unique among the bot's tools; `[a-z0-9_-]`, at most 64 characters.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// JSON Schema of the arguments, an object.
    pub parameters: Value,
}

/// A call the model wants made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The model's own id for the call; means nothing outside this reply.
    pub id: String,
    /// The tool's name, as the model wrote it.
    pub name: String,
    /// The arguments, not yet validated.
    pub arguments: Value,
}

/// A whole reply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelReply {
    /// The text; may be empty when there are calls.
    pub text: String,
    /// The tool calls, in order.
    pub calls: Vec<ToolCall>,
}

/// What a reply cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Of those, tokens read from the provider's prompt cache.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Millionths of a US dollar, by the price table.
    pub micro_dollars: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens + other.input_tokens,
            cached_tokens: self.cached_tokens + other.cached_tokens,
            output_tokens: self.output_tokens + other.output_tokens,
            micro_dollars: self.micro_dollars + other.micro_dollars,
        }
    }

    /// Tokens read and written.
    #[must_use]
    pub fn tokens(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// The most that one try at one model may come to, told before it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// As [`ModelCall::model`].
    pub model: String,
    /// The most tokens that the request may count.
    pub input_tokens: u64,
    /// The most tokens that may be written.
    pub output_tokens: u64,
    /// What reading that many costs, in millionths of a US dollar.
    pub input_micro_dollars: u64,
    /// What writing that many costs, in millionths of a US dollar.
    pub output_micro_dollars: u64,
}

impl Quote {
    /// What the try comes to at most.
    #[must_use]
    pub fn most(&self) -> Usage {
        self.after(u64::MAX)
    }

    /// What a try that broke off came to at most, of which `bytes` had been written; a token is a byte or more.
    #[must_use]
    pub fn after(&self, bytes: u64) -> Usage {
        let written = bytes.min(self.output_tokens);
        let cost = u128::from(self.output_micro_dollars) * u128::from(written);
        let cost = cost.div_ceil(u128::from(self.output_tokens.max(1)));
        Usage {
            input_tokens: self.input_tokens,
            cached_tokens: 0,
            output_tokens: written,
            micro_dollars: self
                .input_micro_dollars
                .saturating_add(u64::try_from(cost).unwrap_or(u64::MAX)),
        }
    }
}

/// One try at one model: a line of the trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelCall {
    /// `provider/model`, such as `anthropic/claude-sonnet-4-5`, or `scripted`.
    pub model: String,
    /// When it began.
    pub at: Time,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// What it cost; the most it can have cost where the provider did not say.
    pub usage: Usage,
    /// Why it failed; absent when it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ModelError>,
}

/// The outcome of asking a model or a chain of them.
#[derive(Clone, Debug)]
pub struct ModelAnswer {
    /// The one reply, or why there is none.
    pub result: Result<ModelReply, ModelError>,
    /// Every try, in order, failed ones included.
    pub calls: Vec<ModelCall>,
}

/// Why a model gave no usable reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, JsonSchema)]
#[error("{kind}: {detail}")]
pub struct ModelError {
    /// What sort of failure it was; decides whether another model may be asked.
    pub kind: ModelErrorKind,
    /// For the operator; never holds a key or the conversation.
    pub detail: String,
}

/// The sorts of model failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelErrorKind {
    /// The key is missing, wrong or lacks a right.
    Authentication,
    /// The provider refused the request as malformed or not allowed.
    InvalidRequest,
    /// The conversation is longer than the model's context.
    ContextTooLong,
    /// The provider asks us to slow down.
    RateLimited,
    /// The provider is down, overloaded or cannot be reached.
    Unavailable,
    /// No answer, or no further token, within the time allowed.
    Timeout,
    /// The stream ended before the reply did.
    Cut,
    /// The answer could not be understood, or was empty.
    Garbled,
    /// Asking might cost more than the budget has left.
    Budget,
}

impl ModelErrorKind {
    /// Whether asking again, or asking another model, may succeed.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Authentication | Self::InvalidRequest | Self::ContextTooLong | Self::Budget => {
                false
            }
            Self::RateLimited | Self::Unavailable | Self::Timeout | Self::Cut | Self::Garbled => {
                true
            }
        }
    }
}

impl fmt::Display for ModelErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authentication => "the model provider refused the key",
            Self::InvalidRequest => "the model provider refused the request",
            Self::ContextTooLong => "the conversation is too long for the model",
            Self::RateLimited => "the model provider asks to slow down",
            Self::Unavailable => "the model provider is unavailable",
            Self::Timeout => "the model took too long",
            Self::Cut => "the model's stream was cut",
            Self::Garbled => "the model's answer could not be understood",
            Self::Budget => "the budget does not allow it",
        })
    }
}

/// Receives a reply while it is being written, and gives leave to ask for it.
///
/// A chain says first what it may ask, by [`Deltas::may_make`]. Every try at a model begins with [`Deltas::reserve`]
/// and, unless it is dropped, ends with [`Deltas::settle`]. Whoever bounds nothing leaves all three as they are.
#[async_trait]
pub trait Deltas: Send {
    /// The next piece of text.
    fn text(&mut self, delta: &str);

    /// What was streamed so far is void: another model starts the reply over.
    fn restart(&mut self);

    /// So many bytes came that are not text: arguments in the making, reasoning.
    fn unseen(&mut self, _bytes: usize) {}

    /// The tries that may be made for this reply, all of them.
    fn may_make(&mut self, _tries: &[Quote]) {}

    /// Sets aside what a try may come to.
    ///
    /// # Errors
    /// [`ModelErrorKind::Budget`] when there is not that much left: this model must not be asked.
    async fn reserve(&mut self, _quote: &Quote) -> Result<(), ModelError> {
        Ok(())
    }

    /// The try that was reserved for has ended, and came to this.
    fn settle(&mut self, _call: &ModelCall) {}
}

/// A language model, or a chain of them.
#[async_trait]
pub trait Model: Send + Sync {
    /// Asks for one reply, streaming its text into `deltas`. Bounded in time by the implementation.
    async fn respond(&self, request: &ModelRequest, deltas: &mut dyn Deltas) -> ModelAnswer;
}
