//! The local host: the engine's functions, the state machine that orders them, and the stores under them.
//!
//! A message flows `intake` -> `accept` -> `start` -> `statemachines/turn.asl.json` -> the functions of
//! [`engine::turn`]. Everything it runs on is passed in as a [`Ground`], so a whole host runs on one thread
//! from a seed.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use asl::Outcome;
use asl::runner::Runner;
use async_trait::async_trait;
use embedded::Store;
use engine::approval::Desk;
use engine::attend::Attend;
use engine::bus::{Dispatch, Herald};
use engine::error::{Error, Kind};
use engine::goal::{Goals, Unreached};
use engine::reminder::Reminders;
use engine::run::{Start, Timetable};
use engine::runtime::Runtime;
use engine::session::{Hold, SessionKey};
use engine::switch::Switches;
use engine::tool::Secrets;
use engine::turn::{Intake, Redrive, Sweep, Timing, TurnStart, Turns};
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
mod wiring;

pub use changes::Changes;
pub use functions::FUNCTIONS;
pub use hub::{Hub, Watch};
pub use runs::{machine, machine_problems, occurrence};
pub use shelf::Shelf;
pub use wiring::Ground;

/// The most holds one sweep takes over.
const SWEEP: usize = 1000;

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

    /// Ends goals that nobody heard of.
    #[must_use]
    pub fn unreached(&self) -> Unreached {
        Unreached {
            goals: Goals::from(&self.desk),
            transcripts: self.store.clone(),
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
