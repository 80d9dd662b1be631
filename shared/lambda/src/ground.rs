//! What a function runs on: logs, time, and the services its environment names.
//!
//! Each variable is read once, while the function starts; one that is missing names itself and fails the
//! start.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use aws::{
    ApprovalMachine, Cloud, EventBus, NoticeMachine, Parked, PublishedMachines, ReminderMachine,
    Sockets, Store, TurnMachine, Unset, Vault, WorkflowMachines,
};
use engine::error::Error;
use engine::run::{Published, Values};
use engine::runtime::Runtime;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::{Accesses, Shelf, Workflows};

/// Time, randomness and the way to the services.
pub struct Ground {
    /// Time, randomness, tasks.
    pub runtime: Runtime,
    cloud: Cloud,
}

/// Why a function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// A variable of the environment is missing.
    #[error(transparent)]
    Unset(#[from] Unset),
    /// Something else.
    #[error("{0}")]
    Failed(#[from] Error),
}

/// The variable `name`, unless it is empty.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn needed(name: &'static str) -> Result<String, Unset> {
    variable(name).ok_or(Unset(name))
}

impl Ground {
    /// Starts logging (`RUST_LOG` is a level, `warn` without it), finds the services and opens the
    /// connection that every function needs first: a start has a whole processor, the requests after it
    /// only a share.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub async fn open() -> Result<Self, Unset> {
        let level: Option<LevelFilter> = variable("RUST_LOG").and_then(|level| level.parse().ok());
        let lines = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false);
        // Failures are logged once, by us; the runtime would say each again.
        let wanted = Targets::new()
            .with_default(level.unwrap_or(LevelFilter::WARN))
            .with_target("lambda_runtime", LevelFilter::OFF)
            // Its lines may quote a conversation.
            .with_target("genai", LevelFilter::OFF);
        tracing_subscriber::registry()
            .with(lines.with_filter(wanted))
            .init();
        let cloud = Cloud::from_lookup(variable)?;
        cloud.connect().await;
        Ok(Self {
            runtime: ::ground::tokio_runtime(),
            cloud,
        })
    }

    /// The table `CONFAB_TABLE` with long bodies in the bucket `CONFAB_BUCKET`.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn store(&self) -> Result<Store, Unset> {
        let bodies = self.cloud.bodies(&needed("CONFAB_BUCKET")?);
        let table = needed("CONFAB_TABLE")?;
        let client = self.cloud.dynamodb();
        Ok(Store::new(client, table, bodies, self.runtime.clone()))
    }

    /// The queue `CONFAB_PARKED_QUEUE`.
    ///
    /// # Errors
    /// Names the variable when it is missing.
    pub fn parked(&self) -> Result<Parked, Unset> {
        Ok(self.cloud.parked(needed("CONFAB_PARKED_QUEUE")?))
    }

    /// The state machine `CONFAB_TURN_MACHINE`.
    ///
    /// # Errors
    /// Names the variable when it is missing.
    pub fn turns(&self) -> Result<Arc<TurnMachine>, Unset> {
        let machine = needed("CONFAB_TURN_MACHINE")?;
        Ok(Arc::new(self.cloud.turns(machine)))
    }

    /// The executions that wait for people, to be answered.
    #[must_use]
    pub fn answers(&self) -> Arc<ApprovalMachine> {
        Arc::new(self.cloud.approvals(None))
    }

    /// The state machine `CONFAB_APPROVAL_MACHINE`.
    ///
    /// # Errors
    /// Names the variable when it is missing.
    pub fn questions(&self) -> Result<Arc<ApprovalMachine>, Unset> {
        let machine = needed("CONFAB_APPROVAL_MACHINE")?;
        Ok(Arc::new(self.cloud.approvals(Some(machine))))
    }

    /// The state machine `CONFAB_NOTICE_MACHINE`.
    ///
    /// # Errors
    /// Names the variable when it is missing.
    pub fn escalations(&self) -> Result<Arc<NoticeMachine>, Unset> {
        let machine = needed("CONFAB_NOTICE_MACHINE")?;
        Ok(Arc::new(self.cloud.notices(machine)))
    }

    /// The state machine `CONFAB_REMINDER_MACHINE`.
    ///
    /// # Errors
    /// Names the variable when it is missing.
    pub fn alarms(&self) -> Result<Arc<ReminderMachine>, Unset> {
        let machine = needed("CONFAB_REMINDER_MACHINE")?;
        Ok(Arc::new(self.cloud.reminders(machine)))
    }

    /// The state machines of workflows, whose ARNs begin with `CONFAB_WORKFLOW_MACHINES`.
    ///
    /// # Errors
    /// Names the variable when it is missing.
    pub fn workflow_machines(&self) -> Result<Arc<WorkflowMachines>, Unset> {
        let prefix = needed("CONFAB_WORKFLOW_MACHINES")?;
        Ok(Arc::new(self.cloud.workflows(prefix)))
    }

    /// The bus `CONFAB_EVENT_BUS`, which is told of [the events wanted](Self::events_wanted).
    ///
    /// # Errors
    /// Names the variable when it is missing.
    pub fn bus(&self) -> Result<Arc<EventBus>, Unset> {
        let bus = self
            .cloud
            .events(needed("CONFAB_EVENT_BUS")?, self.events_wanted());
        Ok(Arc::new(bus))
    }

    /// The events that workflows wait for, as `CONFAB_EVENTS_WANTED` names them, with spaces between.
    #[must_use]
    pub fn events_wanted(&self) -> BTreeSet<String> {
        let wanted = variable("CONFAB_EVENTS_WANTED").unwrap_or_default();
        wanted.split_whitespace().map(str::to_owned).collect()
    }

    /// The connections behind `CONFAB_SOCKETS`.
    ///
    /// # Errors
    /// Names the variable when it is missing.
    pub fn sockets(&self) -> Result<Arc<Sockets>, Unset> {
        let client = self.cloud.sockets(&needed("CONFAB_SOCKETS")?);
        Ok(Arc::new(Sockets::new(client, &self.runtime)))
    }

    /// The secrets of tools, carriers and models in `CONFAB_SECRETS_SECRET`.
    ///
    /// # Errors
    /// Names the variable when it is missing.
    pub fn secrets(&self) -> Result<Arc<Vault>, Unset> {
        self.vault("CONFAB_SECRETS_SECRET")
    }

    /// Who may do what, by the keys in `CONFAB_ACCESS_SECRET`.
    ///
    /// # Errors
    /// Names the variable when it is missing.
    pub fn accesses(&self) -> Result<Accesses, Unset> {
        let vault = self.vault("CONFAB_ACCESS_SECRET")?;
        Ok(Accesses::new(vault, self.runtime.clone()))
    }

    fn vault(&self, variable: &'static str) -> Result<Arc<Vault>, Unset> {
        let vault = self.cloud.vault(needed(variable)?, self.runtime.clone());
        Ok(Arc::new(vault))
    }

    /// The bots beside the code, in `CONFAB_BOTS` or `$LAMBDA_TASK_ROOT/bots`.
    ///
    /// # Errors
    /// Says which bot is wrong.
    pub fn shelf(&self) -> Result<Arc<Shelf>, NotReady> {
        Ok(Arc::new(Shelf::load(&bots()?)?))
    }

    /// The workflows of the bots beside the code, and what was published since.
    ///
    /// # Errors
    /// Names the variable that is missing, or the workflow that is wrong.
    pub fn workflows(&self, store: &Arc<Store>) -> Result<Arc<Published>, NotReady> {
        let deployed = Arc::new(Workflows::load(&bots()?)?);
        Ok(Arc::new(Published::new(deployed, store.clone())))
    }

    /// What runs kept.
    #[must_use]
    pub fn values(&self, store: &Arc<Store>) -> Values {
        Values {
            runtime: self.runtime.clone(),
            results: store.clone(),
        }
    }

    /// Makes machines of what is published, beside those whose ARNs begin with `CONFAB_WORKFLOW_MACHINES`, under the
    /// role `CONFAB_WORKFLOW_ROLE`; they call functions whose ARNs begin with `CONFAB_FUNCTIONS`, and log to
    /// `CONFAB_WORKFLOW_LOGS`.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub fn published_machines(&self) -> Result<Arc<PublishedMachines>, Unset> {
        Ok(Arc::new(PublishedMachines {
            machines: WorkflowMachines::clone(&*self.workflow_machines()?),
            functions: needed("CONFAB_FUNCTIONS")?,
            role: needed("CONFAB_WORKFLOW_ROLE")?,
            logs: needed("CONFAB_WORKFLOW_LOGS")?,
        }))
    }
}

fn bots() -> Result<PathBuf, Unset> {
    Ok(match variable("CONFAB_BOTS") {
        Some(bots) => PathBuf::from(bots),
        None => PathBuf::from(needed("LAMBDA_TASK_ROOT")?).join("bots"),
    })
}
