//! One round of a turn, and what it takes over from the one before it.

use std::sync::Arc;

use crate::model::ModelCall;
use crate::runtime::Time;
use crate::session::Origin;
use crate::transcript::{Taken, TurnRecord};
use crate::turn::Staff;

/// What a round takes over from the run or the round before it.
#[derive(Default)]
pub(super) struct Carried {
    /// How often the run has waited for more messages.
    pub(super) waited: u32,
    /// Models that were asked in vain; absent when only the records know.
    pub(super) given_up: Option<Vec<ModelCall>>,
    /// Attempts at this round that are dead, and not counted among those.
    pub(super) retries: u32,
}

/// What one round works on.
pub(super) struct Round {
    /// The bot, as it was when the round began.
    pub(super) staff: Staff,
    pub(super) turn: u64,
    pub(super) number: u32,
    /// The rounds of this turn before this one.
    pub(super) before: Vec<Arc<TurnRecord>>,
    pub(super) from: u64,
    pub(super) upto: u64,
    /// The messages it takes in.
    pub(super) messages: Vec<Taken>,
    /// Answer without calling more tools.
    pub(super) finish: bool,
    /// What the turn asked models in vain, when it is thought again.
    pub(super) given_up: Vec<ModelCall>,
    /// Attempts at it that are dead, and not counted among those.
    pub(super) retries: u32,
}

impl Round {
    /// Where the oldest message of the turn comes from.
    pub(super) fn origin(&self) -> Option<&Origin> {
        let first = self.before.first().map(|round| &round.messages);
        Some(&first.unwrap_or(&self.messages).first()?.origin)
    }

    /// Whether it answers what did not come from the contact, and so nothing else.
    pub(super) fn is_alone(&self) -> bool {
        self.origin().is_some_and(|origin| !origin.is_contact())
    }

    /// When the oldest message of the turn was accepted.
    pub(super) fn since(&self) -> Option<Time> {
        let first = self.before.first().map(|round| &round.messages);
        Some(first.unwrap_or(&self.messages).first()?.at)
    }
}
