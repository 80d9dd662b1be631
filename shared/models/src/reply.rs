//! Reads one model's stream into one reply, within bounds.

use std::collections::HashSet;
use std::time::Duration;

use engine::model::{
    Deltas, ModelCall, ModelError, ModelErrorKind, ModelReply, ModelRequest, Quote, ToolCall, Usage,
};
use engine::runtime::Runtime;
use futures::StreamExt;
use futures::stream::BoxStream;

#[cfg(test)]
mod tests;

/// The most bytes of text and arguments of one reply.
const MAX_BYTES: usize = 256 * 1024;

/// The most tool calls of one reply.
const MAX_CALLS: usize = 64;

/// One model that streams what it says: no retries, no bounds.
pub(crate) trait Source: Send + Sync {
    /// As [`engine::model::ModelCall::model`] shows it.
    fn name(&self) -> &str;

    /// The most that asking for this may come to.
    fn quote(&self, request: &ModelRequest) -> Quote;

    /// Asks for one reply. A stream that ends without [`Piece::End`] was cut.
    fn ask<'a>(&'a self, request: &'a ModelRequest) -> Pieces<'a>;
}

/// A reply as it arrives.
pub(crate) type Pieces<'a> = BoxStream<'a, Result<Piece, Failure>>;

/// A part of a reply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    /// The next text.
    Text(String),
    /// A whole tool call.
    Call(ToolCall),
    /// So many bytes of something not shown arrived: arguments in the making, reasoning.
    Unseen(usize),
    /// The model finished.
    End(End),
}

/// How a reply ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct End {
    pub(crate) usage: Usage,
    /// The provider's word for why the model stopped.
    pub(crate) reason: Option<String>,
}

/// Why a try failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) error: ModelError,
    /// How long the provider asks us to wait.
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn new(kind: ModelErrorKind, detail: impl Into<String>) -> Self {
        Self {
            error: ModelError {
                kind,
                detail: detail.into(),
            },
            retry_after: None,
        }
    }
}

/// One finished try.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) result: Result<ModelReply, Failure>,
    /// What it cost, as far as the provider said.
    pub(crate) usage: Option<Usage>,
    /// The bytes that came.
    pub(crate) bytes: usize,
}

/// How long a reply may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// The longest wait for the next piece.
    pub(crate) idle: Duration,
    /// When to give up, on the runtime's monotonic clock.
    pub(crate) until: Duration,
}

/// Where text is streamed to; knows whether some must be taken back.
pub(crate) struct Stage<'a> {
    deltas: &'a mut dyn Deltas,
    told: bool,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(deltas: &'a mut dyn Deltas) -> Self {
        Self {
            deltas,
            told: false,
        }
    }

    /// Clears what an earlier try streamed.
    pub(crate) fn begin(&mut self) {
        if self.told {
            self.told = false;
            self.deltas.restart();
        }
    }

    pub(crate) fn may_make(&mut self, tries: &[Quote]) {
        self.deltas.may_make(tries);
    }

    pub(crate) async fn reserve(&mut self, quote: &Quote) -> Result<(), ModelError> {
        self.deltas.reserve(quote).await
    }

    pub(crate) fn settle(&mut self, call: &ModelCall) {
        self.deltas.settle(call);
    }

    fn text(&mut self, text: &str) {
        self.told = true;
        self.deltas.text(text);
    }

    fn unseen(&mut self, bytes: usize) {
        self.deltas.unseen(bytes);
    }
}

/// Reads `pieces` to their end, streaming text onto `stage`.
pub(crate) async fn read(
    runtime: &Runtime,
    mut pieces: Pieces<'_>,
    patience: Patience,
    stage: &mut Stage<'_>,
) -> Outcome {
    let mut draft = Draft::default();
    loop {
        let piece = match next(runtime, &mut pieces, patience).await {
            Ok(Piece::End(end)) => {
                return Outcome {
                    usage: (end.usage != Usage::default()).then_some(end.usage),
                    bytes: draft.bytes,
                    result: draft.finish(&end),
                };
            }
            Ok(piece) => draft.add(piece, stage),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = piece {
            return Outcome {
                result: Err(failure),
                usage: None,
                bytes: draft.bytes,
            };
        }
    }
}

async fn next(
    runtime: &Runtime,
    pieces: &mut Pieces<'_>,
    patience: Patience,
) -> Result<Piece, Failure> {
    let left = patience.until.saturating_sub(runtime.clock.monotonic());
    match runtime
        .timeout(left.min(patience.idle), pieces.next())
        .await
    {
        Ok(Some(piece)) => piece,
        Ok(None) => Err(Failure::new(
            ModelErrorKind::Cut,
            "the stream ended before the reply did",
        )),
        Err(_) if left < patience.idle => Err(Failure::new(
            ModelErrorKind::Timeout,
            "the whole reply took longer than the bot's model timeout",
        )),
        Err(_) => Err(Failure::new(
            ModelErrorKind::Timeout,
            format!("nothing came for {} ms", patience.idle.as_millis()),
        )),
    }
}

#[derive(Default)]
struct Draft {
    reply: ModelReply,
    bytes: usize,
}

impl Draft {
    fn add(&mut self, piece: Piece, stage: &mut Stage<'_>) -> Result<(), Failure> {
        self.bytes = self.bytes.saturating_add(match &piece {
            Piece::Text(text) => text.len(),
            Piece::Unseen(bytes) => *bytes,
            Piece::Call(call) => call.id.len() + call.name.len(),
            Piece::End(_) => 0,
        });
        if self.bytes > MAX_BYTES {
            let limit = MAX_BYTES / 1024;
            return Err(garbled(format!("the reply is longer than {limit} KiB")));
        }
        match piece {
            Piece::Text(text) if !text.is_empty() => {
                stage.text(&text);
                self.reply.text.push_str(&text);
            }
            Piece::Call(_) if self.reply.calls.len() == MAX_CALLS => {
                return Err(garbled(format!(
                    "the reply calls more than {MAX_CALLS} tools"
                )));
            }
            Piece::Call(call) => self.reply.calls.push(call),
            Piece::Unseen(bytes) => stage.unseen(bytes),
            Piece::Text(_) | Piece::End(_) => {}
        }
        Ok(())
    }

    fn finish(mut self, end: &End) -> Result<ModelReply, Failure> {
        if self.reply.calls.is_empty() && self.reply.text.trim().is_empty() {
            let reason = end.reason.as_deref().unwrap_or("no reason given");
            return Err(garbled(format!("an empty reply ({reason})")));
        }
        let mut seen = HashSet::new();
        for (index, call) in self.reply.calls.iter_mut().enumerate() {
            if call.id.is_empty() || !seen.insert(call.id.clone()) {
                call.id = format!("{}#{index}", call.id);
                seen.insert(call.id.clone());
            }
        }
        Ok(self.reply)
    }
}

fn garbled(detail: String) -> Failure {
    Failure::new(ModelErrorKind::Garbled, detail)
}
