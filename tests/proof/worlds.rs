//! The worlds that are checked.

use engine::overlap::Overlap;

use super::setting::{Clocks, Faults, From, Idea, Setting, Tool};

const TOOLS: [&[Idea]; 3] = [
    &[Idea::Call(&[Tool::Charge])],
    &[Idea::Reply, Idea::Call(&[Tool::Charge])],
    &[Idea::Reply],
];
const CLOCKS: Clocks = Clocks { work: 1, skew: 1, lease: 2 };

pub(crate) fn small() -> Vec<Setting> {
    vec![
        Setting {
            name: "basic",
            letters: &[From::Contact, From::Contact],
            faults: Faults { crashes: 1, early: 1, forks: 1, ..Faults::default() },
            ..Setting::default()
        },
        Setting {
            name: "basic by the clock",
            letters: &[From::Contact, From::Contact],
            faults: Faults { crashes: 1, early: 1, ..Faults::default() },
            clocks: Some(CLOCKS),
            ..Setting::default()
        },
        Setting {
            name: "tools",
            faults: Faults { crashes: 1, early: 1, forks: 1, timeouts: 1, ..Faults::default() },
            ideas: TOOLS,
            ..Setting::default()
        },
        Setting {
            name: "supersede",
            letters: &[From::Contact, From::Contact],
            faults: Faults { early: 1, ..Faults::default() },
            ideas: TOOLS,
            overlap: Overlap::Supersede,
            carrier: false,
            ..Setting::default()
        },
    ]
}
