//! How often each thing happened: schedules in which nothing goes wrong prove nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! events {
    ($($event:ident $name:literal,)*) => {
        /// What may happen in a schedule.
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
    Plain "nothing went wrong and all was done",
    Died "a task died at an await point",
    GivenUp "a function was given up and went on",
    WriteFailed "a write failed",
    AnswerLost "a write happened and its answer was lost",
    StartedTwice "an execution was started twice",
    DeliveredAgain "a message was delivered again",
    Reclaimed "a hold was taken over",
    FailedForGood "a turn failed for good",
    Claimed "an intent was claimed",
    FoundClaimed "an intent was found claimed",
    NotMine "a command was refused for another hold",
    Effect "an effect happened",
    EffectAgain "an effect was asked for again with its key",
    EffectUnseen "an effect happened and nobody saw it",
    NoAnswer "a service or carrier never answered",
    LookedUp "the other side was asked whether it happened",
    Stopped "an operator stopped the bot",
    NotBegun "an effect was not begun because the bot was stopped",
    Unknown "an effect was recorded as unknown",
    Looked "a turn called a tool that changes nothing",
    NearlyParked "a turn had died so often that it takes one message",
    Gated "a gate was passed",
    Superseded "a turn was superseded",
    Sent "a reply was sent",
    Unconfirmed "a reply ended unconfirmed",
    Answered "a turn ended answered",
    Parked "a turn ended failed",
    Asked "people were asked",
    Granted "the last yes was given",
    Denied "somebody said no",
    RanOut "a question ran out",
    Consumed "a yes was used",
    Altered "another call was tried with a yes",
    Approved "an approved call was made",
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
