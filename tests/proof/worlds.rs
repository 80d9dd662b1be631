//! The worlds that are checked: each looks hard at one part of the protocol.

use engine::overlap::Overlap;

use super::setting::{Clocks, Faults, From, Idea, Setting, Tool};

use From::{Approval, Contact, Person, Redrive};
use Idea::{Altered, Approved, Call, GiveUp, Reply};
use Tool::{Book, Charge, Look, Note, Rent, Seek, Wire};

/// A call, then perhaps the same once more.
const CHARGES: [&[Idea]; 3] = [&[Call(&[Charge])], &[Reply, Call(&[Charge])], &[Reply]];
const CHARGE: [&[Idea]; 3] = [&[Call(&[Charge])], &[Reply], &[Reply]];
const NOTES: [&[Idea]; 3] = [&[Call(&[Note])], &[Reply, Call(&[Note])], &[Reply]];
const BOTH: [&[Idea]; 3] = [&[Call(&[Charge, Note])], &[Reply], &[Reply]];
const DOUBTS: [&[Idea]; 3] = [&[Reply, Call(&[Charge, Note])], &[Reply, GiveUp], &[Reply]];

/// A look, then perhaps an effect: between them a turn is not bound.
const LOOKS: [&[Idea]; 3] = [&[Reply, Call(&[Look])], &[Reply, Call(&[Charge])], &[Reply]];

/// Two runs of one turn may think differently.
const MINDS: [&[Idea]; 3] = [
    &[Reply, Call(&[Charge]), Call(&[Note])],
    &[Reply, Call(&[Note])],
    &[Reply],
];

const ASKS: [&[Idea]; 3] = [
    &[Reply, Call(&[Wire]), Approved],
    &[Reply, Altered],
    &[Reply],
];
const PAIRS: [&[Idea]; 3] = [
    &[Call(&[Charge, Note]), Call(&[Book, Rent])],
    &[Reply],
    &[Reply],
];
const BOOKS: [&[Idea]; 3] = [&[Call(&[Book])], &[Reply, Call(&[Rent])], &[Reply, GiveUp]];
const BOOKS_AND_CHARGES: [&[Idea]; 3] = [
    &[Call(&[Book])],
    &[GiveUp, Call(&[Rent]), Call(&[Rent, Charge])],
    &[Reply, GiveUp],
];

const SEEKS: [&[Idea]; 3] = [&[Call(&[Seek])], &[Reply], &[Reply]];
const SEEKS_OR_NOTES: [&[Idea]; 3] = [&[Call(&[Seek]), Call(&[Note])], &[Reply], &[Reply]];

/// The same call again, in the same turn.
const BOOKS_AGAIN: [&[Idea]; 3] = [&[Call(&[Book])], &[Call(&[Rent, Book])], &[GiveUp]];
const GIVES_UP: [&[Idea]; 3] = [&[Reply, GiveUp]; 3];

const TWO: &[From] = &[Contact, Contact];

const CLOCKS: Clocks = Clocks {
    work: 1,
    skew: 1,
    lease: 2,
};
const NONE: Faults = Faults {
    duplicates: 0,
    crashes: 0,
    forks: 0,
    lost: 0,
    late: 0,
    early: 0,
    failures: 0,
    timeouts: 0,
    takeovers: 0,
    stops: 0,
};

/// `faults!(crashes: 1)`: one crash and nothing else.
macro_rules! faults {
    ($($fault:ident: $times:literal),*) => { Faults { $($fault: $times,)* ..NONE } };
}

/// How far a world is explored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// What every run of the tests explores.
    Small,
    /// What `scripts/prove` explores.
    Full,
}

/// Every world, to its bound.
pub(crate) fn all(bound: Bound) -> Vec<Setting> {
    let world = |name, small, full| Setting {
        name,
        faults: match bound {
            Bound::Small => small,
            Bound::Full => full,
        },
        ..Setting::default()
    };
    let mut worlds = vec![
        Setting {
            letters: TWO,
            ..world(
                "basic",
                faults!(crashes: 1, early: 1, duplicates: 1),
                faults!(crashes: 1, early: 1, lost: 1, duplicates: 1),
            )
        },
        Setting {
            letters: TWO,
            ..world(
                "two runs",
                faults!(forks: 1, early: 1),
                faults!(crashes: 1, forks: 1, early: 1),
            )
        },
        Setting {
            letters: TWO,
            clocks: Some(CLOCKS),
            ..world(
                "clocks",
                faults!(crashes: 1, early: 1),
                faults!(crashes: 1, early: 1),
            )
        },
        Setting {
            ideas: CHARGES,
            clocks: Some(CLOCKS),
            ..world(
                "clocks and tools",
                faults!(early: 1, timeouts: 1),
                faults!(early: 1, timeouts: 1, crashes: 1),
            )
        },
        Setting {
            ideas: CHARGES,
            ..world(
                "tools",
                faults!(crashes: 1, early: 1, timeouts: 1),
                faults!(crashes: 1, early: 1, timeouts: 1),
            )
        },
        Setting {
            ideas: NOTES,
            carrier: false,
            ..world(
                "tools that may be repeated",
                faults!(crashes: 1, early: 1, timeouts: 1),
                faults!(crashes: 1, early: 1, timeouts: 1),
            )
        },
        Setting {
            ideas: BOTH,
            ..world(
                "two tools at once",
                faults!(crashes: 1),
                faults!(crashes: 1, early: 1),
            )
        },
        Setting {
            ideas: SEEKS,
            clocks: Some(CLOCKS),
            carrier: false,
            tries: 2,
            ..world(
                "asking the other side",
                faults!(early: 1, timeouts: 1),
                faults!(early: 1, timeouts: 1, crashes: 2),
            )
        },
        Setting {
            ideas: SEEKS,
            carrier: false,
            ..world(
                "asking whenever",
                faults!(crashes: 1, early: 1, timeouts: 1),
                faults!(crashes: 1, early: 1, timeouts: 1, forks: 1),
            )
        },
        Setting {
            ideas: SEEKS_OR_NOTES,
            letters: TWO,
            carrier: false,
            ..world(
                "a stop",
                faults!(crashes: 1, stops: 1, timeouts: 1),
                faults!(crashes: 1, early: 1, stops: 1, timeouts: 1),
            )
        },
        Setting {
            ideas: GIVES_UP,
            letters: &[Contact, Redrive],
            ..world(
                "a redrive",
                faults!(crashes: 1, timeouts: 1),
                faults!(crashes: 1, early: 1, timeouts: 1),
            )
        },
        Setting {
            ideas: DOUBTS,
            ..world(
                "functions that fail",
                faults!(failures: 1, forks: 1),
                faults!(failures: 1, forks: 1),
            )
        },
        Setting {
            ideas: BOTH,
            tries: 2,
            ..world(
                "a turn that keeps dying",
                faults!(crashes: 3),
                faults!(crashes: 3, early: 1),
            )
        },
        Setting {
            letters: &[Contact, Contact, Contact],
            carrier: false,
            seen_capacity: 1,
            inbox_limit: 2,
            ..world(
                "old messages",
                faults!(duplicates: 2),
                faults!(duplicates: 2, crashes: 1),
            )
        },
        Setting {
            letters: TWO,
            ideas: LOOKS,
            overlap: Overlap::Supersede,
            carrier: false,
            ..world(
                "supersede",
                faults!(crashes: 1),
                faults!(crashes: 1, early: 1),
            )
        },
        Setting {
            letters: TWO,
            ideas: PAIRS,
            overlap: Overlap::Supersede,
            carrier: false,
            ..world("supersede between two calls", NONE, faults!(crashes: 1))
        },
        Setting {
            letters: &[Contact, Person],
            ideas: LOOKS,
            overlap: Overlap::Supersede,
            carrier: false,
            tries: 2,
            ..world(
                "supersede with a person",
                faults!(crashes: 1),
                faults!(crashes: 2),
            )
        },
        Setting {
            letters: &[Contact, Person],
            ideas: CHARGE,
            ..world(
                "handoff",
                faults!(takeovers: 1, early: 1),
                faults!(takeovers: 1, early: 1, crashes: 1),
            )
        },
        Setting {
            letters: &[Contact, Approval, Contact],
            ideas: ASKS,
            carrier: false,
            ..world("approvals", faults!(crashes: 1), faults!(forks: 1))
        },
        Setting {
            letters: TWO,
            ideas: BOOKS,
            overlap: Overlap::Supersede,
            carrier: false,
            ..world(
                "undoing what was superseded",
                faults!(crashes: 1),
                faults!(crashes: 1),
            )
        },
        Setting {
            ideas: BOOKS_AND_CHARGES,
            carrier: false,
            ..world(
                "undoing what failed",
                faults!(crashes: 1, failures: 1, timeouts: 1),
                faults!(crashes: 1, failures: 1, timeouts: 1),
            )
        },
        Setting {
            ideas: BOOKS_AGAIN,
            carrier: false,
            ..world(
                "undoing what was done again",
                faults!(crashes: 1, failures: 1),
                faults!(crashes: 1, failures: 2, timeouts: 1),
            )
        },
        Setting {
            letters: TWO,
            ideas: LOOKS,
            budget: Some(5),
            carrier: false,
            ..world("budgets", faults!(forks: 1), faults!(crashes: 1, forks: 1))
        },
        Setting {
            ideas: MINDS,
            ..world("two minds", faults!(forks: 1), faults!(forks: 1, early: 1))
        },
        Setting {
            ..world(
                "the same owner again",
                faults!(duplicates: 1, early: 2),
                faults!(duplicates: 1, early: 2, crashes: 1),
            )
        },
        Setting {
            letters: TWO,
            ideas: CHARGE,
            ..world(
                "two turns with tools",
                faults!(forks: 1),
                faults!(forks: 1, crashes: 1),
            )
        },
        Setting {
            ideas: CHARGE,
            ..world(
                "two runs with tools",
                faults!(forks: 1, crashes: 1),
                faults!(forks: 1, crashes: 1, early: 1),
            )
        },
        Setting {
            ideas: CHARGES,
            ..world(
                "a bound turn thought again",
                faults!(forks: 1, lost: 1, late: 1),
                faults!(forks: 1, lost: 1, late: 1),
            )
        },
    ];
    for (name, overlap) in [
        ("absorb", Overlap::Absorb),
        ("absorb and restart", Overlap::AbsorbRestart),
        ("force complete", Overlap::ForceComplete),
    ] {
        worlds.push(Setting {
            letters: TWO,
            ideas: LOOKS,
            overlap,
            carrier: false,
            ..world(name, faults!(early: 1), faults!(crashes: 1, early: 1))
        });
    }
    worlds
}
