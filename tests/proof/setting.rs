//! How one checked world differs from another: who writes, what fails how often, what the brain may think.

use engine::overlap::Overlap;
use engine::session::{Command, Refusal, Session};

/// The machine under test, or a broken likeness.
pub(crate) type Apply = fn(&mut Session, &Command) -> Result<(), Refusal>;

/// A tool, by what its calls do to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Tool {
    /// Irreversible.
    Charge,
    /// Idempotent.
    Note,
    /// Pure: it is not claimed.
    Look,
    /// Compensatable: it can be undone.
    Book,
    /// Another that can be undone.
    Rent,
    /// Undoes one of the two.
    Undo,
    /// Irreversible, and needs a person's yes.
    Wire,
    /// Irreversible; the other side knows its key, and can be asked whether it happened.
    Seek,
}

impl Tool {
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Charge => 'c',
            Self::Note => 'n',
            Self::Look => 'l',
            Self::Book => 'b',
            Self::Rent => 'r',
            Self::Undo => 'u',
            Self::Wire => 'w',
            Self::Seek => 's',
        }
    }

    pub(crate) fn is_repeatable(self) -> bool {
        matches!(self, Self::Note | Self::Look)
    }

    /// Whether the other side does it once per key.
    pub(crate) fn is_keyed(self) -> bool {
        self.is_repeatable() || self == Self::Seek
    }

    pub(crate) fn is_pure(self) -> bool {
        self == Self::Look
    }

    pub(crate) fn can_be_undone(self) -> bool {
        matches!(self, Self::Book | Self::Rent)
    }
}

/// What a call of the brain may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idea {
    Reply,
    Call(&'static [Tool]),
    /// The model failed: the turn gives up.
    GiveUp,
    /// A call with the yes that was given, of what was allowed.
    Approved,
    /// A call with the yes that was given, of something else.
    Altered,
}

/// Who a letter is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Contact,
    Person,
    /// An approval was decided, or ran out.
    Approval,
    /// A person gives the contact's words another try, once a turn was parked.
    Redrive,
}

/// How often each fault may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Faults {
    /// The provider delivers a letter that it knows to be delivered.
    pub(crate) duplicates: u8,
    /// A process ends between two steps, or a webhook between accept and start.
    pub(crate) crashes: u8,
    /// A task is tried again, or an execution runs twice, and the first goes on.
    pub(crate) forks: u8,
    /// A write happened and its answer was lost; it is sent again.
    pub(crate) lost: u8,
    /// A copy of a write that a client gave up lands at any later time.
    pub(crate) late: u8,
    /// The sweep, or a message, takes over a hold whose runs are alive.
    pub(crate) early: u8,
    /// A function fails for good, and the state machine goes to `turn-fail`.
    pub(crate) failures: u8,
    /// A tool or carrier does not answer in time, whether or not it did what it was asked.
    pub(crate) timeouts: u8,
    /// A person takes the session over, and hands it back.
    pub(crate) takeovers: u8,
    /// An operator stops the bot.
    pub(crate) stops: u8,
}

/// Ticks of a clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    /// The time a worker may spend on one effect or send.
    pub(crate) work: i8,
    /// By how much two hosts differ at most. Leases are written by the slowest, judged by the fastest.
    pub(crate) skew: i8,
    /// How long the slowest clock's lease lasts.
    pub(crate) lease: i8,
}

/// What a worker forgets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Slip {
    /// Nothing: it is as shipped.
    #[default]
    None,
    /// It sends first and passes the gate then.
    SendsBeforeTheGate,
    /// It names an intent by the call, not by what is asked.
    KeysIntentsByCall,
    /// It says that every intent is settled without looking.
    CountsOpenEffectsAsSettled,
    /// It runs whatever it finds claimed by an earlier hold.
    RunsOrphansAgain,
    /// It acts before it has claimed.
    ActsBeforeTheClaim,
    /// It begins with whatever time is left, and be it none.
    BeginsTooLate,
    /// It gives a repeated idempotent call a new key at the provider.
    NewKeyForEachTry,
    /// It starts over what an earlier hold was bound to.
    ThinksAgainWhenBound,
    /// It lets a message stop the turn that the turn could not have taken.
    IsCalmWhateverWaits,
    /// It throws old message ids away without writing them down.
    ForgetsToSpill,
    /// It takes any yes for any arguments.
    ForgetsTheArguments,
    /// It uses a yes however often.
    UsesAYesTwice,
    /// It uses a yes that has run out.
    ForgetsTheExpiry,
    /// It makes a call that needs a yes without one.
    ForgetsToAsk,
    /// It undoes what came first.
    UndoesInOrder,
    /// It names an undo by the plan that makes it.
    KeysUndosByPlan,
    /// It gives up without undoing.
    GivesUpWithoutUndoing,
    /// It asks the model first and counts then.
    SpendsBeforeReserving,
    /// It looks whether the budget has room, and does not set it aside.
    LooksAndDoesNotReserve,
    /// It does not ask whether the bot was stopped when it makes what a dead hold had claimed.
    ForgetsTheStop,
    /// It thinks again for a message that the turn does not take.
    RestartsForWhatItCannotTake,
    /// It makes under a new key what the other side says has not happened.
    NewKeyAfterAsking,
    /// It undoes a call that was made again where it was made last.
    UndoesWhereItWasRepeated,
}

/// One checked world.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    /// Who writes, in order.
    pub(crate) letters: &'static [From],
    pub(crate) faults: Faults,
    /// What the brain may think in round 0, 1 and every later one.
    pub(crate) ideas: [&'static [Idea]; 3],
    /// Without clocks any lease may run out at any time, and any worker may be late.
    pub(crate) clocks: Option<Clocks>,
    pub(crate) overlap: Overlap,
    /// What may be spent on thinking: two at most for one thought.
    pub(crate) budget: Option<u8>,
    /// Whether replies leave by a carrier; on the web the reply is a row of ours.
    pub(crate) carrier: bool,
    /// Reclaims after which a turn is given up.
    pub(crate) tries: u32,
    pub(crate) seen_capacity: usize,
    pub(crate) inbox_limit: usize,
    pub(crate) apply: Apply,
    pub(crate) slip: Slip,
}

const TALK: [&[Idea]; 3] = [&[Idea::Reply]; 3];

impl Default for Setting {
    fn default() -> Self {
        Self {
            name: "",
            letters: &[From::Contact],
            faults: Faults::default(),
            ideas: TALK,
            clocks: None,
            overlap: Overlap::Queue,
            budget: None,
            carrier: true,
            tries: 3,
            seen_capacity: 16,
            inbox_limit: 8,
            apply: Session::apply,
            slip: Slip::None,
        }
    }
}
