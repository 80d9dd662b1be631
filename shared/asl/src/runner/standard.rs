//! Standard executions: every reaction is durable before anything follows from it.

use std::sync::Arc;
use std::time::Duration;

use futures::channel::oneshot;
use serde_json::{Value, json};

use super::active::{Active, Left, Post, Watcher};
use super::journal::{Begun, JournalError, NewExecution, Progress, decode, encode};
use super::{Description, ExecutionId, Registered, Shared, StartError, locked};
use crate::execution::{Awaited, ChildReport, Effect, Identity, Ignored, Input, Recording, TaskId};
use crate::failure::Failure;
use crate::history::HistoryEvent;
use crate::uuid::uuid;
use crate::{Execution, Kind, Outcome};

/// The pause before a failed save is tried again; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Shared {
    pub(super) async fn start_standard(
        self: &Arc<Self>,
        registered: &Registered,
        identity: Identity,
        input: Value,
    ) -> Result<ExecutionId, StartError> {
        let machine = &registered.machine;
        let around = self.around(Recording::Full);
        let (execution, reaction) = Execution::start(machine, identity, input, &around);
        let id = ExecutionId::from(Arc::clone(&execution.identity().execution_id));
        let row = NewExecution {
            id: id.clone(),
            machine: registered.name.to_string(),
            definition: machine.definition().to_string(),
            started: execution.started(),
            progress: progress(&execution, &reaction.history)?,
        };
        if let Begun::Taken(taken) = self.journal.begin(row).await? {
            let taken: Execution = decode(&taken.snapshot)?;
            let same = taken.outcome().is_none() && taken.input() == execution.input();
            let by = &execution.identity().started_by;
            let again = by.is_some() && *by == taken.identity().started_by;
            return if same || again {
                Ok(id)
            } else {
                Err(StartError::ExecutionAlreadyExists(id))
            };
        }
        if execution.outcome().is_none() {
            self.enter(
                Active::new(id.clone(), Arc::clone(machine), execution),
                reaction.effects,
            );
        }
        Ok(id)
    }

    /// Takes an execution into memory and does what it asks for.
    pub(super) fn enter(self: &Arc<Self>, active: Active, effects: Vec<Effect>) {
        let active = Arc::new(active);
        let due = active.peek(Execution::due).flatten();
        locked(&self.active).insert(active.id.clone(), Arc::clone(&active));
        self.rearm(&active.id, None, due);
        self.perform(&active, effects);
    }

    /// Gives an execution an input; whoever drives it takes care of it.
    pub(super) fn post(self: &Arc<Self>, active: &Arc<Active>, input: Input) {
        self.leave(
            active,
            Post {
                input,
                receipt: None,
            },
        );
    }

    /// As `post`, and waits until what followed is durable.
    pub(super) async fn post_and_wait(
        self: &Arc<Self>,
        active: &Arc<Active>,
        input: Input,
    ) -> Result<(), Ignored> {
        let (sender, receiver) = oneshot::channel();
        self.leave(
            active,
            Post {
                input,
                receipt: Some(sender),
            },
        );
        receiver.await.unwrap_or(Err(Ignored::ExecutionEnded))
    }

    fn leave(self: &Arc<Self>, active: &Arc<Active>, post: Post) {
        if let Left::Drive(execution) = active.leave(post) {
            let shared = Arc::clone(self);
            let active = Arc::clone(active);
            self.runtime
                .spawn(async move { shared.drive(&active, execution).await });
        }
    }

    /// Lets an execution react to its inputs until none is left.
    async fn drive(self: &Arc<Self>, active: &Arc<Active>, mut execution: Box<Execution>) {
        while let Some((mut driven, post)) = active.next(execution) {
            let before = driven.due();
            let around = self.around(Recording::Full);
            let is_tick = matches!(post.input, Input::Tick);
            match driven.on(&active.machine, post.input, &around) {
                Ok(reaction) => {
                    // A timer that was put off rings in vain, and changes nothing.
                    if !is_tick || before != driven.due() {
                        self.save(&active.id, &driven, &reaction.history).await;
                    }
                    self.rearm(&active.id, before, driven.due());
                    answer(post.receipt, Ok(()));
                    self.perform(active, reaction.effects);
                    self.close_if_ended(active, &driven);
                }
                Err(ignored) => {
                    // A tick takes its timer away even when the execution has no use for it.
                    self.rearm(&active.id, None, driven.due());
                    answer(post.receipt, Err(ignored));
                }
            }
            execution = driven;
        }
    }

    /// Saves until it succeeds: the execution stands still rather than run ahead of its journal.
    async fn save(&self, id: &ExecutionId, execution: &Execution, history: &[HistoryEvent]) {
        let mut pause = FIRST_PAUSE;
        loop {
            let saved = match progress(execution, history) {
                Ok(progress) => self.journal.save(id, progress).await,
                Err(error) => Err(error),
            };
            if saved.is_ok() {
                return;
            }
            self.runtime.clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn close_if_ended(self: &Arc<Self>, active: &Arc<Active>, execution: &Execution) {
        let Some(outcome) = execution.outcome() else {
            return;
        };
        locked(&self.active).remove(&active.id);
        let watchers = locked(&self.watchers).remove(&active.id);
        for watcher in watchers.into_iter().flatten() {
            self.tell(watcher, execution, outcome);
        }
    }

    fn tell(self: &Arc<Self>, watcher: Watcher, execution: &Execution, outcome: &Outcome) {
        match watcher {
            Watcher::Caller(sender) => {
                // The caller may have lost interest.
                let _ = sender.send(outcome.clone());
            }
            Watcher::Parent(parent, task) => {
                if let Some(parent) = self.find(&parent) {
                    let report = Box::new(report(execution, outcome));
                    self.post(&parent, Input::ChildEnded(task, report));
                }
            }
        }
    }

    /// Tells `watcher` of the end of an execution, now or when it comes.
    pub(super) async fn watch(
        self: &Arc<Self>,
        id: &ExecutionId,
        watcher: Watcher,
    ) -> Result<(), JournalError> {
        {
            let mut watchers = locked(&self.watchers);
            if locked(&self.active).contains_key(id) {
                watchers.entry(id.clone()).or_default().push(watcher);
                return Ok(());
            }
        }
        if let Some(record) = self.journal.load(id).await? {
            let execution: Execution = decode(&record.snapshot)?;
            if let Some(outcome) = execution.outcome() {
                self.tell(watcher, &execution, outcome);
            }
        }
        Ok(())
    }

    pub(super) fn perform(self: &Arc<Self>, active: &Arc<Active>, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Invoke {
                    task,
                    function,
                    payload,
                } => {
                    let (shared, active) = (Arc::clone(self), Arc::clone(active));
                    self.runtime.spawn(async move {
                        let answer = shared.invoke(&function, payload).await;
                        shared.post(&active, Input::Answered(task, answer));
                    });
                }
                Effect::Start {
                    task,
                    machine,
                    name,
                    input,
                    awaited,
                } => {
                    let (shared, active) = (Arc::clone(self), Arc::clone(active));
                    self.runtime.spawn(async move {
                        let by = format!("{}~{}", active.id, task.0);
                        let started = match shared.check_awaited(&machine, awaited) {
                            Ok(()) => shared.start_child(&machine, &name, input, by).await,
                            Err(failure) => Err(failure),
                        };
                        shared.child_started(&active, task, started, awaited).await;
                    });
                }
                Effect::Cancel { child, .. } => {
                    let Some(child) = child.map(|child| ExecutionId::new(&child)) else {
                        continue;
                    };
                    let shared = Arc::clone(self);
                    self.runtime.spawn(async move {
                        shared.stop(&child, Failure::default()).await;
                    });
                }
                Effect::Finish(_) => {}
            }
        }
    }

    async fn child_started(
        self: &Arc<Self>,
        active: &Arc<Active>,
        task: TaskId,
        started: Result<Value, Failure>,
        awaited: Awaited,
    ) {
        let child = started.as_ref().ok();
        let child = child.and_then(|answer| answer["ExecutionArn"].as_str());
        let child = child
            .map(ExecutionId::new)
            .filter(|_| awaited == Awaited::End);
        let taken = self
            .post_and_wait(active, Input::Answered(task, started))
            .await;
        if let (Ok(()), Some(child)) = (taken, child) {
            self.watch_child(active, task, child).await;
        }
    }

    /// Watches a child until the journal can tell of it.
    pub(super) async fn watch_child(
        self: &Arc<Self>,
        active: &Arc<Active>,
        task: TaskId,
        child: ExecutionId,
    ) {
        let mut pause = FIRST_PAUSE;
        loop {
            let watcher = Watcher::Parent(active.id.clone(), task);
            if self.watch(&child, watcher).await.is_ok() {
                return;
            }
            self.runtime.clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Starts an execution for a task; gives what `StartExecution` answers.
    pub(super) async fn start_child(
        self: &Arc<Self>,
        machine: &str,
        name: &str,
        input: Value,
        by: String,
    ) -> Result<Value, Failure> {
        let now = self.runtime.now();
        match self
            .start(machine, Some(name), input, Some(by.into()))
            .await
        {
            Ok(id) => Ok(json!({
                "ExecutionArn": id.as_str(),
                "SdkHttpMetadata": { "HttpStatusCode": 200 },
                "SdkResponseMetadata": { "RequestId": uuid(&*self.runtime.entropy) },
                "StartDate": now.to_string(),
            })),
            Err(error) => Err(self.start_failure(&error)),
        }
    }

    /// The end of an Express execution cannot be awaited: nothing is kept of it.
    fn check_awaited(&self, machine: &str, awaited: Awaited) -> Result<(), Failure> {
        let machine = self.machine(machine);
        let is_express = machine.is_ok_and(|found| found.machine.kind() == Kind::Express);
        if is_express && awaited == Awaited::End {
            let cause = "An Express execution cannot be awaited. Start it without '.sync', or make its machine Standard";
            return Err(Failure::new(
                "StepFunctions.StateMachineTypeNotSupportedException",
                cause,
            ));
        }
        Ok(())
    }

    fn start_failure(&self, error: &StartError) -> Failure {
        let code = match error {
            StartError::MachineDoesNotExist(_) => "StateMachineDoesNotExist",
            StartError::ExecutionAlreadyExists(_) => "ExecutionAlreadyExists",
            StartError::InvalidName(_) => "InvalidName",
            StartError::InputTooLarge => "InvalidExecutionInput",
            StartError::Journal(_) => "ServiceException",
        };
        let request = uuid(&*self.runtime.entropy);
        let cause = format!(
            "{error} (Service: AWSStepFunctions; Status Code: 400; Error Code: {code}; Request ID: {request}; Proxy: null)"
        );
        Failure::new(format!("StepFunctions.{code}Exception"), cause)
    }

    pub(super) async fn stop(self: &Arc<Self>, id: &ExecutionId, failure: Failure) -> bool {
        match self.find(id) {
            Some(active) => self
                .post_and_wait(&active, Input::Abort(failure))
                .await
                .is_ok(),
            None => false,
        }
    }

    pub(super) async fn describe(
        &self,
        id: &ExecutionId,
    ) -> Result<Option<Description>, JournalError> {
        if let Some(description) = self
            .find(id)
            .and_then(|active| active.peek(Description::of))
        {
            return Ok(Some(description));
        }
        let Some(record) = self.journal.load(id).await? else {
            return Ok(None);
        };
        Ok(Some(Description::of(&decode(&record.snapshot)?)))
    }
}

fn answer(receipt: Option<oneshot::Sender<Result<(), Ignored>>>, taken: Result<(), Ignored>) {
    if let Some(receipt) = receipt {
        // The sender of the input may not wait any more.
        let _ = receipt.send(taken);
    }
}

pub(super) fn progress(
    execution: &Execution,
    history: &[HistoryEvent],
) -> Result<Progress, JournalError> {
    Ok(Progress {
        snapshot: encode(execution)?,
        events: history.iter().map(encode).collect::<Result<_, _>>()?,
        status: execution.outcome().map_or("RUNNING", Outcome::status),
    })
}

fn report(execution: &Execution, outcome: &Outcome) -> ChildReport {
    let identity = execution.identity();
    ChildReport {
        execution_id: identity.execution_id.to_string(),
        machine_id: identity.machine_id.to_string(),
        name: identity.execution_name.to_string(),
        input: Arc::clone(execution.input()),
        outcome: outcome.clone(),
        started: execution.started(),
        stopped: execution.stopped().unwrap_or(execution.started()),
    }
}
