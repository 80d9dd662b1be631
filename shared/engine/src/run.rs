//! Runs of workflows: what starts one, what its steps do, what is known of it.
//!
//! ```text
//! CLI, HTTP, schedule, event, webhook, a bot ──> Start: inputs checked, room made ──> one Standard execution
//!                                                                                         │ every step
//!   step-tool · step-ask · step-converse · step-http · step-notify · step-approve  <─────┘
//! ```
//!
//! A run is a place of its own among the sessions: what its steps do is claimed, recorded and listed under
//! `<tenant>/<bot>/run:<workflow>.<id>`, so that approvals, unknown effects and idempotency keys are what they are in
//! conversations. The intent of a step is its name and its item, never the try: a finished step is not run again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Kind};
use crate::session::SessionKey;

mod approve;
mod ask;
mod cache;
mod catalogue;
mod converse;
mod effect;
mod fire;
mod inputs;
mod latest;
mod notify;
mod publish;
mod published;
pub mod record;
mod request;
mod retry;
mod room;
mod start;
mod summary;
mod timetable;
mod tool;
mod values;
mod wait;

#[cfg(test)]
mod tests;

pub use approve::StepApprove;
pub use ask::{ANSWER, StepAsk};
pub use catalogue::{Catalogue, Offer};
pub use converse::{ConverseInput, StepConverse, With};
pub use effect::Effects;
pub use fire::{Fire, FiredBy, Firing};
pub use inputs::check_inputs;
pub use notify::{NotifyInput, StepNotify};
pub use publish::{Children, Machines, Publication, Publisher};
pub use published::{Published, Release};
pub use record::{AttemptRecord, Histories, RunRecord, RunStatus, StepRecord, StepStatus};
pub use request::StepHttp;
pub use start::{Beginning, Begun, RunStart, RunState, Runs, Start, Started};
pub use summary::RunSummary;
pub use timetable::Timetable;
pub use tool::StepTool;
pub use values::{MAX_VALUE, Values};
pub use wait::{StepWait, WaitInput, Waiting};

/// Names a run, in every step's input as `$run`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRef {
    /// Its id, also its execution's name.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// The bot whose tools it uses.
    pub bot: String,
    /// The workflow.
    pub workflow: String,
    /// The run that started it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The machine of its version, when that was published since the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
}

/// One step of one run, and which item of a list it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The run.
    pub run: RunRef,
    /// The step.
    pub step: String,
    /// Its place among items and rounds, such as `2.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// What a step gives back to its machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepOutput {
    /// What expressions read as `$steps.<name>`.
    pub output: Value,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// Whether an earlier run's output was taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// The item that it is for, so that histories tell items apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// What models were paid for a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// The model that answered.
    pub model: String,
    /// Tokens read and written.
    pub tokens: u64,
    /// Money, in millionths of a dollar.
    pub micro_dollars: u64,
}

impl RunRef {
    /// The run's place among the sessions.
    ///
    /// # Errors
    /// `Invalid` when the run is named as none can be.
    pub fn place(&self) -> Result<SessionKey, Error> {
        let place = SessionKey::of_run(&self.tenant, &self.bot, &self.workflow, &self.id);
        place.map_err(|bad| Error::new(Kind::Invalid, format!("there is no such run: {bad}")))
    }
}

impl Site {
    /// The key under which the step's effect happens at most once in its run.
    #[must_use]
    pub fn intent(&self) -> String {
        match &self.item {
            Some(item) => format!("{}.{item}", self.step),
            None => self.step.clone(),
        }
    }
}

impl StepOutput {
    /// An output that cost nothing.
    pub(crate) fn new(output: Value) -> Self {
        Self {
            output,
            cost: None,
            cached: false,
            item: None,
        }
    }
}
