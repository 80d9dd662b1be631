//! What a world stores beside the session, and what it counts.

use super::PlanId;
use super::worker::Phase;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Answered,
    Failed,
    Unconfirmed,
    HandedOff,
}

/// The transcript item `T#n#plan`.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) turn: u64,
    pub(super) from: u64,
    pub(super) upto: u64,
    pub(super) continues: Option<PlanId>,
    pub(super) says: Says,
    pub(super) effects: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Says {
    Call(Vec<String>),
    Reply,
    End(Verdict),
}

/// The item `I#key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Result,
    Unknown,
}

#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub(super) key: String,
    pub(super) plan: PlanId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) turn: u64,
    pub(super) from: u64,
    pub(super) upto: u64,
}

/// What must have happened at least so often in the usual number of worlds, or they prove little.
pub(super) const OFTEN: [(&str, u64); 29] = [
    ("answered", 10_000),
    ("effect", 10_000),
    ("failed", 300),
    ("handed off", 2_000),
    ("unconfirmed", 80),
    ("reclaimed", 4_000),
    ("recovered", 500),
    ("plan taken over", 1_000),
    ("skipped", 800),
    ("stored result used", 4_000),
    ("unknown", 150),
    ("run again with the same key", 200),
    ("delivered after the acknowledgement", 5_000),
    ("execution ran twice", 800),
    ("task retried", 2_500),
    ("stalled", 4_000),
    ("answer lost", 2_000),
    ("late command landed", 80),
    ("start lost", 800),
    ("webhook died after accept", 1_500),
    ("too late for the effect", 80),
    ("too late for the send", 80),
    ("poisoned", 1_500),
    ("died thinking", 400),
    ("died between claim and effect", 100),
    ("died between effect and record", 100),
    ("died before gate", 150),
    ("died between gate and send", 120),
    ("died between send and finish", 120),
];

impl Verdict {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Unconfirmed => "unconfirmed",
            Self::HandedOff => "handed off",
        }
    }
}

impl Phase {
    pub(super) fn crash(&self) -> &'static str {
        match self {
            Self::Reclaim { .. } => "died reclaiming",
            Self::Begin => "died beginning",
            Self::Skip { .. } => "died skipping",
            Self::Free { .. } => "died freeing",
            Self::Think { .. } => "died thinking",
            Self::Claim { .. } | Self::TakeUp { .. } | Self::Renew(_) => "died before the effect",
            Self::Effect { .. } => "died between claim and effect",
            Self::Record { .. } => "died between effect and record",
            Self::Gate { .. } => "died before gate",
            Self::Send { .. } | Self::Resend { .. } => "died between gate and send",
            Self::Finish { .. } => "died between send and finish",
        }
    }
}
