//! Asks one model after another until one answers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::model::{
    Deltas, Model, ModelAnswer, ModelCall, ModelError, ModelErrorKind, ModelReply, ModelRequest,
    Quote, Usage,
};
use engine::runtime::Runtime;

use crate::breaker::{Breaker, Resting};
use crate::reply::{Failure, Outcome, Patience, Source, Stage, read};

#[cfg(test)]
mod tests;

/// The shortest wait before the only model of a chain is asked again; the longest is three times that.
const BACKOFF: Duration = Duration::from_millis(250);

/// A provider that asks us to wait longer than this is not asked again.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(5);

/// A model of a chain.
pub(crate) struct Link {
    pub(crate) source: Arc<dyn Source>,
    /// Absent for models that run in this process.
    pub(crate) breaker: Option<Arc<Breaker>>,
}

/// A chain of models, of which one answers.
///
/// A failure that another try may mend moves on to the next model; a lone model is asked once
/// more. So does a model that the budget does not allow: the next may be cheaper. The whole chain
/// shares one deadline.
pub(crate) struct Fallback {
    pub(crate) runtime: Runtime,
    pub(crate) links: Vec<Link>,
    pub(crate) timeout: Duration,
    pub(crate) idle: Duration,
}

#[async_trait]
impl Model for Fallback {
    async fn respond(&self, request: &ModelRequest, deltas: &mut dyn Deltas) -> ModelAnswer {
        let mut conversation = Conversation {
            request,
            stage: Stage::new(deltas),
            calls: Vec::new(),
            patience: Patience {
                idle: self.idle,
                until: self.runtime.clock.monotonic() + self.timeout,
            },
        };
        let tries: Vec<Quote> = self.tries(request);
        conversation.stage.may_make(&tries);
        let result = match self.links.as_slice() {
            [only] => self.insist(only, &mut conversation).await,
            links => self.move_on(links, &mut conversation).await,
        };
        ModelAnswer {
            result: result.map_err(|failure| failure.error),
            calls: conversation.calls,
        }
    }
}

/// One request on its way through the chain.
struct Conversation<'a> {
    request: &'a ModelRequest,
    stage: Stage<'a>,
    calls: Vec<ModelCall>,
    patience: Patience,
}

impl Fallback {
    /// What each try may come to: one at each model, two at a lone one.
    fn tries(&self, request: &ModelRequest) -> Vec<Quote> {
        let quotes = self.links.iter().map(|link| link.source.quote(request));
        match self.links.as_slice() {
            [_] => quotes.cycle().take(2).collect(),
            _ => quotes.collect(),
        }
    }

    async fn insist(
        &self,
        link: &Link,
        conversation: &mut Conversation<'_>,
    ) -> Result<ModelReply, Failure> {
        let failure = match self.ask(link, conversation).await {
            Ok(reply) => return Ok(reply),
            Err(failure) => failure,
        };
        let Some(pause) = self.pause(&failure) else {
            return Err(failure);
        };
        let end = self.runtime.clock.monotonic() + pause;
        if end >= conversation.patience.until {
            return Err(failure);
        }
        self.runtime.clock.sleep(pause).await;
        self.ask(link, conversation).await
    }

    async fn move_on(
        &self,
        links: &[Link],
        conversation: &mut Conversation<'_>,
    ) -> Result<ModelReply, Failure> {
        let mut last = Failure::new(ModelErrorKind::Unavailable, "the chain is empty");
        for link in links {
            match self.ask(link, conversation).await {
                Err(failure) if moves_on(failure.error.kind) => last = failure,
                settled => return settled,
            }
            if self.runtime.clock.monotonic() >= conversation.patience.until {
                break;
            }
        }
        Err(last)
    }

    /// How long to wait before asking the same model again, where that may help.
    fn pause(&self, failure: &Failure) -> Option<Duration> {
        match failure.error.kind {
            ModelErrorKind::RateLimited | ModelErrorKind::Unavailable => {}
            _ => return None,
        }
        match failure.retry_after {
            Some(wait) if wait > MAX_RETRY_AFTER => None,
            Some(wait) => Some(wait),
            None => {
                let spread = u64::try_from(BACKOFF.as_millis()).unwrap_or(u64::MAX) * 2;
                let jitter = self.runtime.entropy.next_u64() % spread.max(1);
                Some(BACKOFF + Duration::from_millis(jitter))
            }
        }
    }

    /// One try at one model, and its line in the trace.
    async fn ask(
        &self,
        link: &Link,
        conversation: &mut Conversation<'_>,
    ) -> Result<ModelReply, Failure> {
        let quote = link.source.quote(conversation.request);
        let leave = conversation.stage.reserve(&quote).await;
        let at = self.runtime.now();
        let began = self.runtime.clock.monotonic();
        if let Err(error) = leave {
            let outcome = not_asked(Failure {
                error,
                retry_after: None,
            });
            return self.record(link, conversation, at, began, outcome);
        }
        let permit = match link.breaker.as_ref().map(|breaker| breaker.admit(began)) {
            Some(Err(Resting(rest))) => {
                let outcome = rested(rest);
                return self.record(link, conversation, at, began, outcome);
            }
            Some(Ok(permit)) => Some(permit),
            None => None,
        };
        conversation.stage.begin();
        let mut outcome = read(
            &self.runtime,
            link.source.ask(conversation.request),
            conversation.patience,
            &mut conversation.stage,
        )
        .await;
        if let Some(permit) = permit {
            match &outcome.result {
                Err(failure) if failure.error.kind.is_retryable() => {
                    permit.failed(self.runtime.clock.monotonic());
                }
                _ => permit.succeeded(),
            }
        }
        outcome.usage = outcome.usage.or_else(|| estimate(&quote, &outcome));
        self.record(link, conversation, at, began, outcome)
    }

    fn record(
        &self,
        link: &Link,
        conversation: &mut Conversation<'_>,
        at: engine::runtime::Time,
        began: Duration,
        outcome: Outcome,
    ) -> Result<ModelReply, Failure> {
        let took = self.runtime.clock.monotonic().saturating_sub(began);
        let call = ModelCall {
            model: link.source.name().to_owned(),
            at,
            millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            usage: outcome.usage.unwrap_or_default(),
            error: outcome.result.as_ref().err().map(error_of),
        };
        conversation.stage.settle(&call);
        conversation.calls.push(call);
        outcome.result
    }
}

fn error_of(failure: &Failure) -> ModelError {
    failure.error.clone()
}

fn moves_on(kind: ModelErrorKind) -> bool {
    kind.is_retryable() || kind == ModelErrorKind::Budget
}

/// The most that a try can have cost whose cost the provider did not say; nothing where it did not begin.
fn estimate(quote: &Quote, outcome: &Outcome) -> Option<Usage> {
    let kind = outcome
        .result
        .as_ref()
        .err()
        .map(|failure| failure.error.kind);
    match kind {
        None | Some(ModelErrorKind::Timeout | ModelErrorKind::Cut | ModelErrorKind::Garbled) => {}
        Some(_) if outcome.bytes > 0 => {}
        Some(_) => return None,
    }
    Some(quote.after(u64::try_from(outcome.bytes).unwrap_or(u64::MAX)))
}

fn not_asked(failure: Failure) -> Outcome {
    Outcome {
        result: Err(failure),
        usage: None,
        bytes: 0,
    }
}

fn rested(rest: Duration) -> Outcome {
    let detail = format!(
        "not asked: it failed three times in a row and rests for another {} s",
        rest.as_secs_f64().ceil()
    );
    not_asked(Failure {
        // Longer than the lone model of a chain would be waited for.
        retry_after: Some(rest.max(MAX_RETRY_AFTER + Duration::from_millis(1))),
        ..Failure::new(ModelErrorKind::Unavailable, detail)
    })
}
