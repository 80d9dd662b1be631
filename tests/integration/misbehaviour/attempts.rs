//! Attempts of `turn-run` that die under a hold that goes on, as Lambdas do: the next one pays for what they may have
//! asked, so neither a turn nor a session costs more than it may.

use std::sync::Arc;
use std::time::Duration;

use asl::runner::{FunctionError, Functions, MemoryJournal, Place, Runner};
use asl::{Kind as MachineKind, StateMachine};
use async_trait::async_trait;
use confab::host::Shelf;
use embedded::Store;
use engine::approval::Desk;
use engine::budget::Ledger;
use engine::bus::{Herald, NoBus};
use engine::error::Error;
use engine::goal::{Goals, Unreached};
use engine::message::Channel;
use engine::runtime::Runtime;
use engine::runtime::simulated::Simulation;
use engine::session::Sessions;
use engine::switch::Switches;
use engine::transcript::Verdict;
use engine::turn::{Accept, Deliver, Fail, Intake, Run, Settler, Timing, TurnStart, Turns};
use engine::view::{MessageVerdict, View};
use futures::future::{Either, select};
use serde::Serialize;
use serde_json::{Value, json};

use super::world::{COST, MOST, Vault, World, key, open, staff};
use crate::nobody::Nobody;

const TURN: &str = include_str!("../../../statemachines/turn.asl.json");

/// The functions of a turn without tools, of which the first dies at any moment, every other time.
struct Mortal {
    runtime: Runtime,
    world: World,
    run: Run,
    deliver: Deliver,
    fail: Fail,
}

fn given<T: Serialize>(result: Result<T, Error>) -> Result<Value, FunctionError> {
    let raised = |error: Error| FunctionError::raised(error.kind().name(), error.to_string());
    Ok(serde_json::to_value(result.map_err(raised)?).unwrap())
}

#[async_trait]
impl Functions for Mortal {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, FunctionError> {
        match function.rsplit(':').next().unwrap() {
            "turn-run" => {
                let input = serde_json::from_value(payload).unwrap();
                let draw = self.runtime.entropy.next_u64();
                let life = match draw % 2 {
                    0 => Duration::from_millis(draw / 2 % 12_000),
                    _ => Duration::from_secs(3600),
                };
                let work = Box::pin(self.run.handle(input));
                match select(work, self.runtime.clock.sleep(life)).await {
                    Either::Left((output, _)) => given(output),
                    Either::Right(_) => {
                        let mut outside = self.world.lock().unwrap();
                        outside.died += outside.open;
                        Err(FunctionError::raised("Lambda.Unknown", "it died"))
                    }
                }
            }
            "turn-deliver" => {
                let input = serde_json::from_value(payload).unwrap();
                given(self.deliver.handle(input).await)
            }
            "turn-fail" => {
                let input = serde_json::from_value(payload).unwrap();
                given(self.fail.handle(input).await)
            }
            _ => Err(FunctionError::not_found(function)),
        }
    }
}

struct Starter(Runtime, Runner);

#[async_trait]
impl Turns for Starter {
    async fn start(&self, turn: TurnStart) -> Result<(), Error> {
        let runner = self.1.clone();
        self.0.spawn(async move {
            let input = json!(turn);
            runner.run_express("turn", input).await.unwrap();
        });
        Ok(())
    }
}

fn house(simulation: &Simulation, store: &Arc<Store>, world: &World, settings: &str) -> Intake {
    let runtime = simulation.runtime();
    let timing = Timing::default();
    let shelf = Arc::new(Shelf::new(
        ["local".to_owned()].into(),
        staff(&runtime, world, settings),
    ));
    let herald = Herald {
        bus: Arc::new(NoBus),
        view: view(store),
    };
    let desk = Desk {
        runtime: runtime.clone(),
        documents: store.clone(),
        bots: shelf.clone(),
        waits: Arc::new(Nobody),
    };
    let deliver = Deliver {
        settler: Settler {
            runtime: runtime.clone(),
            sessions: store.clone(),
            spill: store.clone(),
            timing,
            herald: herald.clone(),
        },
        transcripts: store.clone(),
        outcomes: store.clone(),
        carriers: Arc::new(Nobody),
        events: Arc::new(Nobody),
        unreached: Unreached {
            goals: Goals::from(&desk),
            transcripts: store.clone(),
        },
    };
    let functions = Mortal {
        runtime: runtime.clone(),
        world: Arc::clone(world),
        run: Run {
            runtime: runtime.clone(),
            sessions: store.clone(),
            transcripts: store.clone(),
            results: store.clone(),
            outcomes: store.clone(),
            spill: store.clone(),
            crew: shelf.clone(),
            carriers: Arc::new(Nobody),
            desk,
            secrets: Arc::new(Vault),
            ledger: Arc::new(Ledger::new(store.clone())),
            switches: Arc::new(Switches::new(runtime.clone(), store.clone())),
            events: Arc::new(Nobody),
            timing,
            herald,
        },
        fail: Fail {
            deliver: deliver.clone(),
            bots: shelf.clone(),
            results: store.clone(),
            documents: store.clone(),
        },
        deliver,
    };
    let runner = Runner::new(
        runtime.clone(),
        Arc::new(functions),
        Arc::new(MemoryJournal::default()),
        Place::default(),
    );
    let text = asl::substitute(TURN, |name| {
        Some(format!("arn:aws:lambda:local:0:function:{name}"))
    });
    let machine = StateMachine::parse(&text.unwrap(), MachineKind::Express).unwrap();
    runner.register("turn", Arc::new(machine));
    Intake {
        accept: Accept {
            runtime: runtime.clone(),
            sessions: store.clone(),
            bots: shelf,
            timing,
        },
        outcomes: store.clone(),
        turns: Arc::new(Starter(runtime, runner)),
    }
}

fn view(store: &Arc<Store>) -> View {
    View {
        sessions: store.clone(),
        transcripts: store.clone(),
        results: store.clone(),
        outcomes: store.clone(),
    }
}

/// What a call came to that a newer message cut off: all that it read, and six bytes of a hundred tokens.
const CUT: u64 = MOST / 5 + MOST / 5 * 4 * 6 / 100;

/// What may have been paid: a call that a dead attempt had under way may have cost the most.
#[derive(Debug, Default, PartialEq)]
struct Paid {
    most: u64,
    died: u64,
    refused: usize,
}

/// A session of `turns` turns, in each of which the contact says something twice, at most `apart` apart.
fn live(seed: u64, settings: &str, turns: usize, apart: u64) -> (Paid, u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = Simulation::new(seed);
    let world = World::default();
    let (store, _disk) = open(&simulation, folder.path());
    let intake = Arc::new(house(&simulation, &store, &world, settings));
    let dana = key(Channel::Web, "dana");
    let (said, runtime) = (dana.clone(), simulation.runtime());
    simulation.block_on(async move {
        for turn in 0..turns {
            for part in ["a", "b"].iter().take(1 + usize::from(apart > 0)) {
                let id = format!("{turn}{part}");
                intake.post(&said, &id, &id).await.unwrap();
                let pause = runtime.entropy.next_u64() % apart.max(1);
                runtime.clock.sleep(Duration::from_millis(pause)).await;
            }
            runtime.clock.sleep(Duration::from_secs(300)).await;
        }
    });
    let (trace, session) = simulation.block_on(async move {
        let trace = view(&store).trace(&dana).await.unwrap();
        (trace, store.load(&dana).await.unwrap())
    });
    let pending = |verdict| verdict == MessageVerdict::Pending;
    let mut verdicts = trace.messages.iter().map(|message| message.verdict);
    assert!(!verdicts.any(pending), "seed {seed}: {:?}", trace.messages);
    let outside = world.lock().unwrap();
    let (finished, died) = (outside.finished as u64, outside.died as u64);
    let cut = outside.asked.len() as u64 - finished - died;
    let refused = MessageVerdict::Settled(Verdict::Refused);
    let paid = Paid {
        most: finished * COST + cut * CUT + died * MOST,
        died,
        refused: (trace.turns.iter())
            .filter(|turn| turn.verdict == refused)
            .count(),
    };
    (paid, session.spent)
}

#[test]
fn a_turn_never_costs_more_than_it_may_whatever_attempts_at_it_die() {
    let mut all = Paid::default();
    for seed in 0..80 {
        let (paid, told) = live(seed, "[budget]\nturn_dollars = 0.05\n", 1, 0);
        assert!(
            paid.most <= 50_000,
            "seed {seed}: {paid:?} of 50000, {told} told"
        );
        all.died += paid.died;
        all.refused += paid.refused;
    }
    assert!(all.died > 30 && all.refused > 2, "too easy: {all:?}");
}

#[test]
fn a_session_never_costs_more_than_it_may_whatever_attempts_at_its_turns_die() {
    let settings = "[budget]\nturn_dollars = 0.1\nsession_dollars = 0.3\n";
    let mut all = Paid::default();
    for seed in 0..40 {
        let (paid, told) = live(seed, settings, 8, 9000);
        assert!(
            paid.most <= 300_000 && paid.most <= told,
            "seed {seed}: {paid:?} of 300000, {told} told"
        );
        all.died += paid.died;
        all.refused += paid.refused;
    }
    assert!(all.died > 80 && all.refused > 20, "too easy: {all:?}");
}
