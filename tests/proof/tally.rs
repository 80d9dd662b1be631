//! How often each thing happened: a world in which nothing goes wrong proves nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! events {
    ($($event:ident $name:literal,)*) => {
        /// What may happen on the way from one state to another.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Event { $($event),* }

        impl Event {
            pub(crate) const ALL: &[Self] = &[$(Self::$event),*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$event => $name),* }
            }
        }
    };
}

events! {
    Answered "answered",
    Failed "failed",
    HandedOff "handed off",
    Unconfirmed "unconfirmed",
    Delivered "delivered",
    DeliveredAgain "delivered after the acknowledgement",
    WebhookDied "webhook died after accept",
    InboxFull "inbox full",
    Crashed "a run died",
    Forked "a task ran twice",
    AnswerLost "an answer was lost",
    Late "a late copy of a write landed",
    LateDone "a late copy of a write changed the session",
    TakenOverAlive "a hold was taken over from living runs",
    Swept "a dead hold was taken over",
    FailedForGood "a function failed for good",
    Ticked "time passed",
    Effect "effect",
    EffectAgain "effect again with the same key",
    OpenedUnseen "an effect happened and nobody saw it",
    NotSeen "an effect did not happen and nobody saw it",
    TooLate "too late for the effect or send",
    UnknownRecorded "an effect of a dead hold was recorded as unknown",
    ResultUsed "a stored result was used",
    PlanTakenOver "a plan was taken over",
    Recovered "an outbox was recovered",
    EvidenceFound "the carrier told that it took the reply of a dead hold",
    Superseded "a turn was superseded",
    Cancelled "a thought was cancelled",
    Absorbed "a message was absorbed",
    GateRefusedCalm "a gate was refused for a newer message",
    ClaimRefusedCalm "a claim was refused for a newer message",
    GateRefusedOpen "a gate was refused for an open effect",
    RefusedPlan "a command was refused for another plan",
    RefusedHold "a command was refused for another hold",
    RefusedHandoff "a command was refused for a person",
    TookOver "a person took over",
    HandedBack "a person handed back",
    Relayed "a person's words were sent",
    LookedUp "the other side said that it happened",
    LookedInVain "the other side said that it did not happen",
    Stopped "an operator stopped the bot",
    NotBegun "an effect was not begun because the bot was stopped",
    Refused "refused",
    Redriven "parked words were given another try",
    UndoGivenUp "an undo was given up",
    Skipped "an old message was skipped",
    Repeated "an old message was taken in among others",
    Spilled "old ids were spilled",
    Parked "a turn that kept dying was parked",
    Renewed "a lease was renewed",
    Undone "an effect was undone",
    UndoPlanned "an undo was planned",
    Asked "a person was asked",
    Granted "a person said yes",
    Denied "a person said no",
    RanOut "an approval ran out",
    Consumed "a yes was used",
    YesRefused "a yes was not good for a call",
    Reserved "money was set aside",
    NoMoney "there was no money for a thought",
    Rest "came to rest",
    AllAnswered "came to rest with every message answered",
}

#[derive(Clone, Debug)]
pub(crate) struct Tally(Arc<Vec<AtomicU64>>);

impl Default for Tally {
    fn default() -> Self {
        Self(Arc::new(
            Event::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
        ))
    }
}

impl Tally {
    pub(crate) fn count(&self, event: Event) {
        self.0[event as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn of(&self, event: Event) -> u64 {
        self.0[event as usize].load(Ordering::Relaxed)
    }
}
