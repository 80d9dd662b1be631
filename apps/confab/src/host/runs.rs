//! What runs of workflows need of this host: their machines, executions of them, and what is known of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, Weak};
use std::time::Duration;

use asl::runner::{ExecutionId, RedriveError, Runner, StartError};
use asl::{HistoryEvent, Kind as MachineKind, Outcome, StateMachine};
use async_trait::async_trait;
use engine::bot::Problem;
use engine::error::{Error, Kind};
use engine::run::record::Occurrence;
use engine::run::{
    Beginning, Catalogue, Histories, Offer, RunRecord, RunRef, RunStart, RunState, RunStatus, Runs,
    Started, Values,
};
use engine::runtime::Runtime;
use engine::workflow::{Library, Workflow};
use serde_json::{Value, json};

use super::Host;
use crate::assemble::LOCAL_TENANT;

/// How often schedules are looked at although nothing is due: workflows may have been replaced.
const LOOK: Duration = Duration::from_secs(1);

/// The workflows of the running version, by name.
#[derive(Default)]
pub(super) struct Shelved(RwLock<Offered>);

#[derive(Default)]
struct Offered {
    workflows: BTreeMap<String, Arc<Workflow>>,
    /// The events that they wait for: every turn asks.
    events: BTreeSet<String>,
}

impl Shelved {
    pub(super) fn get(&self, name: &str) -> Option<Arc<Workflow>> {
        self.read().workflows.get(name).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Workflow>> {
        self.read().workflows.values().cloned().collect()
    }

    /// Whether one of them waits for events called `name`.
    pub(super) fn waits_for(&self, name: &str) -> bool {
        self.read().events.contains(name)
    }

    fn read(&self) -> RwLockReadGuard<'_, Offered> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts workflows in place of those before; runs keep the machines they began with.
    ///
    /// # Errors
    /// When a machine is not valid, which the compiler should have told.
    pub(super) fn replace(&self, runner: &Runner, library: &Library) -> Result<(), Error> {
        for (name, definition) in &library.definitions {
            runner.register(&machine_name(name), Arc::new(machine(name, definition)?));
        }
        let workflows = library.workflows.iter();
        let events = library.workflows.values().flat_map(Workflow::events);
        let offered = Offered {
            workflows: workflows
                .map(|(name, workflow)| (name.clone(), Arc::new(workflow.clone())))
                .collect(),
            events: events.map(str::to_owned).collect(),
        };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = offered;
        Ok(())
    }
}

/// The state machine that a workflow is compiled to, on this machine.
///
/// # Errors
/// When it is not valid, which the compiler should have told.
pub fn machine(name: &str, definition: &Value) -> Result<StateMachine, Error> {
    let file = format!("workflows/{name}.yaml");
    super::wiring::parse(&file, &definition.to_string(), MachineKind::Standard)
}

/// Mistakes of machines that the compiler let pass; there should be none.
#[must_use]
pub fn machine_problems(library: &Library) -> Vec<Problem> {
    let machines = library
        .definitions
        .iter()
        .map(|(name, definition)| machine(name, definition));
    machines
        .filter_map(Result::err)
        .map(|error| {
            Problem::new("workflows", error.to_string()).hint("report this as a bug of Confab")
        })
        .collect()
}

fn machine_name(workflow: &str) -> String {
    format!("workflow-{workflow}")
}

fn execution(run: &RunRef) -> ExecutionId {
    let machine = machine_name(&run.workflow);
    ExecutionId::new(&format!(
        "arn:aws:states:local:000000000000:execution:{machine}:{}",
        run.id
    ))
}

/// The executions of this process.
pub(super) struct Executions(pub(super) Weak<Host>);

impl Executions {
    fn host(&self) -> Result<Arc<Host>, Error> {
        self.0
            .upgrade()
            .ok_or_else(|| Error::new(Kind::Unavailable, "this host is stopping"))
    }
}

fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Kind::Unavailable, "the executions cannot be read").because(error)
}

#[async_trait]
impl Runs for Executions {
    async fn start(&self, start: &RunStart) -> Result<(), Error> {
        let host = self.host()?;
        let machine = machine_name(&start.run.workflow);
        let started = host
            .runner
            .start(&machine, Some(&start.run.id), json!(start))
            .await;
        match started {
            Ok(_) | Err(StartError::ExecutionAlreadyExists(_)) => {}
            Err(error @ StartError::InputTooLarge) => {
                return Err(Error::new(Kind::Invalid, error.to_string()));
            }
            Err(error) => {
                return Err(
                    Error::new(Kind::Unavailable, "the run could not be started").because(error),
                );
            }
        }
        host.watch(start.run.clone());
        Ok(())
    }

    async fn cancel(&self, run: &RunRef, why: &str) -> Result<bool, Error> {
        let host = self.host()?;
        Ok(host
            .runner
            .stop(&execution(run), Some("Cancelled"), Some(why))
            .await)
    }

    async fn retry(&self, run: &RunRef) -> Result<bool, Error> {
        let host = self.host()?;
        match host.runner.redrive(&execution(run)).await {
            Ok(()) => host.watch(run.clone()),
            Err(RedriveError::NotRedrivable(_) | RedriveError::DoesNotExist(_)) => {
                return Ok(false);
            }
            Err(error) => {
                return Err(
                    Error::new(Kind::Unavailable, "the run could not be retried").because(error),
                );
            }
        }
        Ok(true)
    }

    async fn state(&self, run: &RunRef) -> Result<RunState, Error> {
        let described = self
            .host()?
            .runner
            .describe(&execution(run))
            .await
            .map_err(unreadable)?;
        let Some(description) = described else {
            return Ok(RunState::Absent);
        };
        let how = match description.outcome {
            None => return Ok(RunState::Running),
            Some(Outcome::Succeeded(_)) => RunStatus::Succeeded,
            Some(Outcome::Failed(_)) => RunStatus::Failed,
            Some(Outcome::TimedOut(_)) => RunStatus::TimedOut,
            Some(Outcome::Aborted(_)) => RunStatus::Cancelled,
        };
        let at = description.stopped.unwrap_or(description.started);
        Ok(RunState::Ended { how, at })
    }
}

#[async_trait]
impl Catalogue for Executions {
    async fn offers(&self, tenant: &str) -> Result<Vec<Offer>, Error> {
        let host = self.host()?;
        if !host.shelf.has_tenant(tenant) {
            return Ok(Vec::new());
        }
        let bot = &host.shelf.current().bot.name;
        let workflows = host.workflows().into_iter();
        let offer = |workflow| Offer {
            bot: bot.clone(),
            workflow,
            machine: None,
        };
        Ok(workflows.map(offer).collect())
    }
}

#[async_trait]
impl Histories for Executions {
    async fn events(&self, run: &RunRef) -> Result<Vec<Occurrence>, Error> {
        let events = self.host()?.runner.history(&execution(run)).await;
        Ok(events
            .map_err(unreadable)?
            .into_iter()
            .map(occurrence)
            .collect())
    }
}

impl Host {
    /// The workflows of the running version.
    #[must_use]
    pub fn workflows(&self) -> Vec<Arc<Workflow>> {
        self.workflows.all()
    }

    /// Puts workflows in place of those before; runs keep what they began with.
    ///
    /// # Errors
    /// When one of them is not valid.
    pub fn shelve(&self, library: &Library) -> Result<(), Error> {
        self.workflows.replace(&self.runner, library)
    }

    /// Begins a run of a workflow. The same cause again gives the same run.
    ///
    /// # Errors
    /// `NotFound` when there is no such workflow, and what [`engine::run::Start::begin`] says.
    pub async fn begin(&self, workflow: &str, beginning: Beginning) -> Result<Started, Error> {
        let Some(found) = self.workflows.get(workflow) else {
            return Err(Error::new(
                Kind::NotFound,
                format!("there is no workflow {workflow}"),
            ));
        };
        self.start.begin(&found, beginning).await
    }

    /// Begins, ends and finds runs.
    #[must_use]
    pub fn runs(&self) -> &engine::run::Start {
        &self.start
    }

    /// Finds workflows of the running version.
    #[must_use]
    pub fn catalogue(&self) -> Arc<dyn Catalogue> {
        Arc::new(Executions(self.me.clone()))
    }

    /// Tells what happened in runs.
    #[must_use]
    pub fn histories(&self) -> Arc<dyn Histories> {
        Arc::new(Executions(self.me.clone()))
    }

    /// What runs kept.
    #[must_use]
    pub fn values(&self) -> Values {
        Values {
            runtime: self.runtime().clone(),
            results: self.store().clone(),
        }
    }

    /// What is known of a run.
    ///
    /// # Errors
    /// `NotFound` when there is none, and when a store failed.
    pub async fn run_record(&self, tenant: &str, id: &str) -> Result<RunRecord, Error> {
        let started = self.start.find(tenant, id).await?;
        let events = self.histories().events(&started.run).await?;
        Ok(RunRecord::new(started, &events))
    }

    /// Waits until a run's execution has ended; at once when it has none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn run_ended(&self, run: &RunRef) -> Result<(), Error> {
        self.runner
            .outcome(&execution(run))
            .await
            .map(drop)
            .map_err(unreadable)
    }

    /// Makes room for the next run when this one ends.
    fn watch(&self, run: RunRef) {
        let host = self.me.clone();
        self.runtime.spawn(async move {
            let Some(runner) = host.upgrade().map(|host| host.runner.clone()) else {
                return;
            };
            let ended = runner.outcome(&execution(&run)).await;
            let Some(host) = host.upgrade() else { return };
            let told = match ended {
                Ok(_) => host.start.ended(&run).await,
                Err(error) => Err(unreadable(error)),
            };
            if let Err(error) = told {
                tracing::error!(run = run.id, error = %error.chain(), "the next run could not be started");
            }
        });
    }

    /// Looks after runs that wait for room, after a restart.
    pub(super) async fn wake_runs(&self) -> Result<(), Error> {
        let bot = self.shelf.current().bot;
        for workflow in self
            .workflows
            .all()
            .iter()
            .filter(|workflow| workflow.concurrency.is_some())
        {
            for tenant in self.shelf.tenants() {
                let none = RunRef {
                    id: String::new(),
                    tenant: tenant.clone(),
                    bot: bot.name.clone(),
                    workflow: workflow.name.clone(),
                    parent: None,
                    machine: None,
                };
                for run in self.start.sweep(&none).await? {
                    self.watch(run);
                }
            }
        }
        Ok(())
    }
}

/// Starts runs when they are due, for as long as the host is there.
pub(super) async fn keep_time(host: Weak<Host>, runtime: Runtime) {
    loop {
        let Some(host) = host.upgrade() else { return };
        let bot = host.shelf.current().bot;
        let due = host
            .timetable
            .tick((LOCAL_TENANT, &bot.name), &host.workflows.all())
            .await;
        drop(host);
        let pause = match due {
            Ok(Some(next)) => next.since(runtime.now()).min(LOOK),
            Ok(None) => LOOK,
            Err(error) => {
                tracing::error!(error = %error.chain(), "what is due could not be started");
                LOOK
            }
        };
        runtime
            .clock
            .sleep(pause.max(Duration::from_millis(1)))
            .await;
    }
}

/// An event as run records read it.
#[must_use]
pub fn occurrence(event: HistoryEvent) -> Occurrence {
    let own = |value: Arc<Value>| Arc::unwrap_or_clone(value);
    Occurrence {
        kind: event.event.name().to_owned(),
        at: event.timestamp,
        name: event.details.name.map(|name| name.to_string()),
        input: event.details.input.map(own),
        output: event.details.output.map(own),
        error: event.details.error,
        cause: event.details.cause,
    }
}
