//! The scripted model: replies and tool calls from a TOML file in the bot's folder.
//!
//! It needs no key and no network, is deterministic, and serves first runs, demos and tests.
//!
//! ```toml
//! format = 1                 # required
//! delay_ms = 0               # wait before every reply
//! chunk = 3                  # stream so many words at a time; absent: all at once
//! chunk_delay_ms = 30        # wait between chunks
//!
//! [[reply]]                  # tried from the top; the first that fits answers
//! match = ["order|parcel", "where"]         # every word, or one of its alternatives, was said
//! text = "Which order is it? It looks like A-1001."
//!
//! [[reply]]
//! match = 'order\s+#?(?<order>[a-z]-\d+)'   # or a regular expression, letter case aside
//! call = { tool = "lookup_order", arguments = { order_id = "{order|upper}" } }
//!
//! [[reply]]
//! after_tool = "lookup_order"               # that tool has just answered
//! when_result = "none"                      # "some" rows, "none", or "error"
//! text = "I find no order {call.order_id}."
//!
//! [[reply]]
//! after_tool = "lookup_order"
//! when_result = { status = "shipped" }      # or fields of the answer's first row
//! text = "Order {result.order_id} left on {result.shipped_on}."
//!
//! [default]                  # answers when nothing fits
//! text = "I can look up orders and start refunds."
//! ```
//!
//! Conditions, all of which must hold:
//! - `match`: on the contact's last message. A list of words or phrases, each found whole and
//!   letter case aside, `|` between alternatives; or one regular expression.
//! - `after_text`: the same on what the bot said before that, for a "yes" to its question.
//! - `after_tool`: the conversation ends with that tool's result. Without it, a reply only answers
//!   a message, not a result. `match` still sees the message that started the turn.
//! - `when_result`: on that result.
//!
//! A reply has `text`, `call` (one, or a list), or both. Or it fails: `fail = "timeout"`,
//! `"cut"`, `"unavailable"`, `"rate_limited"`, `"garbled"`, `"authentication"`,
//! `"invalid_request"`, `"context_too_long"`; or never ends: `hang = true`. A failing reply's text
//! is streamed first. `delay_ms`, `chunk` and `chunk_delay_ms` may be set on a reply too.
//!
//! Texts and arguments have holes:
//! - `{1}`, `{order}`: a group of the regular expressions, `match` before `after_text`.
//! - `{message}`: the contact's last message.
//! - `{result}`, `{result.status}`: the tool's answer, or a field of its first row. Rows are an
//!   array, an object's `rows` or `items`, or the object itself; `{result.rows.1.status}` is the
//!   long way to the second row.
//! - `{call.order_id}`: an argument of the call that the tool's answer answers.
//! - `{tool.lookup_order.status}`: the same of the latest result of any tool.
//! - `|upper`, `|lower`, `|trim`, `|number` after a name change it. An argument that is just one
//!   hole keeps the type of a result's field; `|number` makes a number of a text.
//! - `{{` and `}}` are braces. A hole with nothing to fill it stays empty.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::model::{ModelRequest, Quote};
use engine::runtime::Runtime;
use futures::StreamExt;
use futures::stream;

use crate::reply::{Pieces, Source};

mod conversation;
mod file;
mod pattern;
mod replies;
mod template;
#[cfg(test)]
mod tests;

pub(crate) use replies::Reply;

/// A checked script.
#[derive(Clone, Debug)]
pub struct Script {
    pub(crate) replies: Vec<Reply>,
    pub(crate) default: Reply,
}

/// Why a script cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {problem}", path.display())]
pub struct ScriptError {
    /// The script's file.
    pub path: PathBuf,
    /// The line the problem is in, from 1.
    pub line: usize,
    /// What is wrong and what to do about it.
    pub problem: String,
}

impl Script {
    /// Reads `text`, which came from `path`.
    ///
    /// # Errors
    /// The first problem, with its line.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ScriptError> {
        file::parse(text).map_err(|problem| ScriptError {
            path: path.to_owned(),
            line: problem.line(text),
            problem: problem.text,
        })
    }

    /// The tools that replies call, in order, some perhaps twice. They should be tools of the bot.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        self.replies
            .iter()
            .chain([&self.default])
            .flat_map(Reply::tools)
    }
}

/// The model that answers from a script.
pub(crate) struct Scripted {
    runtime: Runtime,
    script: Arc<Script>,
}

impl Scripted {
    pub(crate) fn new(runtime: Runtime, script: Script) -> Self {
        Self {
            runtime,
            script: Arc::new(script),
        }
    }
}

impl Source for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn quote(&self, _: &ModelRequest) -> Quote {
        Quote {
            model: self.name().to_owned(),
            ..Quote::default()
        }
    }

    fn ask<'a>(&'a self, request: &'a ModelRequest) -> Pieces<'a> {
        let take = replies::answer(&self.script, request);
        if take.plays_at_once() {
            return stream::iter(take.pieces).boxed();
        }
        take.play(self.runtime.clone()).boxed()
    }
}
