//! The local host: the engine's functions, the state machine that orders them, and the stores under them.
//!
//! A message flows `intake` -> `accept` -> `start` -> `statemachines/turn.asl.json` -> the functions of
//! [`engine::turn`]. Everything it runs on is passed in as a [`Ground`], so a whole host runs on one thread
//! from a seed.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use asl::runner::{Journal, Place, Runner};
use asl::{Kind as MachineKind, Outcome, StateMachine};
use async_trait::async_trait;
use embedded::Store;
use engine::approval::{Ask, Desk, Links, Tell};
use engine::attend::Attend;
use engine::budget::Ledger;
use engine::bus::{Dispatch, Herald};
use engine::error::{Error, Kind};
use engine::goal::Goals;
use engine::http::Http;
use engine::notify::{Notices, Router};
use engine::reminder::{self, Reminders};
use engine::run::{
    Effects, Fire, Start, StepApprove, StepAsk, StepConverse, StepHttp, StepNotify, StepTool,
    StepWait, Timetable,
};
use engine::runtime::Runtime;
use engine::session::{Hold, SessionKey};
use engine::switch::Switches;
use engine::tool::{Clerk, NoErrands, Secrets, Toolbox};
use engine::turn::{
    Accept, CallTool, Carriers, Deliver, Fail, Intake, Redrive, Run, Settler, Sweep, Timing,
    TurnStart, Turns,
};
use engine::unknown::Unknowns;
use engine::view::View;
use tokio::sync::watch;

mod approvals;
mod changes;
mod events;
mod functions;
mod hub;
mod notices;
mod reminders;
mod runs;
mod shelf;

pub use changes::Changes;
pub use functions::FUNCTIONS;
pub use hub::{Hub, Watch};
pub use runs::{machine, machine_problems, occurrence};
pub use shelf::Shelf;

/// The turn's state machine, the same file that Step Functions runs.
const TURN: &str = include_str!("../../../statemachines/turn.asl.json");

/// What waits for people, the same file too.
const APPROVAL: &str = include_str!("../../../statemachines/approval.asl.json");

/// What sees notices through, the same file too.
const NOTIFY: &str = include_str!("../../../statemachines/notify.asl.json");

/// What waits for the time of reminders, the same file too.
const REMINDER: &str = include_str!("../../../statemachines/reminder.asl.json");

/// The most holds one sweep takes over.
const SWEEP: usize = 1000;

/// Everything a host runs on.
pub struct Ground {
    /// Time, randomness, spawning.
    pub runtime: Runtime,
    /// Sessions, transcripts, outcomes, records.
    pub store: Arc<Store>,
    /// Standard executions.
    pub journal: Arc<dyn Journal>,
    /// The bot and who may talk to it.
    pub shelf: Arc<Shelf>,
    /// The way to the web, for tools.
    pub http: Arc<dyn Http>,
    /// Secrets by name.
    pub secrets: Arc<dyn Secrets>,
    /// The ways out.
    pub carriers: Arc<dyn Carriers>,
    /// Links for approvers.
    pub links: Arc<dyn Links>,
    /// Leases and limits.
    pub timing: Timing,
}

/// A running host.
pub struct Host {
    me: Weak<Self>,
    runtime: Runtime,
    store: Arc<Store>,
    shelf: Arc<Shelf>,
    secrets: Arc<dyn Secrets>,
    switches: Arc<Switches>,
    hub: Arc<Hub>,
    changes: Changes,
    intake: Intake,
    desk: Desk,
    reminders: Reminders,
    sweep: Sweep,
    view: View,
    runner: Runner,
    workflows: runs::Shelved,
    start: Start,
    herald: Herald,
    dispatch: Dispatch,
    timetable: Timetable,
    /// The holds that run in this process: a repeated message must not run one twice at once.
    running: watch::Sender<HashSet<(SessionKey, Hold)>>,
    timing: Timing,
}

impl Host {
    /// Puts a host together. It does nothing until [`Host::recover`] or a message.
    ///
    /// # Errors
    /// When a state machine is not valid.
    pub fn new(ground: Ground) -> Result<Arc<Self>, Error> {
        let Ground {
            runtime,
            store,
            journal,
            shelf,
            http,
            secrets,
            carriers,
            links,
            timing,
        } = ground;
        let turn = parse("statemachines/turn.asl.json", TURN, MachineKind::Express)?;
        let approval = parse(
            "statemachines/approval.asl.json",
            APPROVAL,
            MachineKind::Standard,
        )?;
        let notify = parse(
            "statemachines/notify.asl.json",
            NOTIFY,
            MachineKind::Standard,
        )?;
        let reminder = parse(
            "statemachines/reminder.asl.json",
            REMINDER,
            MachineKind::Standard,
        )?;
        Ok(Arc::new_cyclic(|me: &Weak<Self>| {
            let hub = Arc::new(Hub::default());
            let switches = Arc::new(Switches::new(runtime.clone(), store.clone()));
            let desk = Desk {
                runtime: runtime.clone(),
                documents: store.clone(),
                bots: shelf.clone(),
                waits: Arc::new(approvals::Executions(me.clone())),
            };
            let intake = Intake {
                accept: Accept {
                    runtime: runtime.clone(),
                    sessions: store.clone(),
                    bots: shelf.clone(),
                    timing,
                },
                outcomes: store.clone(),
                turns: Arc::new(Here(me.clone())),
            };
            let view = View {
                sessions: store.clone(),
                transcripts: store.clone(),
                results: store.clone(),
                outcomes: store.clone(),
            };
            let herald = Herald {
                bus: Arc::new(events::Here(me.clone())),
                view: view.clone(),
            };
            let settler = Settler {
                runtime: runtime.clone(),
                sessions: store.clone(),
                spill: store.clone(),
                timing,
                herald: herald.clone(),
            };
            let deliver = Deliver {
                settler,
                transcripts: store.clone(),
                outcomes: store.clone(),
                carriers: carriers.clone(),
                events: hub.clone(),
            };
            let toolbox = Toolbox {
                http,
                records: store.clone(),
                secrets: secrets.clone(),
                errands: Arc::new(NoErrands),
            };
            let executions = Arc::new(runs::Executions(me.clone()));
            let start = Start {
                runtime: runtime.clone(),
                documents: store.clone(),
                runs: executions.clone(),
            };
            let reminders = Reminders {
                runtime: runtime.clone(),
                documents: store.clone(),
                alarms: Arc::new(reminders::Executions(me.clone())),
            };
            let clerk = Clerk {
                catalogue: executions,
                start: start.clone(),
                reminders: reminders.clone(),
                goals: Goals::from(&desk),
            };
            let effects = Effects {
                runtime: runtime.clone(),
                sessions: store.clone(),
                documents: store.clone(),
                results: store.clone(),
                toolbox: toolbox.clone(),
                switches: switches.clone(),
            };
            let ledger = Arc::new(Ledger::new(store.clone()));
            let functions = functions::HostFunctions {
                run: Run {
                    runtime: runtime.clone(),
                    sessions: store.clone(),
                    transcripts: store.clone(),
                    results: store.clone(),
                    outcomes: store.clone(),
                    spill: store.clone(),
                    crew: shelf.clone(),
                    carriers,
                    desk: desk.clone(),
                    secrets: secrets.clone(),
                    ledger: ledger.clone(),
                    switches: switches.clone(),
                    events: hub.clone(),
                    timing,
                    herald: herald.clone(),
                },
                call_tool: CallTool {
                    runtime: runtime.clone(),
                    sessions: store.clone(),
                    transcripts: store.clone(),
                    results: store.clone(),
                    documents: store.clone(),
                    bots: shelf.clone(),
                    toolbox: Toolbox {
                        errands: Arc::new(clerk),
                        ..toolbox
                    },
                    desk: desk.clone(),
                    switches: switches.clone(),
                    events: hub.clone(),
                    timing,
                },
                fail: Fail {
                    deliver: deliver.clone(),
                    bots: shelf.clone(),
                    results: store.clone(),
                    documents: store.clone(),
                },
                deliver,
                ask: Ask {
                    desk: desk.clone(),
                    intake: intake.clone(),
                    links: links.clone(),
                },
                tell: Tell {
                    desk: desk.clone(),
                    intake: intake.clone(),
                    herald: herald.clone(),
                },
                remind: reminder::Tell {
                    documents: store.clone(),
                    transcripts: store.clone(),
                    intake: intake.clone(),
                },
                step_tool: StepTool {
                    bots: shelf.clone(),
                    effects: effects.clone(),
                    desk: desk.clone(),
                },
                step_ask: StepAsk {
                    crew: shelf.clone(),
                    effects: effects.clone(),
                    ledger,
                },
                step_http: StepHttp {
                    bots: shelf.clone(),
                    effects,
                },
                step_approve: StepApprove { desk: desk.clone() },
                step_converse: StepConverse {
                    goals: Goals::from(&desk),
                    intake: intake.clone(),
                    switches: switches.clone(),
                },
                step_wait: StepWait {
                    runtime: runtime.clone(),
                    documents: store.clone(),
                },
                step_notify: StepNotify {
                    router: Router {
                        notices: Notices::from(&desk),
                        intake: intake.clone(),
                        view: view.clone(),
                        links,
                    },
                    escalations: Arc::new(notices::Executions(me.clone())),
                },
            };
            let changes = Changes::default();
            let journal = changes::Telling {
                journal,
                changes: changes.clone(),
            };
            let runner = Runner::new(
                runtime.clone(),
                Arc::new(functions),
                Arc::new(journal),
                Place::default(),
            );
            runner.register("turn", Arc::new(turn));
            runner.register("approval", Arc::new(approval));
            runner.register("notify", Arc::new(notify));
            runner.register("reminder", Arc::new(reminder));
            let start = Start {
                runtime: runtime.clone(),
                documents: store.clone(),
                runs: Arc::new(runs::Executions(me.clone())),
            };
            let expressions = asl::Evaluator::shared(&runtime);
            let fire = Fire {
                catalogue: Arc::new(runs::Executions(me.clone())),
                start: start.clone(),
                expressions: expressions.clone(),
            };
            Self {
                me: me.clone(),
                workflows: runs::Shelved::default(),
                timetable: Timetable::new(start.clone(), expressions),
                start,
                herald,
                dispatch: Dispatch {
                    fire,
                    waits: Arc::new(approvals::Executions(me.clone())),
                },
                intake,
                desk,
                reminders,
                sweep: Sweep {
                    runtime: runtime.clone(),
                    sessions: store.clone(),
                    timing,
                },
                view,
                runtime,
                store,
                shelf,
                secrets,
                switches,
                hub,
                changes,
                runner,
                running: watch::Sender::default(),
                timing,
            }
        }))
    }

    /// Takes over what an earlier process left, and keeps sweeping from now on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn recover(&self) -> Result<usize, Error> {
        let left = self.sweep.after_restart(usize::MAX).await?;
        let count = left.len();
        for turn in left {
            self.start(turn);
        }
        self.runner.recover().await.map_err(|error| {
            Error::new(Kind::Unavailable, "the executions cannot be read").because(error)
        })?;
        self.wake_runs().await?;
        self.runtime
            .spawn(runs::keep_time(self.me.clone(), self.runtime.clone()));
        self.runtime.spawn(keep_sweeping(
            self.me.clone(),
            self.runtime.clone(),
            self.timing,
        ));
        Ok(count)
    }

    /// Takes in messages and reports.
    #[must_use]
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Keeps approvals, and lets people decide them.
    #[must_use]
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Keeps what the bot means to say later.
    #[must_use]
    pub fn reminders(&self) -> &Reminders {
        &self.reminders
    }

    /// Waits until the session was told what became of an approval, and has answered.
    pub async fn approval_told(&self, id: &str) {
        let execution = approvals::execution(id);
        if let Err(error) = self.runner.outcome(&execution).await {
            tracing::error!(%error, approval = id, "an execution cannot be read");
        }
        self.idle().await;
    }

    /// Waits until no turn runs in this process.
    pub async fn idle(&self) {
        let mut running = self.running.subscribe();
        // It ends with this host, which is borrowed.
        drop(running.wait_for(HashSet::is_empty).await);
    }

    /// Runs a turn beside the caller, unless it runs already.
    pub fn start(&self, turn: TurnStart) {
        let hold = (turn.session.clone(), turn.hold);
        let begins = |running: &mut HashSet<_>| running.insert(hold.clone());
        if !self.running.send_if_modified(begins) {
            return;
        }
        let Some(host) = self.me.upgrade() else {
            return;
        };
        self.runtime.spawn(async move {
            host.run(&turn).await;
            host.running
                .send_if_modified(|running| running.remove(&hold));
        });
    }

    async fn run(&self, turn: &TurnStart) {
        let input = match serde_json::to_value(turn) {
            Ok(input) => input,
            Err(error) => return tracing::error!(%error, "a turn's input could not be written"),
        };
        match self.runner.run_express("turn", input).await {
            Ok(Outcome::Succeeded(_)) => {}
            Ok(outcome) => {
                tracing::error!(session = %turn.session, ?outcome, "a turn's execution failed; its hold ends with its lease");
            }
            Err(error) => tracing::error!(%error, "a turn could not be started"),
        }
    }

    /// How many turns run in this process.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.borrow().len()
    }

    /// The bot and who may talk to it.
    #[must_use]
    pub fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    /// Tells what happens in sessions.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Tells what happens to runs and approvals.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Lists and settles what is not known.
    #[must_use]
    pub fn unknowns(&self) -> Unknowns {
        Unknowns {
            documents: self.store.clone(),
            results: self.store.clone(),
            intake: self.intake.clone(),
        }
    }

    /// Where persons work.
    #[must_use]
    pub fn attend(&self) -> Attend {
        Attend {
            intake: self.intake.clone(),
            transcripts: self.store.clone(),
            desk: self.desk.clone(),
            herald: self.herald.clone(),
        }
    }

    /// Gives parked turns another try.
    #[must_use]
    pub fn redrive(&self) -> Redrive {
        Redrive {
            intake: self.intake.clone(),
            transcripts: self.store.clone(),
            outcomes: self.store.clone(),
        }
    }

    /// Reads sessions.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Secrets by name.
    #[must_use]
    pub fn secrets(&self) -> &Arc<dyn Secrets> {
        &self.secrets
    }

    /// Stops bots and lets them go on.
    #[must_use]
    pub fn switches(&self) -> &Arc<Switches> {
        &self.switches
    }

    /// The store under the host.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Time, randomness, spawning.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

/// Starts turns in this process.
struct Here(Weak<Host>);

#[async_trait]
impl Turns for Here {
    async fn start(&self, turn: TurnStart) -> Result<(), Error> {
        if let Some(host) = self.0.upgrade() {
            host.start(turn);
        }
        Ok(())
    }
}

async fn keep_sweeping(host: Weak<Host>, runtime: Runtime, timing: Timing) {
    loop {
        runtime.clock.sleep(timing.lease / 5).await;
        let Some(host) = host.upgrade() else { return };
        match host.sweep.handle(SWEEP).await {
            Ok(turns) => turns.into_iter().for_each(|turn| host.start(turn)),
            Err(error) => tracing::error!(error = %error.chain(), "the sweep failed"),
        }
    }
}

/// The state machine that the text of `file` defines, with what it calls filled in.
fn parse(file: &str, text: &str, kind: MachineKind) -> Result<StateMachine, Error> {
    let invalid = |reason: String| Error::new(Kind::Internal, format!("{file}: {reason}"));
    let text = asl::substitute(text, |called| Some(functions::address(called)))
        .map_err(|error| invalid(error.to_string()))?;
    StateMachine::parse(&text, kind).map_err(|diagnostics| {
        let reasons = diagnostics.iter().map(|reason| format!("{reason:#}"));
        invalid(reasons.collect::<Vec<_>>().join("; "))
    })
}
