//! A run of `statemachines/turn.asl.json`, by what it does next. Between two steps anything may come.

use super::setting::Tool;

/// A hold as a run knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Held {
    pub(crate) owner: u64,
    pub(crate) fence: u64,
}

/// Where `turn-run` goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Entry {
    /// The first round under a hold, on a session as it was a moment ago.
    Begin,
    /// The first round of a turn, on the session as it is.
    Again,
    /// The round after the plan `previous`.
    GoOn { turn: u64, previous: u64 },
}

/// What a round works on, as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Round {
    pub(crate) turn: u64,
    pub(crate) number: u8,
    pub(crate) from: u64,
    pub(crate) upto: u64,
    /// The plan of the round before.
    pub(crate) before: Option<u64>,
    /// The plan the session was bound to.
    pub(crate) bound: Option<u64>,
    /// How many intents were seen settled.
    pub(crate) effects: u64,
    /// Which of the messages are old ones delivered again, by arrival.
    pub(crate) repeats: u32,
    pub(crate) finish: bool,
    /// Whether it takes all that waits, as far as its reader knows.
    pub(crate) all: bool,
}

/// One invocation of `tool-call`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// A yes is used.
    Consume {
        by: u64,
        left: i8,
    },
    Claim {
        by: u64,
        left: i8,
    },
    /// A person is asked.
    Ask,
    /// The other side is asked whether an earlier hold's call happened.
    Look {
        left: i8,
    },
    /// Whether the bot was stopped, and what it is then recorded as.
    Check {
        left: i8,
        stopped: Found,
    },
    /// The intent is that of an earlier hold, with this fence, and is made this one's own.
    TakeUp {
        by: u64,
        left: i8,
        fence: u64,
    },
    Work {
        left: i8,
    },
    Record {
        found: Found,
    },
    Done,
}

/// The item `I#key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Found {
    Succeeded,
    Failed,
    Unknown,
}

/// A plan in the hands of `turn-deliver`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Parcel {
    pub(crate) plan: u64,
    pub(crate) bound: Option<u64>,
    pub(crate) by: u64,
    pub(crate) left: i8,
}

/// How the messages of a turn end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Answered,
    Failed,
    HandedOff,
    Refused,
    Unconfirmed,
}

/// What a run does next.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Phase {
    Reclaim {
        from: Held,
    },
    Enter(Entry),
    Skip {
        turn: u64,
        from: u64,
        count: usize,
    },
    Free {
        turn: u64,
    },
    Judge {
        turn: u64,
        plan: u64,
        then: Entry,
    },
    Recover {
        turn: u64,
        free: bool,
        rotate: bool,
        then: Entry,
    },
    Think(Round),
    /// The money is set aside, and the model is asked.
    Spend(Round),
    Tools {
        plan: u64,
        bound: Option<u64>,
        lanes: Vec<Lane>,
    },
    Gate(Parcel),
    Send {
        parcel: Parcel,
        free: bool,
        rotate: bool,
    },
    Settle {
        parcel: Parcel,
        free: bool,
        rotate: bool,
        verdict: Verdict,
    },
    Finish {
        parcel: Parcel,
        free: bool,
        rotate: bool,
    },
    /// `turn-fail`.
    Fail,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Run {
    pub(crate) hold: Held,
    /// A late copy of one write: it does nothing else.
    pub(crate) late: bool,
    pub(crate) phase: Phase,
}

/// A transcript item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Plan {
    pub(crate) turn: u64,
    pub(crate) fence: u64,
    pub(crate) round: u8,
    pub(crate) from: u64,
    pub(crate) upto: u64,
    pub(crate) previous: Option<u64>,
    pub(crate) repeats: u32,
    pub(crate) finish: bool,
    pub(crate) calm: bool,
    pub(crate) effects: u64,
    pub(crate) undoing: Option<Undoing>,
    pub(crate) says: Says,
}

/// Why a round undoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Undoing {
    Failed,
    Overtaken,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Says {
    Reply,
    /// A person's own words.
    Words,
    Failed,
    HandedOff,
    /// The bot was stopped.
    Stopped,
    Call(Vec<Call>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Call {
    pub(crate) tool: Tool,
    pub(crate) intent: String,
    /// What it is made with, when it needs a yes and has one: the arguments that will run.
    pub(crate) yes: Option<u8>,
}

impl Phase {
    /// Whether it says `by` anywhere.
    pub(crate) fn names(&self, by: u64) -> bool {
        match self {
            Self::Tools { lanes, .. } => lanes.iter().any(|lane| {
                matches!(
                    lane,
                    Lane::Consume { by: own, .. }
                    | Lane::Claim { by: own, .. }
                    | Lane::TakeUp { by: own, .. }
                        if *own == by
                )
            }),
            Self::Gate(parcel)
            | Self::Send { parcel, .. }
            | Self::Settle { parcel, .. }
            | Self::Finish { parcel, .. } => parcel.by == by,
            _ => false,
        }
    }

    /// The plans it holds.
    pub(crate) fn plans(&self) -> [Option<u64>; 2] {
        match self {
            Self::Enter(entry) | Self::Recover { then: entry, .. } => [entry.previous(), None],
            Self::Judge { plan, then, .. } => [Some(*plan), then.previous()],
            Self::Think(round) | Self::Spend(round) => [round.before, round.bound],
            Self::Tools { plan, bound, .. } => [Some(*plan), *bound],
            Self::Gate(parcel)
            | Self::Send { parcel, .. }
            | Self::Settle { parcel, .. }
            | Self::Finish { parcel, .. } => [Some(parcel.plan), parcel.bound],
            Self::Reclaim { .. } | Self::Skip { .. } | Self::Free { .. } | Self::Fail => [None; 2],
        }
    }

    /// Whether a worker's time runs in it.
    pub(crate) fn pass_time(&mut self) -> bool {
        let mut passed = false;
        let mut pass = |left: &mut i8| {
            passed |= *left >= 0;
            *left = (*left - 1).max(-1);
        };
        match self {
            Self::Tools { lanes, .. } => {
                for lane in lanes {
                    match lane {
                        Lane::Consume { left, .. }
                        | Lane::Claim { left, .. }
                        | Lane::Look { left, .. }
                        | Lane::Check { left, .. }
                        | Lane::TakeUp { left, .. }
                        | Lane::Work { left, .. } => pass(left),
                        Lane::Record { .. } | Lane::Ask | Lane::Done => {}
                    }
                }
            }
            Self::Gate(parcel) | Self::Send { parcel, .. } => pass(&mut parcel.left),
            _ => {}
        }
        passed
    }
}

impl Entry {
    fn previous(self) -> Option<u64> {
        match self {
            Self::Begin | Self::Again => None,
            Self::GoOn { previous, .. } => Some(previous),
        }
    }
}
