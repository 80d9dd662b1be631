//! One reaction of an execution: runs every thread that can go on until all of them wait.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::evaluation::{Readable, in_state};
use super::leaving::Given;
use super::thread::{Phase, Thread, ThreadId, after};
use super::{Effect, Execution, Outcome, Reaction, Recording, Surroundings};
use crate::failure::{Failure, MAX_PAYLOAD, NO_CHOICE_MATCHED, RUNTIME, exceeds};
use crate::history::{Details, Event, HistoryEvent, MAX_EVENTS};
use crate::machine::{
    Kind, Made, Rule, State, StateId, StateMachine, Until, Work, parse_timestamp,
};

/// States entered in one reaction before the execution lets others run.
const MAX_TRANSITIONS: u32 = 500;

/// AWS's longest wait, in seconds.
const MAX_WAIT: u64 = 2_147_483_647;

/// Where a thread is after some work.
pub(super) enum Moved {
    /// In another state, not entered yet.
    To(StateId),
    /// At the end of its flow.
    Ended,
    /// Where it was, waiting.
    Stays,
}

pub(super) struct Step<'a> {
    pub(super) machine: &'a StateMachine,
    pub(super) execution: &'a mut Execution,
    pub(super) around: &'a Surroundings<'a>,
    reaction: Reaction,
    ready: VecDeque<ThreadId>,
    transitions: u32,
    /// Where everything was when the failure under way began.
    pub(super) places: Option<Vec<Thread>>,
}

impl<'a> Step<'a> {
    pub(super) fn new(
        machine: &'a StateMachine,
        execution: &'a mut Execution,
        around: &'a Surroundings<'a>,
    ) -> Self {
        Self {
            machine,
            execution,
            around,
            reaction: Reaction::default(),
            ready: VecDeque::new(),
            transitions: 0,
            places: None,
        }
    }

    pub(super) fn into_reaction(self) -> Reaction {
        self.reaction
    }

    pub(super) fn begin(&mut self) {
        let input = Arc::clone(&self.execution.input);
        self.log(Event::ExecutionStarted, || Details {
            input: Some(Arc::clone(&input)),
            ..Details::default()
        });
        self.spawn(Thread {
            id: ThreadId(0),
            parent: None,
            state: self.machine.start,
            input,
            variables: Arc::default(),
            entered: self.around.now,
            entered_event: 0,
            attempts: Vec::new(),
            phase: Phase::Ready,
        });
        self.run();
    }

    /// Runs what is ready until nothing is.
    pub(super) fn run(&mut self) {
        while self.execution.outcome.is_none() {
            if self.machine.kind == Kind::Standard && self.execution.last_event >= MAX_EVENTS - 1 {
                let cause = format!(
                    "The execution reached the maximum number of history events ({MAX_EVENTS})."
                );
                return self.finish(Outcome::Failed(Failure::new(RUNTIME, cause)));
            }
            let Some(id) = self.ready.pop_front() else {
                return;
            };
            if let Some(thread) = self.take(id) {
                self.advance(thread);
            }
        }
    }

    /// Everything that is due by now.
    pub(super) fn tick(&mut self) {
        let now = self.around.now;
        while self.execution.outcome.is_none() {
            let next = self.execution.threads.iter();
            let next = next
                .filter_map(|thread| Some((thread.due()?, thread.id)))
                .min();
            let next = next.filter(|(at, _)| *at <= now);
            let over = self.execution.deadline.filter(|deadline| *deadline <= now);
            if let Some(deadline) = over
                && next.is_none_or(|(at, _)| deadline <= at)
            {
                return self.finish(Outcome::TimedOut(Failure::timeout(false)));
            }
            let Some((_, id)) = next else {
                return;
            };
            self.wake(id);
            self.run();
        }
    }

    fn wake(&mut self, id: ThreadId) {
        let Some(mut thread) = self.take(id) else {
            return;
        };
        let Some(state) = self.state_of(&thread) else {
            return;
        };
        let moved = match &thread.phase {
            Phase::Waiting(_) => self.complete(state, &state.exit, &mut thread, Given::Nothing),
            Phase::Retrying(_) => self.work(state, &mut thread),
            Phase::Task(_) => Err(self.timed_out(state, &thread)),
            Phase::Yielding(_) | Phase::Ready | Phase::FanOut(_) => return self.requeue(thread),
        };
        self.settle(state, thread, moved);
    }

    /// Enters the thread's state.
    fn advance(&mut self, mut thread: Thread) {
        let Some(state) = self.state_of(&thread) else {
            return;
        };
        self.transitions += 1;
        if self.transitions > MAX_TRANSITIONS {
            let soon = self.around.now.plus(Duration::from_millis(1));
            thread.phase = Phase::Yielding(soon);
            return self.put(thread);
        }
        thread.entered = self.around.now;
        thread.attempts.clear();
        let entered = entered(state);
        self.log(entered, || Details {
            name: Some(Arc::clone(&state.name)),
            input: Some(Arc::clone(&thread.input)),
            ..Details::default()
        });
        thread.entered_event = self.execution.last_event;
        let moved = self.work(state, &mut thread);
        self.settle(state, thread, moved);
    }

    /// What the state does, once entered and again for each retry.
    pub(super) fn work(&mut self, state: &State, thread: &mut Thread) -> Result<Moved, Failure> {
        match &state.work {
            Work::Succeed => self.complete(state, &state.exit, thread, Given::Nothing),
            Work::Pass(made) => {
                let given = match made {
                    Made::Nothing => Given::Nothing,
                    Made::Result(result) if exceeds(result, MAX_PAYLOAD) => {
                        return Err(Failure::too_large(&state.name));
                    }
                    Made::Result(result) => Given::Result(Arc::clone(result)),
                    Made::Arguments => {
                        Given::Result(self.arguments(state, thread, Readable::default())?)
                    }
                };
                self.complete(state, &state.exit, thread, given)
            }
            Work::Fail { error, cause } => {
                let error = self.text(state, thread, "Error", error.as_ref())?;
                let cause = self.text(state, thread, "Cause", cause.as_ref())?;
                Err(Failure {
                    error,
                    cause,
                    heartbeat: false,
                })
            }
            Work::Wait(until) => self.wait(state, until, thread),
            Work::Choice(rules) => self.choose(state, rules, thread),
            Work::Task(task) => self.start_task(state, task, thread),
            Work::Parallel { branches } => self.start_branches(state, branches, thread),
            Work::Map(map) => self.start_items(state, map, thread),
        }
    }

    /// Puts a thread where its work has led it.
    pub(super) fn settle(
        &mut self,
        state: &State,
        mut thread: Thread,
        moved: Result<Moved, Failure>,
    ) {
        let moved = moved.or_else(|failure| {
            self.keep_places(&thread);
            self.handle(state, &mut thread, failure)
        });
        if moved.is_ok() {
            self.places = None;
        }
        match moved {
            Ok(Moved::To(next)) => {
                thread.state = next;
                self.requeue(thread);
            }
            Ok(Moved::Stays) => self.put(thread),
            Ok(Moved::Ended) if thread.parent.is_none() => {
                self.finish(Outcome::Succeeded(thread.input));
            }
            Ok(Moved::Ended) => self.branch_succeeded(thread),
            Err(failure) if thread.parent.is_none() => self.finish(Outcome::Failed(failure)),
            Err(failure) => self.branch_failed(state, thread, failure),
        }
    }

    fn wait(
        &mut self,
        state: &State,
        until: &Until,
        thread: &mut Thread,
    ) -> Result<Moved, Failure> {
        let now = self.around.now;
        let at = match until {
            Until::Seconds(seconds) => {
                let seconds = self.whole(state, thread, "Seconds", seconds)?;
                after(now, seconds.min(MAX_WAIT + 1))
            }
            Until::Timestamp(timestamp) => {
                let text = self
                    .text(state, thread, "Timestamp", Some(timestamp))?
                    .unwrap_or_default();
                parse_timestamp(&text).ok_or_else(|| {
                    let message = format!(
                        "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: {text}"
                    );
                    let error = timestamp.unfit("Timestamp", &Value::from(text.as_str()), message);
                    self.evaluation_failed(state, thread, error)
                })?
            }
        };
        if at > after(now, MAX_WAIT) {
            let cause = in_state(state, thread, "Wait state delay is too long.");
            return Err(Failure::new(RUNTIME, cause));
        }
        if at <= now {
            return self.complete(state, &state.exit, thread, Given::Nothing);
        }
        thread.phase = Phase::Waiting(at);
        Ok(Moved::Stays)
    }

    fn choose(
        &mut self,
        state: &State,
        rules: &[Rule],
        thread: &mut Thread,
    ) -> Result<Moved, Failure> {
        for (at, rule) in rules.iter().enumerate() {
            let applies = self.evaluate(state, thread, Readable::default(), |scope| {
                rule.condition.holds(at, scope)
            })?;
            if applies {
                return self.complete(state, &rule.exit, thread, Given::Nothing);
            }
        }
        let cause = in_state(
            state,
            thread,
            "Failed to transition out of the state. The state does not point to a next state.",
        );
        Err(Failure::new(NO_CHOICE_MATCHED, cause))
    }

    pub(super) fn abort(&mut self, failure: Failure) {
        self.finish(Outcome::Aborted(failure));
    }

    pub(super) fn finish(&mut self, outcome: Outcome) {
        let threads = std::mem::take(&mut self.execution.threads);
        for thread in &threads {
            self.cancel(thread);
        }
        if self.machine.kind == Kind::Standard && !matches!(outcome, Outcome::Succeeded(_)) {
            self.execution.left = self.places.take().unwrap_or(threads);
        }
        let (event, output, failure) = match &outcome {
            Outcome::Succeeded(output) => (Event::ExecutionSucceeded, Some(output), None),
            Outcome::Failed(failure) => (Event::ExecutionFailed, None, Some(failure)),
            Outcome::TimedOut(failure) => (Event::ExecutionTimedOut, None, Some(failure)),
            Outcome::Aborted(failure) => (Event::ExecutionAborted, None, Some(failure)),
        };
        self.log(event, || Details {
            output: output.cloned(),
            error: failure.and_then(|failure| failure.error.clone()),
            cause: failure.and_then(|failure| failure.cause.clone()),
            ..Details::default()
        });
        self.execution.stopped = Some(self.around.now);
        self.execution.outcome = Some(outcome.clone());
        self.effect(Effect::Finish(outcome));
    }

    /// Counts an event, and builds it when somebody listens.
    pub(super) fn log(&mut self, event: Event, details: impl FnOnce() -> Details) {
        self.execution.last_event += 1;
        if self.around.recording == Recording::Full {
            self.reaction.history.push(HistoryEvent {
                id: self.execution.last_event,
                timestamp: self.around.now,
                event,
                details: details(),
            });
        }
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.reaction.effects.push(effect);
    }

    /// The thread's state. A machine that no longer has it ends the execution.
    pub(super) fn state_of(&mut self, thread: &Thread) -> Option<&'a State> {
        let state = self.machine.state(thread.state);
        if state.is_none() {
            let cause =
                "The definition has changed since this execution was saved: a state is gone";
            self.fail_in(thread, Failure::new(RUNTIME, cause));
        }
        state
    }

    /// Adds a thread that enters its state in this reaction; gives it an id.
    pub(super) fn spawn(&mut self, mut thread: Thread) {
        thread.id = ThreadId(self.execution.next_thread);
        self.execution.next_thread += 1;
        self.requeue(thread);
    }

    pub(super) fn requeue(&mut self, mut thread: Thread) {
        thread.phase = Phase::Ready;
        self.ready.push_back(thread.id);
        self.put(thread);
    }

    /// Takes a thread out while it is worked on.
    pub(super) fn take(&mut self, id: ThreadId) -> Option<Thread> {
        let threads = &mut self.execution.threads;
        let at = threads.binary_search_by_key(&id, |thread| thread.id).ok()?;
        Some(threads.remove(at))
    }

    pub(super) fn put(&mut self, thread: Thread) {
        if self.execution.outcome.is_some() {
            return;
        }
        let threads = &mut self.execution.threads;
        let at = threads.partition_point(|other| other.id < thread.id);
        threads.insert(at, thread);
    }
}

fn entered(state: &State) -> Event {
    match state.work {
        Work::Pass(_) => Event::PassStateEntered,
        Work::Succeed => Event::SucceedStateEntered,
        Work::Fail { .. } => Event::FailStateEntered,
        Work::Wait(_) => Event::WaitStateEntered,
        Work::Choice(_) => Event::ChoiceStateEntered,
        Work::Task(_) => Event::TaskStateEntered,
        Work::Parallel { .. } => Event::ParallelStateEntered,
        Work::Map(_) => Event::MapStateEntered,
    }
}
