//! Where a session stands in its life, and where it may go from there.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Session;
use crate::runtime::Time;

/// Where a session stands. It is told from the session, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// Nobody has written yet.
    New,
    /// A turn runs, or a message waits for one.
    Working,
    /// Everything is settled; the contact may go on.
    Active,
    /// Nothing was heard for a while.
    Idle,
    /// A person has taken it over.
    HandedOff,
    /// The conversation has ended; the next message begins another.
    Closed,
}

impl Lifecycle {
    /// Whether a session that stands here may stand there next.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use Lifecycle::{Active, Closed, HandedOff, Idle, New, Working};
        match self {
            New => matches!(next, Working | HandedOff),
            // All that came was told before, or the work outlasted the contact's patience.
            Working => matches!(next, New | Active | Idle | HandedOff | Closed),
            Active => matches!(next, Working | Idle | HandedOff | Closed),
            Idle => matches!(next, Working | HandedOff | Closed),
            HandedOff => matches!(next, New | Working | Active | Idle | Closed),
            Closed => matches!(next, Working | HandedOff),
        }
    }
}

impl Session {
    /// Where the session stands at `now`, if it was last heard of at `heard` and idles after `idle`.
    #[must_use]
    pub fn lifecycle(&self, heard: Option<Time>, now: Time, idle: Duration) -> Lifecycle {
        if self.handoff.is_some() {
            Lifecycle::HandedOff
        } else if self.owner.is_some() {
            Lifecycle::Working
        } else if self.delivered == 0 {
            Lifecycle::New
        } else if self.closed == Some(self.delivered) {
            Lifecycle::Closed
        } else if heard.is_some_and(|heard| now.since(heard) >= idle) {
            Lifecycle::Idle
        } else {
            Lifecycle::Active
        }
    }
}
