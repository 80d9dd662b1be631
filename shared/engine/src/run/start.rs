//! Starting runs: inputs checked, one run for one cause, no more at once than there is room for.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inputs::check_inputs;
use super::room::Place;
use super::{RunRef, RunStatus};
use crate::document::{Amendment, DocumentKey, Documents, Topic, amend, parse};
use crate::error::{Error, Kind};
use crate::runtime::{Runtime, Time};
use crate::session::hash64;
use crate::workflow::Workflow;

/// How long a run is remembered.
const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// The longest inputs with what started the run, in bytes as JSON: an execution's input is at most 256 KiB.
const MAX_START: usize = 240 * 1024;

/// Input of a workflow's machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStart {
    /// The run.
    pub run: RunRef,
    /// What started it: its `type`, and what that knows.
    pub trigger: Value,
    /// What the workflow is given.
    pub inputs: Value,
}

/// Executions of workflows' machines.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Starts an execution under the run's id, unless there is one.
    ///
    /// # Errors
    /// When it could not be started.
    async fn start(&self, start: &RunStart) -> Result<(), Error>;

    /// Ends a run that is under way; false when there is none.
    ///
    /// # Errors
    /// When it could not be told.
    async fn cancel(&self, run: &RunRef, why: &str) -> Result<bool, Error>;

    /// Lets a run that ended without success go on from the steps that did; false when it is no such run, or one of too
    /// long ago.
    ///
    /// # Errors
    /// When it could not be told.
    async fn retry(&self, run: &RunRef) -> Result<bool, Error>;

    /// How the run's execution stands.
    ///
    /// # Errors
    /// When it could not be asked.
    async fn state(&self, run: &RunRef) -> Result<RunState, Error>;
}

/// How a run's execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It was never started.
    Absent,
    /// It is under way.
    Running,
    /// It has ended.
    Ended {
        /// How.
        how: RunStatus,
        /// When.
        at: Time,
    },
}

/// Who wants a run, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Beginning {
    /// Whose it is.
    pub tenant: String,
    /// The bot.
    pub bot: String,
    /// The machine of the version that is begun, when that was published since the deployment.
    pub machine: Option<String>,
    /// What started it.
    pub trigger: Value,
    /// What the workflow is given.
    pub inputs: Value,
    /// What makes it one run however often it is asked for: an occurrence, a webhook's id.
    pub cause: Option<String>,
}

/// A run as it was begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The run.
    pub run: RunRef,
    /// What became of the wish.
    pub state: Begun,
    /// When it was asked for.
    pub at: Time,
    /// What started it.
    pub trigger: Value,
    /// What the workflow was given.
    pub inputs: Value,
    /// The version of the workflow.
    pub version: String,
    /// What models were paid until now, in millionths of a dollar.
    #[serde(default)]
    pub micro_dollars: u64,
}

/// What became of the wish for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Begun {
    /// It runs, or has run.
    Started,
    /// It waits for room.
    Queued,
    /// There was no room, and the workflow wants none then.
    Skipped,
    /// It was called off while it waited.
    Cancelled,
}

/// Starts runs.
#[derive(Clone)]
pub struct Start {
    /// Time and ids.
    pub runtime: Runtime,
    /// Keeps what was started, and who waits.
    pub documents: Arc<dyn Documents>,
    /// Runs them.
    pub runs: Arc<dyn Runs>,
}

impl Start {
    /// Begins a run of `workflow`. The same cause again gives the same run.
    ///
    /// # Errors
    /// `Invalid` when the inputs are not what the workflow takes, `InboxFull` when too many wait, and when a
    /// store failed.
    pub async fn begin(&self, workflow: &Workflow, beginning: Beginning) -> Result<Started, Error> {
        let Beginning {
            tenant,
            bot,
            machine,
            trigger,
            inputs,
            cause,
        } = beginning;
        check_inputs(workflow, &inputs)?;
        if trigger.to_string().len() + inputs.to_string().len() > MAX_START {
            let message = format!(
                "the inputs with what started the run are longer than {MAX_START} bytes; send less"
            );
            return Err(Error::new(Kind::Invalid, message));
        }
        let id = match &cause {
            Some(cause) => {
                let parts = [tenant.as_str(), &bot, &workflow.name, cause];
                format!(
                    "{:016x}{:016x}",
                    hash64(&parts),
                    hash64(&["run", &parts.join("\0")])
                )
            }
            None => self.runtime.new_id().simple().to_string(),
        };
        let run = RunRef {
            id,
            tenant,
            bot,
            workflow: workflow.name.clone(),
            parent: None,
            machine,
        };
        let now = self.runtime.now();
        let wished = Started {
            run,
            state: Begun::Queued,
            at: now,
            trigger,
            inputs,
            version: workflow.version.clone(),
            micro_dollars: 0,
        };
        // Before there is room: whoever wakes those that wait finds what they are to start.
        let (mut started, known) =
            amend(
                &*self.documents,
                &run_key(&wished.run),
                |found| match found {
                    Some(standing) => (Amendment::Keep, (standing, true)),
                    None => (save(wished.clone(), now), (wished.clone(), false)),
                },
            )
            .await?;
        if known && started.state != Begun::Queued {
            return Ok(started);
        }
        self.list(&started, KEPT).await?;
        let place = self.enter(workflow, &started.run).await?;
        started.state = match place {
            Place::None => Begun::Skipped,
            Place::Behind => return Ok(started),
            Place::Taken => Begun::Started,
            Place::InsteadOf(oldest) => {
                if let Some(other) = self.read(&started.run.tenant, &oldest).await? {
                    let why = "a newer run took its place";
                    self.runs.cancel(&other.run, why).await?;
                }
                Begun::Started
            }
        };
        if started.state == Begun::Started {
            self.launch(&started).await?;
        }
        self.mark(&started.run, started.state).await?;
        Ok(started)
    }

    pub(super) async fn launch(&self, started: &Started) -> Result<(), Error> {
        let Started {
            run,
            trigger,
            inputs,
            ..
        } = started.clone();
        self.runs
            .start(&RunStart {
                run,
                trigger,
                inputs,
            })
            .await
    }

    /// Ends a run, or calls it off while it waits; false when it has ended.
    ///
    /// # Errors
    /// `NotFound` when there is none, and when a store failed.
    pub async fn cancel(&self, tenant: &str, id: &str, why: &str) -> Result<bool, Error> {
        let found = self.find(tenant, id).await?;
        match found.state {
            Begun::Queued => {
                self.mark(&found.run, Begun::Cancelled).await?;
                Ok(true)
            }
            Begun::Started => self.runs.cancel(&found.run, why).await,
            Begun::Skipped | Begun::Cancelled => Ok(false),
        }
    }

    /// What was begun under `id`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and when the store failed.
    pub async fn find(&self, tenant: &str, id: &str) -> Result<Started, Error> {
        let found = self.read(tenant, id).await?;
        found.ok_or_else(|| Error::new(Kind::NotFound, format!("there is no run {id}")))
    }

    pub(super) async fn read(&self, tenant: &str, id: &str) -> Result<Option<Started>, Error> {
        let key = DocumentKey::new(tenant, Topic::Run, id);
        let found = self.documents.read(&key).await?;
        found.map(|found| parse(found.body)).transpose()
    }

    pub(super) async fn mark(&self, run: &RunRef, state: Begun) -> Result<(), Error> {
        let now = self.runtime.now();
        amend(
            &*self.documents,
            &run_key(run),
            |found: Option<Started>| match found {
                Some(standing) if standing.state == Begun::Queued && state != Begun::Queued => {
                    (save(Started { state, ..standing }, now), ())
                }
                _ => (Amendment::Keep, ()),
            },
        )
        .await
    }
}

/// Adds what a model was paid to what `run` has cost.
///
/// # Errors
/// When the store failed.
pub(super) async fn spend(
    documents: &dyn Documents,
    run: &RunRef,
    micro_dollars: u64,
    now: Time,
) -> Result<(), Error> {
    amend(
        documents,
        &run_key(run),
        |found: Option<Started>| match found {
            Some(mut standing) => {
                standing.micro_dollars = standing.micro_dollars.saturating_add(micro_dollars);
                (save(standing, now), ())
            }
            None => (Amendment::Keep, ()),
        },
    )
    .await
}

fn save(started: Started, now: Time) -> Amendment<Started> {
    Amendment::Save {
        body: started,
        expires: Some(now.plus(KEPT)),
    }
}

fn run_key(run: &RunRef) -> DocumentKey {
    DocumentKey::new(&run.tenant, Topic::Run, run.id.clone())
}
