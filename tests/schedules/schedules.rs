//! The shipped code of a turn, a tool call and an approval under random schedules.
//!
//! Nothing of the engine is replaced but its ports. At each of their operations shuttle picks which task goes
//! on; tasks die at any await point, writes fail or lose their answer, services do not answer, holds run out
//! under living workers. A schedule that breaks a promise is printed and lives again with
//! `CONFAB_SCHEDULE=… cargo test --test schedules NAME`.

#![expect(clippy::print_stdout, reason = "a test tells what it has seen")]

mod asking;
mod functions;
mod judge;
mod machine;
mod mutant;
mod outside;
mod paths;
mod stage;
mod store;
mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use shuttle::scheduler::{
    PctScheduler, RandomScheduler, ReplayScheduler, Schedule, Scheduler, Task, TaskId,
};
use shuttle::{Config, FailurePersistence, Runner};

use mutant::Mutant;
use paths::{Path, approving, calling, turning};
use stage::Stage;
use tally::{Event, Tally};

/// Schedules of each path, unless `CONFAB_SCHEDULES` says otherwise.
const SCHEDULES: usize = 100_000;

/// Schedules within which a mutant must be caught.
const SOON: usize = 20_000;

/// Ends when a flag is up.
struct Until<S>(S, Arc<AtomicBool>);

impl<S: Scheduler> Scheduler for Until<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        let ended = self.1.load(Ordering::Relaxed);
        let next = self.0.new_execution();
        next.filter(|_| !ended)
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        self.0.next_task(runnable, current, is_yielding)
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    config.failure_persistence = FailurePersistence::Print;
    config.silence_warnings = true;
    config
}

fn schedules() -> usize {
    let count = std::env::var("CONFAB_SCHEDULES").ok();
    count
        .and_then(|text| text.parse().ok())
        .unwrap_or(SCHEDULES)
}

/// Puts `path` under so many schedules, half of them uniform and half with few changes of priority.
fn explore(name: &str, path: Path, expected: &[Event]) {
    let begun = Instant::now();
    let tally = Tally::default();
    let seen = tally.clone();
    let again = std::env::var("CONFAB_SCHEDULE").ok();
    let traced = again.is_some();
    let live = move || {
        let bot = outside::bot(stage::draw(2) == 0);
        let stage = Stage::new(bot, Mutant::None, seen.clone(), traced);
        path(stage.clone());
        let broken = stage.ledger().broken;
        if let Some(promise) = broken {
            panic!(
                "{promise}\n{:#?}",
                stage.session(&outside::contact(engine::message::Channel::Web))
            );
        }
    };
    if let Some(schedule) = again {
        let scheduler = ReplayScheduler::new_from_encoded(&schedule);
        Runner::new(scheduler, config()).run(live);
        return;
    }
    let half = schedules() / 2;
    let uniform = RandomScheduler::new_from_seed(1, half);
    let few = PctScheduler::new_from_seed(1, 4, half);
    let run = std::thread::scope(|scope| {
        let other = live.clone();
        let uniform = scope.spawn(move || Runner::new(uniform, config()).run(other));
        let few = Runner::new(few, config()).run(live);
        match uniform.join() {
            Ok(uniform) => uniform + few,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    println!(
        "{name}: {run} schedules in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    for event in Event::ALL.iter().filter(|event| tally.of(**event) > 0) {
        println!("    {}: {}", event.name(), tally.of(*event));
    }
    for event in expected {
        assert!(tally.of(*event) > 0, "never: {}", event.name());
    }
    let plain = tally.of(Event::Plain);
    assert!(
        plain * 2 > run as u64,
        "only {plain} of {run} schedules answered everything"
    );
}

/// By what a path notices a mutant, and after how many schedules.
fn caught(path: Path, mutant: Mutant) -> Option<(&'static str, usize)> {
    let found = Arc::new(AtomicBool::new(false));
    let lived = Arc::new(AtomicUsize::new(0));
    let how = Arc::new(std::sync::Mutex::new(None));
    let scheduler = Until(RandomScheduler::new_from_seed(1, SOON), Arc::clone(&found));
    let (flag, count, promise) = (Arc::clone(&found), Arc::clone(&lived), Arc::clone(&how));
    Runner::new(scheduler, config()).run(move || {
        let bot = outside::bot(stage::draw(2) == 0);
        let stage = Stage::new(bot, mutant, Tally::default(), false);
        path(stage.clone());
        count.fetch_add(1, Ordering::Relaxed);
        let broken = stage.ledger().broken;
        if let Some(broken) = broken {
            stage::locked(&promise).get_or_insert(broken);
            flag.store(true, Ordering::Relaxed);
        }
    });
    let how = *stage::locked(&how);
    how.map(|how| (how, lived.load(Ordering::Relaxed)))
}

#[test]
fn an_effect_happens_once_whoever_claims_it() {
    explore(
        "claim, run, record",
        calling,
        &[
            Event::Died,
            Event::GivenUp,
            Event::WriteFailed,
            Event::AnswerLost,
            Event::Reclaimed,
            Event::FoundClaimed,
            Event::NotMine,
            Event::EffectAgain,
            Event::EffectUnseen,
            Event::NoAnswer,
            Event::LookedUp,
            Event::Stopped,
            Event::NotBegun,
            Event::Unknown,
            Event::FailedForGood,
        ],
    );
}

#[test]
fn a_gate_is_passed_once_and_every_message_settles_once() {
    explore(
        "gate, send, release",
        turning,
        &[
            Event::Died,
            Event::GivenUp,
            Event::WriteFailed,
            Event::AnswerLost,
            Event::StartedTwice,
            Event::DeliveredAgain,
            Event::Reclaimed,
            Event::NotMine,
            Event::Looked,
            Event::NearlyParked,
            Event::Superseded,
            Event::Sent,
            Event::Unconfirmed,
            Event::Parked,
            Event::Answered,
        ],
    );
}

#[test]
fn an_approved_call_is_made_once_and_only_as_it_was_approved() {
    explore(
        "ask, decide, use",
        approving,
        &[
            Event::Died,
            Event::AnswerLost,
            Event::Asked,
            Event::Granted,
            Event::Denied,
            Event::RanOut,
            Event::Consumed,
            Event::Altered,
            Event::Approved,
            Event::Unknown,
        ],
    );
}

#[test]
fn a_store_that_forgets_a_condition_is_noticed() {
    let mutants: [(Path, Mutant); 5] = [
        (calling, Mutant::ClaimsTwice),
        (calling, Mutant::OverwritesResults),
        (turning, Mutant::GatesWithoutTheHold),
        (approving, Mutant::ForgetsConsumption),
        (approving, Mutant::SavesBlindly),
    ];
    for (path, mutant) in mutants {
        let caught = caught(path, mutant);
        println!("{mutant:?}: {caught:?}");
        assert!(caught.is_some(), "{mutant:?} was not noticed");
    }
}
