//! The worlds that are checked: each looks hard at one part of the protocol.

use engine::overlap::Overlap;

use super::setting::{Clocks, Faults, From, Idea, Setting, Tool};

use From::{Approval, Contact, Person};
use Idea::{Altered, Approved, Call, GiveUp, Reply};
use Tool::{Book, Charge, Look, Note, Rent, Wire};

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
};

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
    let pick = |small: Faults, full: Faults| match bound {
        Bound::Small => small,
        Bound::Full => full,
    };
    let mut worlds = vec![
        Setting {
            name: "basic",
            letters: &[Contact, Contact],
            faults: pick(
                Faults {
                    crashes: 1,
                    early: 1,
                    duplicates: 1,
                    ..NONE
                },
                Faults {
                    crashes: 1,
                    early: 1,
                    lost: 1,
                    duplicates: 1,
                    ..NONE
                },
            ),
            ..Setting::default()
        },
        Setting {
            name: "two runs",
            letters: &[Contact, Contact],
            faults: pick(
                Faults {
                    forks: 1,
                    early: 1,
                    ..NONE
                },
                Faults {
                    crashes: 1,
                    forks: 1,
                    early: 1,
                    ..NONE
                },
            ),
            ..Setting::default()
        },
        Setting {
            name: "clocks",
            letters: &[Contact, Contact],
            faults: pick(
                Faults {
                    crashes: 1,
                    early: 1,
                    ..NONE
                },
                Faults {
                    crashes: 1,
                    early: 1,
                    ..NONE
                },
            ),
            clocks: Some(CLOCKS),
            ..Setting::default()
        },
        Setting {
            name: "clocks and tools",
            faults: pick(
                Faults {
                    early: 1,
                    timeouts: 1,
                    ..NONE
                },
                Faults {
                    early: 1,
                    timeouts: 1,
                    crashes: 1,
                    ..NONE
                },
            ),
            ideas: CHARGES,
            clocks: Some(CLOCKS),
            ..Setting::default()
        },
        Setting {
            name: "tools",
            faults: pick(
                Faults {
                    crashes: 1,
                    early: 1,
                    timeouts: 1,
                    ..NONE
                },
                Faults {
                    crashes: 1,
                    early: 1,
                    timeouts: 1,
                    ..NONE
                },
            ),
            ideas: CHARGES,
            ..Setting::default()
        },
        Setting {
            name: "tools that may be repeated",
            faults: pick(
                Faults {
                    crashes: 1,
                    early: 1,
                    timeouts: 1,
                    ..NONE
                },
                Faults {
                    crashes: 1,
                    early: 1,
                    timeouts: 1,
                    ..NONE
                },
            ),
            ideas: NOTES,
            carrier: false,
            ..Setting::default()
        },
        Setting {
            name: "two tools at once",
            faults: pick(
                Faults { crashes: 1, ..NONE },
                Faults {
                    crashes: 1,
                    early: 1,
                    ..NONE
                },
            ),
            ideas: BOTH,
            ..Setting::default()
        },
        Setting {
            name: "functions that fail",
            faults: pick(
                Faults {
                    failures: 1,
                    forks: 1,
                    ..NONE
                },
                Faults {
                    failures: 1,
                    forks: 1,
                    ..NONE
                },
            ),
            ideas: DOUBTS,
            ..Setting::default()
        },
        Setting {
            name: "a turn that keeps dying",
            faults: pick(
                Faults { crashes: 3, ..NONE },
                Faults {
                    crashes: 3,
                    early: 1,
                    ..NONE
                },
            ),
            ideas: BOTH,
            tries: 2,
            ..Setting::default()
        },
        Setting {
            name: "old messages",
            letters: &[Contact, Contact, Contact],
            faults: pick(
                Faults {
                    duplicates: 2,
                    ..NONE
                },
                Faults {
                    duplicates: 2,
                    crashes: 1,
                    ..NONE
                },
            ),
            carrier: false,
            seen_capacity: 1,
            inbox_limit: 2,
            ..Setting::default()
        },
        Setting {
            name: "supersede",
            letters: &[Contact, Contact],
            faults: pick(
                Faults { crashes: 1, ..NONE },
                Faults {
                    crashes: 1,
                    early: 1,
                    ..NONE
                },
            ),
            ideas: LOOKS,
            overlap: Overlap::Supersede,
            carrier: false,
            ..Setting::default()
        },
        Setting {
            name: "supersede between two calls",
            letters: &[Contact, Contact],
            faults: pick(NONE, Faults { crashes: 1, ..NONE }),
            ideas: PAIRS,
            overlap: Overlap::Supersede,
            carrier: false,
            ..Setting::default()
        },
        Setting {
            name: "supersede with a person",
            letters: &[Contact, Person],
            faults: pick(Faults { crashes: 1, ..NONE }, Faults { crashes: 2, ..NONE }),
            ideas: LOOKS,
            overlap: Overlap::Supersede,
            carrier: false,
            tries: 2,
            ..Setting::default()
        },
        Setting {
            name: "handoff",
            letters: &[Contact, Person],
            faults: pick(
                Faults {
                    takeovers: 1,
                    early: 1,
                    ..NONE
                },
                Faults {
                    takeovers: 1,
                    early: 1,
                    crashes: 1,
                    ..NONE
                },
            ),
            ideas: CHARGE,
            ..Setting::default()
        },
        Setting {
            name: "approvals",
            letters: &[Contact, Approval, Contact],
            faults: pick(Faults { crashes: 1, ..NONE }, Faults { forks: 1, ..NONE }),
            ideas: ASKS,
            carrier: false,
            ..Setting::default()
        },
        Setting {
            name: "undoing what was superseded",
            letters: &[Contact, Contact],
            faults: pick(Faults { crashes: 1, ..NONE }, Faults { crashes: 1, ..NONE }),
            ideas: BOOKS,
            overlap: Overlap::Supersede,
            carrier: false,
            ..Setting::default()
        },
        Setting {
            name: "undoing what failed",
            faults: pick(
                Faults {
                    crashes: 1,
                    failures: 1,
                    timeouts: 1,
                    ..NONE
                },
                Faults {
                    crashes: 1,
                    failures: 1,
                    timeouts: 1,
                    ..NONE
                },
            ),
            ideas: BOOKS_AND_CHARGES,
            carrier: false,
            ..Setting::default()
        },
        Setting {
            name: "budgets",
            letters: &[Contact, Contact],
            faults: pick(
                Faults { forks: 1, ..NONE },
                Faults {
                    crashes: 1,
                    forks: 1,
                    ..NONE
                },
            ),
            ideas: LOOKS,
            budget: Some(5),
            carrier: false,
            ..Setting::default()
        },
        Setting {
            name: "two minds",
            faults: pick(
                Faults { forks: 1, ..NONE },
                Faults {
                    forks: 1,
                    early: 1,
                    ..NONE
                },
            ),
            ideas: MINDS,
            ..Setting::default()
        },
        Setting {
            name: "the same owner again",
            faults: pick(
                Faults {
                    duplicates: 1,
                    early: 2,
                    ..NONE
                },
                Faults {
                    duplicates: 1,
                    early: 2,
                    crashes: 1,
                    ..NONE
                },
            ),
            ..Setting::default()
        },
        Setting {
            name: "two turns with tools",
            letters: &[Contact, Contact],
            faults: pick(
                Faults { forks: 1, ..NONE },
                Faults {
                    forks: 1,
                    crashes: 1,
                    ..NONE
                },
            ),
            ideas: CHARGE,
            ..Setting::default()
        },
        Setting {
            name: "two runs with tools",
            faults: pick(
                Faults {
                    forks: 1,
                    crashes: 1,
                    ..NONE
                },
                Faults {
                    forks: 1,
                    crashes: 1,
                    early: 1,
                    ..NONE
                },
            ),
            ideas: CHARGE,
            ..Setting::default()
        },
        Setting {
            name: "a bound turn thought again",
            faults: pick(
                Faults {
                    forks: 1,
                    lost: 1,
                    late: 1,
                    ..NONE
                },
                Faults {
                    forks: 1,
                    lost: 1,
                    late: 1,
                    ..NONE
                },
            ),
            ideas: CHARGES,
            ..Setting::default()
        },
    ];
    for (name, overlap) in [
        ("absorb", Overlap::Absorb),
        ("absorb and restart", Overlap::AbsorbRestart),
        ("force complete", Overlap::ForceComplete),
    ] {
        worlds.push(Setting {
            name,
            letters: &[Contact, Contact],
            faults: pick(
                Faults { early: 1, ..NONE },
                Faults {
                    crashes: 1,
                    early: 1,
                    ..NONE
                },
            ),
            ideas: LOOKS,
            overlap,
            carrier: false,
            ..Setting::default()
        });
    }
    worlds
}
