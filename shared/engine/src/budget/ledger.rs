//! Day budgets: counters that are taken from in blocks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Budget, Money};
use crate::document::{DocumentKey, Documents, Topic};
use crate::error::Error;
use crate::model::Usage;
use crate::runtime::Time;
use crate::session::SessionKey;

/// A block is this part of a limit, unless one call needs more.
const PARTS: u64 = 100;

/// How long a day's counter is kept.
const KEPT: Duration = Duration::from_secs(8 * 24 * 3600);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Tokens,
    Money,
}

/// One limit on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fund {
    counter: DocumentKey,
    limit: u64,
    measure: Measure,
    whose: &'static str,
    expires: Time,
}

impl Fund {
    /// The limits of `budget` on what the bot of `session` spends on the day of `now`.
    #[must_use]
    pub fn of(budget: &Budget, session: &SessionKey, now: Time) -> Vec<Self> {
        let day = now.to_string();
        let day = day.split('T').next().unwrap_or_default().to_owned();
        let bot = format!("{day}/bot/{}", session.bot());
        let tenant = format!("{day}/tenant");
        let funds = [
            (budget.day_money, Measure::Money, "the bot", &bot),
            (budget.day_tokens, Measure::Tokens, "the bot", &bot),
            (
                budget.tenant_day_money,
                Measure::Money,
                "the tenant",
                &tenant,
            ),
            (
                budget.tenant_day_tokens,
                Measure::Tokens,
                "the tenant",
                &tenant,
            ),
        ];
        let fund = |(limit, measure, whose, name): (Option<u64>, Measure, _, &String)| {
            let unit = match measure {
                Measure::Tokens => "tokens",
                Measure::Money => "micro-dollars",
            };
            Some(Self {
                counter: DocumentKey::new(
                    session.tenant(),
                    Topic::Budget,
                    format!("{name}/{unit}"),
                ),
                limit: limit?,
                measure,
                whose,
                expires: now.plus(KEPT),
            })
        };
        funds.into_iter().filter_map(fund).collect()
    }

    /// The counter that stands for it in a store: what was taken on the day, spent or not.
    #[must_use]
    pub fn counter(&self) -> &DocumentKey {
        &self.counter
    }

    fn measured(&self, usage: Usage) -> u64 {
        match self.measure {
            Measure::Tokens => usage.tokens(),
            Measure::Money => usage.micro_dollars,
        }
    }
}

impl fmt::Display for Fund {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = self.whose;
        match self.measure {
            Measure::Tokens => write!(f, "{whose} may use {} tokens a day", self.limit),
            Measure::Money => write!(f, "{whose} may spend {} a day", Money(self.limit)),
        }
    }
}

/// Whether a sum may be spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It was set aside, from what this process had taken before.
    Granted,
    /// It was set aside; a counter was written for it, which must be durable before it is spent.
    Counted,
    /// It was not: this is the limit in the way.
    Refused(Fund),
}

/// Takes from day budgets for one process, which it may share among all its turns.
///
/// What a process took and did not spend when it died stays counted: a limit is never exceeded, and may be
/// reached a little early.
pub struct Ledger {
    documents: Arc<dyn Documents>,
    /// What was taken and is not set aside, by counter; below zero after a call that cost more than it could.
    blocks: Mutex<BTreeMap<DocumentKey, i64>>,
}

impl Ledger {
    /// A ledger on the counters of `documents`.
    #[must_use]
    pub fn new(documents: Arc<dyn Documents>) -> Self {
        Self {
            documents,
            blocks: Mutex::default(),
        }
    }

    /// Sets `most` aside in each of `funds`, or in none.
    ///
    /// # Errors
    /// When a store failed; what it may have counted is lost to the day.
    pub async fn reserve(&self, funds: &[Fund], most: Usage) -> Result<Leave, Error> {
        let mut leave = Leave::Granted;
        for (index, fund) in funds.iter().enumerate() {
            let taken = self.take(fund, signed(fund.measured(most))).await;
            if !matches!(taken, Ok(Leave::Granted | Leave::Counted)) {
                for earlier in &funds[..index] {
                    self.put(earlier, signed(earlier.measured(most)));
                }
                return taken;
            }
            if taken? == Leave::Counted {
                leave = Leave::Counted;
            }
        }
        Ok(leave)
    }

    /// What was set aside as `most` has come to `actual`.
    pub fn settle(&self, funds: &[Fund], most: Usage, actual: Usage) {
        for fund in funds {
            let (most, actual) = (fund.measured(most), fund.measured(actual));
            self.put(fund, signed(most) - signed(actual));
        }
    }

    /// What this process took from `fund` and has neither spent nor set aside.
    #[must_use]
    pub fn unspent(&self, fund: &Fund) -> i64 {
        self.blocks().get(&fund.counter).copied().unwrap_or(0)
    }

    async fn take(&self, fund: &Fund, amount: i64) -> Result<Leave, Error> {
        let mut leave = Leave::Granted;
        loop {
            let missing = {
                let mut blocks = self.blocks();
                // A day that is over is not taken from again.
                blocks.retain(|counter, _| counter.id.as_bytes().get(..10) >= fund.day());
                let left = blocks.entry(fund.counter.clone()).or_default();
                if *left >= amount {
                    *left -= amount;
                    return Ok(leave);
                }
                amount - *left
            };
            let block = signed(fund.limit / PARTS).max(missing);
            if !self.count(fund, block).await?
                && (block == missing || !self.count(fund, missing).await?)
            {
                return Ok(Leave::Refused(fund.clone()));
            }
            leave = Leave::Counted;
        }
    }

    async fn count(&self, fund: &Fund, by: i64) -> Result<bool, Error> {
        let counted = self
            .documents
            .count(&fund.counter, by, signed(fund.limit), Some(fund.expires))
            .await?
            .is_some();
        if counted {
            self.put(fund, by);
        }
        Ok(counted)
    }

    fn put(&self, fund: &Fund, amount: i64) {
        let mut blocks = self.blocks();
        let left = blocks.entry(fund.counter.clone()).or_default();
        *left = left.saturating_add(amount);
    }

    fn blocks(&self) -> MutexGuard<'_, BTreeMap<DocumentKey, i64>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fund {
    /// `2026-11-21`.
    fn day(&self) -> Option<&[u8]> {
        self.counter.id.as_bytes().get(..10)
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
