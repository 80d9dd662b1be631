//! What is known of a run: each step's input, output, tries, cost and time, told from the events of its execution.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Begun, Cost, RunRef, Started};
use crate::error::Error;
use crate::runtime::Time;

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

type Key = (String, Option<String>);

/// Reads events in order.
#[derive(Default)]
struct Reader {
    steps: BTreeMap<Key, StepRecord>,
    order: Vec<Key>,
    /// Calls that have not been answered, the oldest first.
    open: Vec<Key>,
    attempts: Vec<AttemptRecord>,
    outputs: Option<Value>,
}

impl RunRecord {
    /// What the events of a run's execution tell; none when it has none.
    #[must_use]
    pub fn new(started: Started, events: &[Occurrence]) -> Self {
        let mut reader = Reader::default();
        for event in events {
            reader.read(event);
        }
        let Reader {
            mut steps,
            order,
            attempts,
            outputs,
            ..
        } = reader;
        let steps: Vec<StepRecord> = order.iter().filter_map(|key| steps.remove(key)).collect();
        let costs = steps.iter().filter_map(|step| step.cost.as_ref());
        let told: u64 = costs.map(|cost| cost.micro_dollars).sum();
        let begun = match started.state {
            Begun::Queued => RunStatus::Queued,
            Begun::Skipped => RunStatus::Skipped,
            Begun::Cancelled => RunStatus::Cancelled,
            Begun::Started => RunStatus::Running,
        };
        let last = attempts.last().cloned();
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
            outputs,
            error,
            cause,
            // What was paid for tries that failed is in no step's output.
            micro_dollars: told.max(started.micro_dollars),
            attempts,
            steps,
        }
    }
}

impl AttemptRecord {
    fn begun(at: Time) -> Self {
        Self {
            at,
            ended: None,
            status: RunStatus::Running,
            error: None,
            cause: None,
        }
    }
}

impl Reader {
    fn read(&mut self, event: &Occurrence) {
        let end = match event.kind.as_str() {
            "ExecutionSucceeded" => Some(RunStatus::Succeeded),
            "ExecutionFailed" => Some(RunStatus::Failed),
            "ExecutionTimedOut" => Some(RunStatus::TimedOut),
            "ExecutionAborted" => Some(RunStatus::Cancelled),
            _ => None,
        };
        if let Some(end) = end {
            let attempt = self.attempt(event.at);
            attempt.status = end;
            attempt.ended = Some(event.at);
            attempt.error.clone_from(&event.error);
            attempt.cause = why(event);
            self.outputs.clone_from(&event.output);
            for step in self.steps.values_mut() {
                if matches!(step.status, StepStatus::Running | StepStatus::Waiting) {
                    step.status = StepStatus::Stopped;
                    step.ended = Some(event.at);
                }
            }
            return;
        }
        match event.kind.as_str() {
            "ExecutionStarted" => drop(self.attempt(event.at)),
            "ExecutionRedriven" => {
                self.attempts.push(AttemptRecord::begun(event.at));
                // They were broken off, and are made again.
                self.open.clear();
            }
            "LambdaFunctionScheduled" | "TaskScheduled" => self.called(event),
            "LambdaFunctionFailed" | "LambdaFunctionTimedOut" | "TaskFailed" | "TaskTimedOut" => {
                self.failed(event)
            }
            kind => match (
                &event.name,
                kind.ends_with("StateEntered"),
                kind.ends_with("StateExited"),
            ) {
                (Some(name), true, _) if is_step(name) => self.entered(name, event),
                (Some(name), _, true) if is_step(name) => self.exited(name, event),
                (Some(name), _, true) => {
                    if let Some(step) = name.strip_suffix(".over") {
                        self.exited(step, event);
                    }
                }
                _ => {}
            },
        }
    }

    fn attempt(&mut self, at: Time) -> &mut AttemptRecord {
        if self.attempts.is_empty() {
            self.attempts.push(AttemptRecord::begun(at));
        }
        let last = self.attempts.len() - 1;
        &mut self.attempts[last]
    }

    fn step(&mut self, key: Key, at: Time) -> &mut StepRecord {
        if !self.steps.contains_key(&key) {
            self.order.push(key.clone());
        }
        let (step, item) = key.clone();
        self.steps.entry(key).or_insert(StepRecord {
            step,
            item,
            status: StepStatus::Running,
            attempts: 0,
            at,
            ended: None,
            input: None,
            output: None,
            cost: None,
            cached: false,
            error: None,
            cause: None,
        })
    }

    fn entered(&mut self, name: &str, event: &Occurrence) {
        // What calls something is known by its call, which names the item too.
        if event.kind != "TaskStateEntered" {
            let record = self.step((name.to_owned(), None), event.at);
            // What ends a run as failed is never left.
            (record.status, record.ended) = match event.kind.as_str() {
                "FailStateEntered" => (StepStatus::Failed, Some(event.at)),
                _ => (StepStatus::Running, None),
            };
        }
    }

    fn called(&mut self, event: &Occurrence) {
        let Some(input) = &event.input else { return };
        let payload = input.get("Payload").unwrap_or(input);
        let Some(step) = payload["step"].as_str() else {
            return;
        };
        let waits = payload.get("token").is_some();
        let item = payload["item"].as_str().map(str::to_owned);
        let key = (step.to_owned(), item);
        let given = ["with", "prompt", "url", "text", "question"]
            .into_iter()
            .find_map(|name| payload.get(name));
        let given = given.cloned();
        let record = self.step(key.clone(), event.at);
        // What only asks before a call, or after a conversation, is no try.
        let tries = match waits {
            true => payload.get("tool").is_none(),
            false => payload.get("goal").is_none(),
        };
        record.attempts += u32::from(tries);
        record.input = given.or(record.input.take());
        record.status = if waits {
            StepStatus::Waiting
        } else {
            StepStatus::Running
        };
        self.open.push(key);
    }

    fn failed(&mut self, event: &Occurrence) {
        if self.open.is_empty() {
            return;
        }
        let key = self.open.remove(0);
        let record = self.step(key, event.at);
        record.status = StepStatus::Failed;
        record.ended = Some(event.at);
        record.error.clone_from(&event.error);
        record.cause = why(event);
    }

    fn exited(&mut self, name: &str, event: &Occurrence) {
        let output = event.output.as_ref();
        let item = output
            .and_then(|output| output["item"].as_str())
            .map(str::to_owned);
        let calls = event.kind == "TaskStateExited";
        let key = match self
            .open
            .iter()
            .position(|(step, at)| calls && step == name && *at == item)
        {
            Some(at) => self.open.remove(at),
            None => (name.to_owned(), None),
        };
        if calls
            && self
                .steps
                .get(&key)
                .is_some_and(|step| step.status == StepStatus::Failed)
        {
            // It left by its catch.
            return;
        }
        let of_items = |(step, item): &Key| step == name && item.is_some();
        if calls && !self.steps.contains_key(&key) && self.steps.keys().any(of_items) {
            // So did an item, which is not named there.
            return;
        }
        let record = self.step(key, event.at);
        record.status = StepStatus::Succeeded;
        record.ended = Some(event.at);
        record.error = None;
        record.cause = None;
        if let Some(output) = output.filter(|_| calls) {
            record.output = output.get("output").cloned();
            record.cost = output
                .get("cost")
                .and_then(|cost| serde_json::from_value(cost.clone()).ok());
            record.cached = output["cached"] == true;
        }
    }
}

/// Why something failed: what a function said, without the report that it stands in.
fn why(event: &Occurrence) -> Option<String> {
    let cause = event.cause.as_ref()?;
    let report: Option<Value> = serde_json::from_str(cause).ok();
    let said = report
        .as_ref()
        .and_then(|report| report["errorMessage"].as_str());
    Some(said.unwrap_or(cause).to_owned())
}

/// Whether a state is a step, and not one that goes with it.
fn is_step(name: &str) -> bool {
    !name.contains(['.', ' ']) && !matches!(name, "start" | "outputs")
}
