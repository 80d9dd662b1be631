//! The session machine in thousands of small worlds, each a seed.
//!
//! `CONFAB_SEED=<n>` lives one of them again; `CONFAB_WORLDS=<n>` lives more than the usual number.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

mod adversary;
mod dice;
mod items;
mod ledger;
mod mutant;
mod verify;
mod worker;
mod world;

use adversary::Adversary;
use ledger::{Broken, Ledger, hold_true};
use world::{LEASE, Setting, Tally, WORK, World};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seeds(usual: u64) -> std::ops::Range<u64> {
    match number("CONFAB_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CONFAB_WORLDS").unwrap_or(usual),
    }
}

fn live(seed: u64) -> Result<Tally, Broken> {
    World::live(Setting {
        seed,
        apply: Session::apply,
        lease: LEASE,
        told: number("CONFAB_SEED").is_some(),
    })
}

/// Whether one of so many worlds breaks, or panics.
fn noticed(apply: world::Apply, lease: i64) -> bool {
    some_seed_breaks(|seed| {
        World::live(Setting {
            seed,
            apply,
            lease,
            told: false,
        })
        .map(drop)
    })
}

fn some_seed_breaks(life: impl Fn(u64) -> Result<(), Broken>) -> bool {
    (0..500).any(|seed| !matches!(catch_unwind(AssertUnwindSafe(|| life(seed))), Ok(Ok(()))))
}

#[test]
fn whatever_fails_every_message_is_settled_once_and_in_order() {
    let mut tally = Tally::new();
    for seed in seeds(2_500) {
        let lived = live(seed).unwrap_or_else(|broken| panic!("CONFAB_SEED={seed}: {broken}"));
        for (event, times) in lived {
            *tally.entry(event).or_default() += times;
        }
    }
    for (event, least) in items::OFTEN {
        let times = tally.get(event).copied().unwrap_or_default();
        let enough = times >= least || number("CONFAB_SEED").is_some();
        assert!(enough, "{event}: only {times} times");
    }
}

#[test]
fn whatever_is_asked_the_session_keeps_its_shape() {
    for seed in seeds(800) {
        badger(seed, Session::apply)
            .unwrap_or_else(|broken| panic!("CONFAB_SEED={seed}: {broken}"));
    }
}

fn badger(seed: u64, apply: world::Apply) -> Result<(), Broken> {
    let mut adversary = Adversary::new(seed);
    let mut session = Session::default();
    let mut ledger = Ledger::default();
    for _ in 0..200 {
        let command = adversary.command(&session);
        let before = session.clone();
        match apply(&mut session, &command) {
            Ok(()) => ledger.follow(&before, &command, &session)?,
            Err(_) => hold_true(before == session, "a refusal changed the session")?,
        }
    }
    Ok(())
}

#[test]
fn a_machine_that_forgets_a_condition_is_caught() {
    for (mutant, apply) in mutant::MUTANTS {
        let caught = noticed(apply, LEASE) || some_seed_breaks(|seed| badger(seed, apply));
        assert!(caught, "{mutant}, and nobody noticed");
    }
}

#[test]
fn a_lease_shorter_than_the_work_is_caught() {
    assert!(noticed(Session::apply, WORK / 2));
}

/// The steps of a session's life in one world, each from where it stood to where it stands.
fn life(seed: u64) -> Vec<(Lifecycle, Lifecycle)> {
    const IDLE: std::time::Duration = std::time::Duration::from_secs(30);
    let mut dice = dice::Dice::new(seed ^ 0x11fe);
    let mut adversary = Adversary::new(seed);
    let mut session = Session::default();
    let (mut now, mut heard) = (Time(0), None);
    let mut steps = Vec::new();
    for _ in 0..200 {
        let before = session.lifecycle(heard, now, IDLE);
        let pause = if dice.one_in(12) { IDLE } else { IDLE / 100 };
        now = now.plus(pause);
        let waited = session.lifecycle(heard, now, IDLE);
        let command = adversary.command(&session);
        if session.apply(&command).is_ok() && matches!(command, Command::Accept { .. }) {
            heard = Some(now);
        }
        steps.extend([
            (before, waited),
            (waited, session.lifecycle(heard, now, IDLE)),
        ]);
    }
    steps.retain(|(from, to)| from != to);
    steps
}

#[test]
fn whatever_is_asked_a_session_lives_as_its_type_says() {
    use Lifecycle::{Active, Closed, HandedOff, Idle, New, Working};
    let all = [New, Working, Active, Idle, HandedOff, Closed];
    let mut taken = std::collections::BTreeMap::new();
    for seed in seeds(2000) {
        for (from, to) in life(seed) {
            assert!(
                from.may_become(to),
                "CONFAB_SEED={seed}: {from:?} became {to:?}"
            );
            *taken.entry(format!("{from:?} {to:?}")).or_insert(0) += 1;
        }
    }
    for (from, to) in all.into_iter().flat_map(|from| all.map(|to| (from, to))) {
        let seen = taken.contains_key(&format!("{from:?} {to:?}"));
        let told = from.may_become(to) && from != to;
        assert!(
            seen || !told || number("CONFAB_SEED").is_some(),
            "no session ever went from {from:?} to {to:?}: {taken:?}"
        );
    }
}
