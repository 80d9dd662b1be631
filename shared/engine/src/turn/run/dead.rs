//! Attempts at a round that ended without a word, under the hold of the one that goes on.

use super::{Round, Run};
use crate::error::Error;
use crate::model::{ModelCall, ModelError, ModelErrorKind, Quote, Usage};
use crate::overlap::Overlap;
use crate::runtime::Time;
use crate::session::{Session, SessionKey};
use crate::turn::Staff;

/// What attempts that are dead may have asked of models at most, in terms of what the next one may ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dead {
    /// Thoughts that they may have begun.
    thoughts: u64,
    /// The bytes that they may have sent and the next one need not.
    more: u64,
}

impl Dead {
    /// The line of the trace for all of them: they may have made each of the tries `may_be_made`, at its full price,
    /// in each thought, but not beyond what is `left`. Nothing when there are none.
    pub(super) fn line(self, may_be_made: &[Quote], left: Left, at: Time) -> Option<ModelCall> {
        let first = may_be_made.first().filter(|_| self.thoughts > 0)?;
        let tries = may_be_made.iter().map(|quote| self.most(quote));
        let usage = tries.fold(Usage::default(), plus);
        Some(ModelCall {
            model: first.model.clone(),
            at,
            millis: 0,
            usage: left.of(times(usage, self.thoughts)),
            error: Some(ModelError {
                kind: ModelErrorKind::Cut,
                detail:
                    "an attempt before this one ended without a word: the most it may have cost"
                        .to_owned(),
            }),
        })
    }

    /// What a try came to at most that may have read `more`.
    fn most(self, quote: &Quote) -> Usage {
        let read = u128::from(quote.input_tokens.max(1));
        let more = u128::from(quote.input_micro_dollars) * u128::from(self.more);
        let more = u64::try_from(more.div_ceil(read)).unwrap_or(u64::MAX);
        let most = quote.most();
        Usage {
            input_tokens: most.input_tokens.saturating_add(self.more),
            micro_dollars: most.micro_dollars.saturating_add(more),
            ..most
        }
    }
}

/// What is left of the bounds: nobody has spent more. Money is in micro-dollars.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub(super) tokens: u64,
    pub(super) money: u64,
}

impl Left {
    fn of(self, usage: Usage) -> Usage {
        let output_tokens = usage.output_tokens.min(self.tokens);
        Usage {
            input_tokens: usage.input_tokens.min(self.tokens - output_tokens),
            cached_tokens: 0,
            output_tokens,
            micro_dollars: usage.micro_dollars.min(self.money),
        }
    }
}

fn plus(one: Usage, other: Usage) -> Usage {
    Usage {
        input_tokens: one.input_tokens.saturating_add(other.input_tokens),
        cached_tokens: 0,
        output_tokens: one.output_tokens.saturating_add(other.output_tokens),
        micro_dollars: one.micro_dollars.saturating_add(other.micro_dollars),
    }
}

fn times(usage: Usage, count: u64) -> Usage {
    Usage {
        input_tokens: usage.input_tokens.saturating_mul(count),
        cached_tokens: 0,
        output_tokens: usage.output_tokens.saturating_mul(count),
        micro_dollars: usage.micro_dollars.saturating_mul(count),
    }
}

impl Run {
    /// What the dead attempts at this round may have asked. Where messages queue, each thought once of what is thought
    /// of now; elsewhere again for each newer message, with it or with what the tools of the turn came to.
    pub(super) async fn dead(
        &self,
        key: &SessionKey,
        session: &Session,
        round: &Round,
        staff: &Staff,
    ) -> Result<Dead, Error> {
        let attempts = u64::from(round.retries);
        let policy = staff.bot.overlap.policy(key.tenant(), key.channel());
        if attempts == 0 || policy == Overlap::Queue {
            return Ok(Dead {
                thoughts: attempts,
                more: 0,
            });
        }
        let said = session.inbox.iter().map(|message| message.text.len());
        let results = self.results.known_since(key, round.turn).await?;
        let told = results
            .values()
            .map(|result| result.content.to_string().len());
        Ok(Dead {
            thoughts: attempts.saturating_mul(session.inbox.len().max(1) as u64),
            more: said.chain(told).map(|bytes| bytes as u64).sum(),
        })
    }
}
