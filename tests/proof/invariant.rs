//! What must always hold, by the names that a failure tells.

/// An invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Invariant {
    /// At most one unexpired owner per fence.
    I1,
    /// An effect or send happens only under the current fence, and after it was opened there.
    I2,
    /// Each accepted message settles exactly once, with a true verdict.
    I3,
    /// Replies keep arrival order.
    I4,
    /// At most one effect per intent, or one effect and `unknown`, in the line of plans that is delivered.
    I5,
    /// Nothing opens under an old fence, for a superseded or settled turn, or past an open effect.
    I6,
    /// No gated tool without a valid unconsumed approval of these very arguments.
    I7,
    /// With faults over, every message settles.
    I8,
    /// Compensations run exactly once each, in reverse order.
    I9,
    /// Budgets are never exceeded.
    I10,
}

pub(crate) use Invariant::{I1, I2, I3, I4, I5, I6, I7, I8, I9, I10};

impl Invariant {
    pub(crate) const ALL: [Self; 10] = [I1, I2, I3, I4, I5, I6, I7, I8, I9, I10];

    pub(crate) fn name(self) -> &'static str {
        match self {
            I1 => "I1 at most one unexpired owner per fence",
            I2 => "I2 an effect or send happens only under the current fence",
            I3 => "I3 each accepted message settles exactly once",
            I4 => "I4 replies keep arrival order",
            I5 => "I5 at most one effect per intent, or one and unknown",
            I6 => "I6 nothing opens under an old fence",
            I7 => "I7 no gated tool without a valid unconsumed approval",
            I8 => "I8 with faults over, every message settles",
            I9 => "I9 compensations run exactly once each, in reverse order",
            I10 => "I10 budgets are never exceeded",
        }
    }
}

/// Which invariant was broken, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Broken {
    pub(crate) invariant: Invariant,
    pub(crate) how: &'static str,
}

/// Ends with what is broken unless `truth`.
pub(crate) fn hold_true(
    truth: bool,
    invariant: Invariant,
    how: &'static str,
) -> Result<(), Broken> {
    if truth {
        Ok(())
    } else {
        Err(Broken { invariant, how })
    }
}
