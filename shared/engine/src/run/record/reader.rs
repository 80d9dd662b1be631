//! Reads the events of an execution into the record of a run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{AttemptRecord, Occurrence, RunStatus, StepRecord, StepStatus};
use crate::runtime::Time;
use crate::workflow::said;

type Key = (String, Option<String>);

/// Reads events in order.
#[derive(Default)]
pub(super) struct Reader {
    steps: BTreeMap<Key, StepRecord>,
    order: Vec<Key>,
    /// Calls that have not been answered, the oldest first.
    open: Vec<Key>,
    pub(super) attempts: Vec<AttemptRecord>,
    pub(super) outputs: Option<Value>,
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

impl StepRecord {
    fn fail(&mut self, event: &Occurrence) {
        self.status = StepStatus::Failed;
        self.ended = Some(event.at);
        self.error.clone_from(&event.error);
        self.cause = why(event);
    }
}

impl Reader {
    /// The steps in the order they began.
    pub(super) fn take_steps(&mut self) -> Vec<StepRecord> {
        let order = std::mem::take(&mut self.order);
        order
            .iter()
            .filter_map(|key| self.steps.remove(key))
            .collect()
    }

    pub(super) fn read(&mut self, event: &Occurrence) {
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
            "EvaluationFailed" => self.not_evaluated(event),
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
        self.step(key, event.at).fail(event);
    }

    /// An expression of a state failed: before it called anything, or after it was answered.
    fn not_evaluated(&mut self, event: &Occurrence) {
        let Some(name) = event.name.as_deref().filter(|name| is_step(name)) else {
            return;
        };
        let open = self.open.iter().position(|(step, _)| step == name);
        let key = open.map_or_else(|| (name.to_owned(), None), |at| self.open.remove(at));
        self.step(key, event.at).fail(event);
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

/// Why something failed: what a function said, without the report that it stands in; and what steps gave is called as
/// the workflow's file calls it.
fn why(event: &Occurrence) -> Option<String> {
    let said = said(event.cause.as_ref()?);
    Some(match event.error.as_deref() {
        Some("States.QueryEvaluationError") => said.replace("$steps_", "$steps."),
        _ => said,
    })
}

/// Whether a state is a step, and not one that goes with it.
fn is_step(name: &str) -> bool {
    !name.contains(['.', ' ']) && !matches!(name, "start" | "outputs")
}
