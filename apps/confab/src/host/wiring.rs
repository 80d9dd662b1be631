//! Puts a host together: the engine's functions on the stores and the ways out that it is given.

use std::sync::{Arc, Weak};

use asl::runner::{Journal, Place, Runner};
use asl::{Kind as MachineKind, StateMachine};
use embedded::Store;
use engine::approval::{Ask, Desk, Links, Tell};
use engine::budget::Ledger;
use engine::bus::{Dispatch, Herald};
use engine::error::{Error, Kind};
use engine::goal::{Goals, Unreached};
use engine::http::Http;
use engine::notify::{Notices, Router};
use engine::reminder::{self, Reminders};
use engine::run::{
    Effects, Fire, Start, StepApprove, StepAsk, StepConverse, StepHttp, StepNotify, StepTool,
    StepWait, Timetable,
};
use engine::runtime::Runtime;
use engine::switch::Switches;
use engine::tool::{Clerk, NoErrands, Secrets, Toolbox};
use engine::turn::{
    Accept, CallTool, Carriers, Deliver, Fail, Intake, Run, Settler, Sweep, Timing,
};
use engine::view::View;
use tokio::sync::watch;

use super::{
    Changes, Here, Host, Hub, Shelf, approvals, changes, events, functions, notices, reminders,
    runs,
};

/// The turn's state machine, the same file that Step Functions runs.
const TURN: &str = include_str!("../../../../statemachines/turn.asl.json");

/// What waits for people, the same file too.
const APPROVAL: &str = include_str!("../../../../statemachines/approval.asl.json");

/// What sees notices through, the same file too.
const NOTIFY: &str = include_str!("../../../../statemachines/notify.asl.json");

/// What waits for the time of reminders, the same file too.
const REMINDER: &str = include_str!("../../../../statemachines/reminder.asl.json");

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
            let waits = Arc::new(approvals::Executions(me.clone()));
            let desk = Desk {
                runtime: runtime.clone(),
                documents: store.clone(),
                bots: shelf.clone(),
                waits: waits.clone(),
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
                unreached: Unreached {
                    goals: Goals::from(&desk),
                    transcripts: store.clone(),
                },
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
                catalogue: executions.clone(),
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
            let expressions = asl::Evaluator::shared(&runtime);
            let fire = Fire {
                catalogue: executions,
                start: start.clone(),
                expressions: expressions.clone(),
            };
            Self {
                me: me.clone(),
                workflows: runs::Shelved::default(),
                timetable: Timetable::new(start.clone(), expressions),
                start,
                herald,
                dispatch: Dispatch { fire, waits },
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
}

/// The state machine that the text of `file` defines, with what it calls filled in.
pub(super) fn parse(file: &str, text: &str, kind: MachineKind) -> Result<StateMachine, Error> {
    let invalid = |reason: String| Error::new(Kind::Internal, format!("{file}: {reason}"));
    let text = asl::substitute(text, |called| Some(functions::address(called)))
        .map_err(|error| invalid(error.to_string()))?;
    StateMachine::parse(&text, kind).map_err(|diagnostics| {
        let reasons = diagnostics.iter().map(|reason| format!("{reason:#}"));
        invalid(reasons.collect::<Vec<_>>().join("; "))
    })
}
