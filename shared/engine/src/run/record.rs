//! What is known of a run: each step's input, output, tries, cost and time, told from the events of its execution.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Begun, Cost, RunRef, Started};
use crate::error::Error;
use crate::runtime::Time;

mod reader;

use reader::Reader;

/// An event of an execution, as `GetExecutionHistory` tells it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Occurrence {
    /// AWS's name of it, such as `TaskStateEntered`.
    pub kind: String,
    /// When.
    pub at: Time,
    /// The state.
    pub name: Option<String>,
    /// What a state was entered with, or a function called with.
    pub input: Option<Value>,
    /// What it gave.
    pub output: Option<Value>,
    /// The error's name.
    pub error: Option<String>,
    /// Why.
    pub cause: Option<String>,
}

/// Tells what happened in runs.
#[async_trait]
pub trait Histories: Send + Sync {
    /// The events of a run's execution, the oldest first; none when it has none.
    ///
    /// # Errors
    /// When they could not be read.
    async fn events(&self, run: &RunRef) -> Result<Vec<Occurrence>, Error>;
}

/// A run and its steps.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RunRecord {
    /// Its id.
    pub id: String,
    /// The workflow.
    pub workflow: String,
    /// The version of it.
    pub version: String,
    /// How it stands.
    pub status: RunStatus,
    /// When it was asked for.
    pub at: Time,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
    /// What started it.
    pub trigger: Value,
    /// What it was given.
    pub inputs: Value,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Value>,
    /// The error that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What models were paid, in millionths of a dollar.
    pub micro_dollars: u64,
    /// Each time it was taken up: at first, and by every retry.
    pub attempts: Vec<AttemptRecord>,
    /// The steps that were reached, in the order they began.
    pub steps: Vec<StepRecord>,
}

/// One time that a run was taken up.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AttemptRecord {
    /// When it was taken up.
    pub at: Time,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
    /// How it stands.
    pub status: RunStatus,
    /// The error that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It waits for room.
    Queued,
    /// There was no room.
    Skipped,
    /// It is under way.
    Running,
    /// It ended as it should.
    Succeeded,
    /// A step failed and nothing caught that.
    Failed,
    /// It took too long.
    TimedOut,
    /// Somebody ended it.
    Cancelled,
}

impl RunStatus {
    /// Whether nothing comes any more, unless somebody retries it.
    #[must_use]
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Running | Self::Queued)
    }
}

/// A step of a run, for one item.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StepRecord {
    /// The step.
    pub step: String,
    /// Its place among items and rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// How it stands.
    pub status: StepStatus,
    /// How often it was tried; 0 where nothing is called.
    pub attempts: u32,
    /// When it began.
    pub at: Time,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
    /// What it was called with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// What a model was paid for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// Whether an earlier output was taken.
    pub cached: bool,
    /// The last error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It is under way.
    Running,
    /// It waits for a person.
    Waiting,
    /// It is done.
    Succeeded,
    /// It failed; the run may have gone on another way.
    Failed,
    /// It was under way when the run ended.
    Stopped,
}

impl RunRecord {
    /// What the events of a run's execution tell; none when it has none.
    #[must_use]
    pub fn new(started: Started, events: &[Occurrence]) -> Self {
        let mut reader = Reader::default();
        for event in events {
            reader.read(event);
        }
        let steps = reader.take_steps();
        let costs = steps.iter().filter_map(|step| step.cost.as_ref());
        let told: u64 = costs.map(|cost| cost.micro_dollars).sum();
        let begun = match started.state {
            Begun::Queued => RunStatus::Queued,
            Begun::Skipped => RunStatus::Skipped,
            Begun::Cancelled => RunStatus::Cancelled,
            Begun::Started => RunStatus::Running,
        };
        let last = reader.attempts.last().cloned();
        let (status, ended, error, cause) = match last {
            Some(last) => (last.status, last.ended, last.error, last.cause),
            None => (begun, None, None, None),
        };
        Self {
            id: started.run.id,
            workflow: started.run.workflow,
            version: started.version,
            status,
            at: started.at,
            ended,
            trigger: started.trigger,
            inputs: started.inputs,
            outputs: reader.outputs,
            error,
            cause,
            // What was paid for tries that failed is in no step's output.
            micro_dollars: told.max(started.micro_dollars),
            attempts: reader.attempts,
            steps,
        }
    }
}
