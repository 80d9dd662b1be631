//! What a thought may spend, and what it has spent when it is given up.

use std::sync::Arc;
use std::time::Duration;

use super::dead::{Dead, Left};
use super::{Round, Run};
use crate::budget::{Budget, Fund, Leave, Money, Spent};
use crate::model::{ModelCall, ModelError, ModelErrorKind, Quote, Usage};
use crate::runtime::Time;
use crate::session::{Session, SessionKey};
use crate::transcript::{TurnRecord, rounds_to};

/// The money of one thought: sets aside the most that a try may cost before it is made.
pub(super) struct Purse<'a> {
    run: &'a Run,
    budget: Budget,
    funds: Vec<Fund>,
    /// What the session had spent before this turn.
    before: Spent,
    /// What the turn has spent.
    turn: Usage,
    /// The try under way.
    open: Option<Open>,
    /// The tries of this thought that ended.
    ended: Vec<ModelCall>,
    /// Attempts that are dead and not counted yet.
    attempts: Dead,
    /// What those may have cost, once a model may be asked.
    pub(super) dead: Option<ModelCall>,
}

struct Open {
    quote: Quote,
    at: Time,
    began: Duration,
    written: u64,
}

impl<'a> Purse<'a> {
    pub(super) fn new(
        run: &'a Run,
        key: &SessionKey,
        session: &Session,
        (round, attempts): (&Round, Dead),
        budget: Budget,
    ) -> Self {
        Self {
            run,
            funds: Fund::of(&budget, key, run.runtime.now()),
            before: session.all_spent().plus(budget.unseen(session.tries)),
            budget,
            turn: usage(round.spent()),
            open: None,
            ended: Vec::new(),
            attempts,
            dead: None,
        }
    }

    /// A thought begins that may make these tries, as those before it may have that ended without a word.
    pub(super) fn may_make(&mut self, tries: &[Quote]) {
        let attempts = std::mem::take(&mut self.attempts);
        if let Some(line) = attempts.line(tries, self.left(), self.run.runtime.now()) {
            self.turn = self.turn.plus(line.usage);
            self.dead = Some(line);
        }
    }

    /// What the turn may still spend.
    fn left(&self) -> Left {
        let Budget {
            turn_tokens,
            turn_money,
            session_tokens,
            session_money,
            ..
        } = self.budget;
        let session = self.before.plus(self.turn.into());
        let left = |turn: Option<u64>, used: u64, session: Option<u64>, all: u64| {
            let turn = turn.map_or(u64::MAX, |limit| limit.saturating_sub(used));
            turn.min(session.map_or(u64::MAX, |limit| limit.saturating_sub(all)))
        };
        Left {
            tokens: left(
                turn_tokens,
                self.turn.tokens(),
                session_tokens,
                session.tokens,
            ),
            money: left(
                turn_money,
                self.turn.micro_dollars,
                session_money,
                session.money,
            ),
        }
    }

    pub(super) fn wrote(&mut self, bytes: usize) {
        if let Some(open) = &mut self.open {
            open.written += bytes as u64;
        }
    }

    /// Sets aside the most that a try may come to.
    pub(super) async fn reserve(&mut self, quote: &Quote) -> Result<(), ModelError> {
        if self.attempts != Dead::default() {
            self.may_make(std::slice::from_ref(quote));
        }
        let most = quote.most();
        if let Some(detail) = self.beyond(most) {
            return Err(ModelError {
                kind: ModelErrorKind::Budget,
                detail,
            });
        }
        let leave = self.run.ledger.reserve(&self.funds, most).await;
        let unavailable = |error: &crate::error::Error| ModelError {
            kind: ModelErrorKind::Unavailable,
            detail: format!("not asked: the budget cannot be read: {error}"),
        };
        match leave.map_err(|error| unavailable(&error))? {
            Leave::Refused(fund) => {
                return Err(ModelError {
                    kind: ModelErrorKind::Budget,
                    detail: format!("{fund}, and this call may take more than is left"),
                });
            }
            Leave::Granted if !self.budget.bounds_sessions() => {}
            Leave::Granted | Leave::Counted => {
                // After a power cut nobody would know that anything was spent.
                if let Err(error) = self.run.sessions.durable().await {
                    self.run.ledger.settle(&self.funds, most, Usage::default());
                    return Err(unavailable(&error));
                }
            }
        }
        self.open = Some(Open {
            quote: quote.clone(),
            at: self.run.runtime.now(),
            began: self.run.runtime.clock.monotonic(),
            written: 0,
        });
        Ok(())
    }

    /// The bound that a call may break, in words.
    fn beyond(&self, most: Usage) -> Option<String> {
        let after = self.turn.plus(most);
        let call = Money(most.micro_dollars);
        if let Some(limit) = self
            .budget
            .turn_tokens
            .filter(|limit| after.tokens() > *limit)
        {
            return Some(format!(
                "a turn may use {limit} tokens; {} are used, and this call may use {}",
                self.turn.tokens(),
                most.tokens()
            ));
        }
        if let Some(limit) = self
            .budget
            .turn_money
            .filter(|limit| after.micro_dollars > *limit)
        {
            return Some(format!(
                "a turn may cost {}; it has cost {}, and this call may cost {call}",
                Money(limit),
                Money(self.turn.micro_dollars)
            ));
        }
        let session = self.before.plus(after.into());
        if let Some(limit) = self
            .budget
            .session_tokens
            .filter(|limit| session.tokens > *limit)
        {
            return Some(format!(
                "a conversation may use {limit} tokens; it may have used {}, and this call may use {}",
                session.tokens.saturating_sub(most.tokens()),
                most.tokens()
            ));
        }
        let limit = self
            .budget
            .session_money
            .filter(|limit| session.money > *limit)?;
        Some(format!(
            "a conversation may cost {}; it may have cost {}, and this call may cost {call}",
            Money(limit),
            Money(session.money.saturating_sub(most.micro_dollars))
        ))
    }

    pub(super) fn settle(&mut self, call: &ModelCall) {
        if let Some(open) = self.open.take() {
            let most = open.quote.most();
            self.run.ledger.settle(&self.funds, most, call.usage);
        }
        self.turn = self.turn.plus(call.usage);
        self.ended.push(call.clone());
    }

    /// The tries of a thought that was given up, the last of them cut off.
    pub(super) fn give_up(mut self, why: &str) -> Vec<ModelCall> {
        if let Some(open) = &self.open {
            let took = self
                .run
                .runtime
                .clock
                .monotonic()
                .saturating_sub(open.began);
            let call = ModelCall {
                model: open.quote.model.clone(),
                at: open.at,
                millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                usage: open.quote.after(open.written),
                error: Some(ModelError {
                    kind: ModelErrorKind::Cut,
                    detail: why.to_owned(),
                }),
            };
            self.settle(&call);
        }
        self.ended
    }
}

impl Round {
    /// What the turn has asked models so far.
    pub(super) fn spent(&self) -> impl Iterator<Item = &ModelCall> {
        let before = self.before.iter().flat_map(|record| &record.model_calls);
        before.chain(&self.given_up)
    }
}

/// What the rounds of `turn` asked models that did not lead to `before`: a turn is thought again when it is
/// overtaken, and what it had thought is paid for.
pub(super) fn given_up(
    records: &[Arc<TurnRecord>],
    turn: u64,
    before: &[Arc<TurnRecord>],
) -> Vec<ModelCall> {
    let kept = |record: &Arc<TurnRecord>| before.iter().any(|kept| kept.plan == record.plan);
    let of_turn = records.iter().filter(|record| record.turn == turn);
    let newer = of_turn.filter(|record| !kept(record) && record.round as usize >= before.len());
    let Some(last) = newer.max_by_key(|record| record.at) else {
        return Vec::new();
    };
    let rounds = rounds_to(records, turn, last.plan);
    let lost = rounds.iter().filter(|record| !kept(record));
    lost.flat_map(|record| record.model_calls.clone()).collect()
}

pub(super) fn usage<'a>(calls: impl Iterator<Item = &'a ModelCall>) -> Usage {
    calls.fold(Usage::default(), |sum, call| sum.plus(call.usage))
}
