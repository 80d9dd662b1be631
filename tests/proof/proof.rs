//! The session protocol under every interleaving, to a stated bound.
//!
//! What is checked is the shipped `engine::session::Session::apply`; what runs around it follows
//! `engine::turn` step by step. `scripts/prove` checks the larger worlds.

mod invariant;
mod item;
mod ledger;
mod model;
mod run;
mod setting;
mod step;
mod tally;
mod think;
mod world;
mod worlds;

use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use model::Proof;
use setting::Setting;
use tally::Event;

/// What a check came to.
struct Checked {
    name: &'static str,
    states: usize,
    depth: usize,
    seconds: f64,
    tally: tally::Tally,
}

/// Checks every state of a world.
fn check(setting: Setting) -> Checked {
    let proof = Proof::new(setting);
    let (name, tally) = (proof.setting.name, proof.tally.clone());
    let begun = Instant::now();
    let checker = proof.checker().threads(threads()).finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
    let seconds = begun.elapsed().as_secs_f64();
    for invariant in invariant::Invariant::ALL {
        if let Some(path) = checker.discovery(invariant.name()) {
            let last = path.last_state().clone();
            for (state, action) in path.into_vec() {
                let Some(action) = action else { break };
                println!("{action:?}: {}", actor(&state, action));
            }
            panic!("{name}: {} is broken: {:?}\n{last:#?}", invariant.name(), last.broken);
        }
    }
    checker.assert_any_discovery("everything came to rest");
    Checked {
        name,
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        seconds,
        tally,
    }
}

/// What acts, as it stood before.
fn actor(world: &world::World, action: model::Action) -> String {
    match action {
        model::Action::Step { run, .. } => format!("{:?}", world.runs[run]),
        _ => String::new(),
    }
}

fn threads() -> usize {
    std::env::var("CONFAB_THREADS").ok().and_then(|count| count.parse().ok()).unwrap_or(1)
}

fn tell(checked: &Checked) {
    let Checked { name, states, depth, seconds, tally } = checked;
    println!("| {name} | {states} | {depth} | {seconds:.1} |");
    if std::env::var("CONFAB_TALLY").is_ok() {
        for event in Event::ALL {
            println!("    {}: {}", event.name(), tally.of(*event));
        }
    }
}

#[test]
fn every_interleaving_of_the_small_worlds_keeps_the_promises() {
    for setting in worlds::small() {
        tell(&check(setting));
    }
}
