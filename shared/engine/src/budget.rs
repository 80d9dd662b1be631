//! What a bot may spend on models: bounds on a turn, on a session, on a day.
//!
//! The maximum is reserved before a model is asked and settled after. A turn and a session need no writes of
//! their own: what they spent is in the transcript and rides on the gate. What a bot or a tenant spends in a
//! day is counted in blocks by a [`Ledger`]; what is left of a block stays in the process.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::Usage;

mod ledger;

pub use ledger::{Fund, Leave, Ledger};

/// The most tokens that a turn may read and write unless the bot says otherwise.
pub const TURN_TOKENS: u64 = 2_000_000;

/// The most that a turn may cost unless the bot says otherwise, in micro-dollars: 5 dollars.
pub const TURN_MICRO_DOLLARS: u64 = 5_000_000;

/// Bounds, of which the absent do not bind. Money is in micro-dollars; days are UTC's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Tokens of one turn.
    pub turn_tokens: Option<u64>,
    /// Money of one turn.
    pub turn_money: Option<u64>,
    /// Tokens of one session, until it is closed.
    pub session_tokens: Option<u64>,
    /// Money of one session, until it is closed.
    pub session_money: Option<u64>,
    /// Tokens of the bot in one day of one tenant.
    pub day_tokens: Option<u64>,
    /// Money of the bot in one day of one tenant.
    pub day_money: Option<u64>,
    /// Tokens of all the tenant's bots in one day.
    pub tenant_day_tokens: Option<u64>,
    /// Money of all the tenant's bots in one day.
    pub tenant_day_money: Option<u64>,
}

impl Budget {
    /// This budget where it says something, `other` elsewhere.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            turn_tokens: self.turn_tokens.or(other.turn_tokens),
            turn_money: self.turn_money.or(other.turn_money),
            session_tokens: self.session_tokens.or(other.session_tokens),
            session_money: self.session_money.or(other.session_money),
            day_tokens: self.day_tokens.or(other.day_tokens),
            day_money: self.day_money.or(other.day_money),
            tenant_day_tokens: self.tenant_day_tokens.or(other.tenant_day_tokens),
            tenant_day_money: self.tenant_day_money.or(other.tenant_day_money),
        }
    }

    /// What holds that died in a turn may have spent unseen, where a session is bounded: all that each of
    /// them might have.
    #[must_use]
    pub fn unseen(&self, deaths: u32) -> Spent {
        let most = |session: Option<u64>, turn: Option<u64>| {
            let session = session.unwrap_or(0);
            let each = turn.unwrap_or(session).min(session);
            each.saturating_mul(u64::from(deaths))
        };
        Spent {
            tokens: most(self.session_tokens, self.turn_tokens),
            money: most(self.session_money, self.turn_money),
        }
    }

    /// Whether what a session spends is bounded.
    #[must_use]
    pub fn bounds_sessions(&self) -> bool {
        self.session_tokens.is_some() || self.session_money.is_some()
    }
}

/// What a session has spent, by either measure. Money is in micro-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Tokens read and written.
    pub tokens: u64,
    /// Money.
    pub money: u64,
}

impl Spent {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            money: self.money.saturating_add(other.money),
        }
    }
}

impl From<Usage> for Spent {
    fn from(usage: Usage) -> Self {
        Self {
            tokens: usage.tokens(),
            money: usage.micro_dollars,
        }
    }
}

/// What a bot may spend, for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetSettings {
    /// For every tenant.
    pub everyone: Budget,
    /// By tenant, over that.
    pub tenants: BTreeMap<String, Budget>,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            everyone: Budget {
                turn_tokens: Some(TURN_TOKENS),
                turn_money: Some(TURN_MICRO_DOLLARS),
                ..Budget::default()
            },
            tenants: BTreeMap::new(),
        }
    }
}

impl BudgetSettings {
    /// What the bot may spend for `tenant`.
    #[must_use]
    pub fn of(&self, tenant: &str) -> Budget {
        match self.tenants.get(tenant) {
            Some(own) => own.or(&self.everyone),
            None => self.everyone.clone(),
        }
    }
}

/// Micro-dollars as people read them: `$0.0123`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money(pub u64);

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let micros = format!("{micros:06}");
        let micros = micros.trim_end_matches('0');
        write!(f, "${dollars}.{micros:0<2}")
    }
}
