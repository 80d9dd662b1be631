//! The session protocol under every interleaving, to a stated bound.
//!
//! What is checked is the shipped `engine::session::Session::apply`; what runs around it follows
//! `engine::turn` step by step. `scripts/prove` checks the larger worlds.

#![expect(clippy::print_stdout, reason = "a proof tells what it visited")]

mod call;
mod circles;
mod deliver;
mod desk;
mod effect;
mod happen;
mod inbox;
mod invariant;
mod item;
mod ledger;
mod model;
mod mutant;
mod mutants;
mod run;
mod setting;
mod step;
mod tally;
mod think;
mod world;
mod worlds;

use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use invariant::{Broken, Invariant};
use model::Proof;
use mutant::Mutant;
use mutants::MUTANTS;
use setting::Setting;
use tally::Event;
use worlds::Bound;

/// What a check came to.
struct Checked {
    name: &'static str,
    states: usize,
    generated: usize,
    depth: usize,
    seconds: f64,
    tally: tally::Tally,
}

/// By which invariant a world notices a mutant, and how.
fn caught(mutant: &Mutant) -> Option<Broken> {
    let mut worlds = worlds::all(Bound::Small).into_iter();
    let mut setting = worlds.find(|world| world.name == mutant.world)?;
    mutant.infect(&mut setting);
    let checker = Proof::new(setting)
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_dfs()
        .join();
    Invariant::ALL.iter().find_map(|invariant| {
        let path = checker.discovery(invariant.name())?;
        path.last_state().broken
    })
}

/// Checks every state of a world.
fn check(setting: Setting) -> Checked {
    let proof = Proof::new(setting);
    let (name, tally) = (proof.setting.name, proof.tally.clone());
    let begun = Instant::now();
    let checker = proof
        .checker()
        .threads(threads())
        .finish_when(HasDiscoveries::AnyFailures)
        .target_state_count(most())
        .spawn_dfs()
        .join();
    let seconds = begun.elapsed().as_secs_f64();
    for invariant in Invariant::ALL {
        if let Some(path) = checker.discovery(invariant.name()) {
            let last = path.last_state().clone();
            for (state, action) in path.into_vec() {
                let Some(action) = action else { break };
                println!("{action:?}: {}", actor(&state, action));
            }
            panic!(
                "{name}: {} is broken: {:?}\n{last:#?}",
                invariant.name(),
                last.broken
            );
        }
    }
    checker.assert_any_discovery("everything came to rest");
    Checked {
        name,
        states: checker.unique_state_count(),
        generated: checker.state_count(),
        depth: checker.max_depth(),
        seconds,
        tally,
    }
}

fn most() -> usize {
    std::env::var("CONFAB_STATES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usize::MAX)
}

/// What acts, as it stood before.
fn actor(world: &world::World, action: model::Action) -> String {
    match action {
        model::Action::Step { run, .. } => format!("{:?}", world.runs[run]),
        _ => String::new(),
    }
}

/// Those whose name holds `CONFAB_WORLD`.
fn chosen(settings: Vec<Setting>) -> impl Iterator<Item = Setting> {
    let name = std::env::var("CONFAB_WORLD").unwrap_or_default();
    settings
        .into_iter()
        .filter(move |setting| setting.name.contains(&name))
}

fn threads() -> usize {
    std::env::var("CONFAB_THREADS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(1)
}

fn tell(checked: &Checked) {
    let Checked {
        name,
        states,
        depth,
        seconds,
        tally,
        ..
    } = checked;
    let cut = if checked.generated >= most() { "+" } else { "" };
    println!("| {name} | {states}{cut} | {depth} | {seconds:.1} |");
    if std::env::var("CONFAB_TALLY").is_ok() {
        for event in Event::ALL {
            println!("    {}: {}", event.name(), tally.of(*event));
        }
    }
}

#[test]
fn every_interleaving_of_the_small_worlds_keeps_the_promises() {
    let checked: Vec<Checked> = chosen(worlds::all(Bound::Small))
        .map(check)
        .inspect(tell)
        .collect();
    reached(&checked);
}

/// The larger worlds: `scripts/prove`.
#[test]
#[ignore = "takes minutes: scripts/prove"]
fn every_interleaving_to_the_stated_bound_keeps_the_promises() {
    println!("| world | unique states | depth | seconds |\n|---|---:|---:|---:|");
    let checked: Vec<Checked> = chosen(worlds::all(Bound::Full))
        .map(check)
        .inspect(tell)
        .collect();
    reached(&checked);
    let states: usize = checked.iter().map(|checked| checked.states).sum();
    let seconds: f64 = checked.iter().map(|checked| checked.seconds).sum();
    println!("| **all** | **{states}** | | **{seconds:.0}** |");
}

#[test]
fn every_mutant_is_caught_and_by_the_invariant_it_breaks() {
    let mut wrong = Vec::new();
    for mutant in MUTANTS {
        let caught = caught(mutant);
        let by = caught.map_or("nothing", |broken| broken.invariant.name());
        let how = caught.map_or("", |broken| broken.how);
        println!("{}: caught by {by}: {how}", mutant.name);
        if caught.is_none_or(|broken| broken.invariant != mutant.caught_by) {
            wrong.push(mutant.name);
        }
    }
    assert!(wrong.is_empty(), "not caught as expected: {wrong:#?}");
}

#[test]
fn no_world_goes_round_in_circles() {
    for setting in chosen(worlds::all(Bound::Small)).filter(|world| world.clocks.is_none()) {
        let name = setting.name;
        match circles::search(setting) {
            Ok(states) => println!("{name}: {states} states, no circle"),
            Err(circle) => panic!("{name}: {circle}"),
        }
    }
}

#[test]
fn a_turn_that_restarts_for_what_it_cannot_take_is_found_in_a_circle() {
    let mut settings = worlds::all(Bound::Small).into_iter();
    let setting = settings.find(|world| world.name == "supersede");
    let setting = setting.map(|setting| Setting {
        slip: setting::Slip::RestartsForWhatItCannotTake,
        ..setting
    });
    let found = setting.map(circles::search);
    assert!(matches!(found, Some(Err(_))), "{found:?}");
}

/// Each kind of event happened somewhere, or the proof is of less than it says.
fn reached(checked: &[Checked]) {
    let all = std::env::var_os("CONFAB_WORLD").is_none();
    for event in Event::ALL {
        let times: u64 = checked.iter().map(|checked| checked.tally.of(*event)).sum();
        println!("{}: {times}", event.name());
        assert!(times > 0 || !all, "never: {}", event.name());
    }
}
