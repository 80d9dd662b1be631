//! One run of a state machine, as plain data that reacts to events.
//!
//! Nothing here waits, calls or writes: [`Execution::on`] takes an [`Input`] and says what must be
//! done next as [`Effect`]s. A waiting execution is a few hundred bytes and no task.

use std::sync::Arc;

use engine::runtime::{Entropy, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::history::HistoryEvent;
use crate::machine::{Kind, StateMachine};

mod child;
mod context;
mod evaluation;
mod fan_out;
mod handlers;
mod lambda;
mod leaving;
mod redrive;
mod step;
mod task;
mod thread;

use step::Step;
use thread::{Phase, Thread};

pub use child::ChildReport;
pub use redrive::NotRedrivable;
pub use task::TaskId;

/// Express executions end after five minutes.
const EXPRESS_SECONDS: u64 = 300;

/// Who an execution is, as `$states.context` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `$states.context.Execution.Id`; task tokens start with it.
    pub execution_id: Arc<str>,
    /// `$states.context.Execution.Name`.
    pub execution_name: Arc<str>,
    /// `$states.context.StateMachine.Id`.
    pub machine_id: Arc<str>,
    /// `$states.context.StateMachine.Name`.
    pub machine_name: Arc<str>,
    /// `$states.context.Execution.RoleArn`.
    pub role_arn: Arc<str>,
    /// The task of another execution that started it, so that a second try of that task is
    /// recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<Arc<str>>,
}

/// What an execution may use while it reacts.
pub struct Surroundings<'a> {
    /// The time of the reaction.
    pub now: Time,
    /// For tokens, jitter, `$random` and `$uuid`.
    pub entropy: &'a Arc<dyn Entropy>,
    /// Whether history events are built or only counted.
    pub recording: Recording,
}

/// Whether anyone reads the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// Build every event.
    Full,
    /// Only count them; nobody listens.
    Count,
}

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time has passed; see [`Execution::due`].
    Tick,
    /// A call was answered: a function's payload, or what starting a child gave.
    Answered(TaskId, Result<Value, Failure>),
    /// Someone returned a task token.
    Token(String, Result<Value, Failure>),
    /// Someone who holds a task token is still at work.
    Heartbeat(String),
    /// A child execution that a `.sync` task started has ended.
    ChildEnded(TaskId, Box<ChildReport>),
    /// `StopExecution`.
    Abort(Failure),
}

/// Something to do outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Call a function; report with [`Input::Answered`].
    Invoke {
        /// Whom to report to.
        task: TaskId,
        /// ARN or name.
        function: Arc<str>,
        /// What to call it with.
        payload: Value,
    },
    /// Start an execution; report with [`Input::Answered`], and where `awaited` its end with
    /// [`Input::ChildEnded`].
    Start {
        /// Whom to report to.
        task: TaskId,
        /// ARN or name.
        machine: String,
        /// Fixed before the first try, so that a second one finds the same child.
        name: String,
        /// The child's input.
        input: Value,
        /// Whether the task goes on until the child ends.
        awaited: Awaited,
    },
    /// The task is over without its answer.
    Cancel {
        /// The task.
        task: TaskId,
        /// The execution it was waiting for, which should be stopped.
        child: Option<String>,
    },
    /// The execution is over.
    Finish(Outcome),
}

/// Whether a task ends with its child or with the child's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Awaited {
    /// Only the start matters.
    Start,
    /// The end matters.
    End,
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// With this output.
    Succeeded(Arc<Value>),
    /// With this error.
    Failed(Failure),
    /// `TimeoutSeconds`, or an Express execution's five minutes, passed.
    TimedOut(Failure),
    /// Stopped from outside.
    Aborted(Failure),
}

impl Outcome {
    /// AWS's name for the status.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "SUCCEEDED",
            Self::Failed(_) => "FAILED",
            Self::TimedOut(_) => "TIMED_OUT",
            Self::Aborted(_) => "ABORTED",
        }
    }
}

/// What came of an [`Input`].
#[derive(Debug, Default)]
pub struct Reaction {
    /// To be done, in order, after the execution is saved.
    pub effects: Vec<Effect>,
    /// New events, unless only counted.
    pub history: Vec<HistoryEvent>,
}

/// The input changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// The task has ended: answered, timed out, or its state was left.
    #[error("the task has ended; its token and its answer no longer count")]
    TaskEnded,
    /// The execution has ended.
    #[error("the execution has ended")]
    ExecutionEnded,
}

/// One run of a state machine. Serialise it to keep it over a restart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Execution {
    identity: Identity,
    input: Arc<Value>,
    started: Time,
    deadline: Option<Time>,
    threads: Vec<Thread>,
    next_thread: u32,
    next_task: u64,
    last_event: u64,
    outcome: Option<Outcome>,
    stopped: Option<Time>,
    /// Where it was when it ended without success, to go on from there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left: Vec<Thread>,
    /// When it was taken up again, each time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redriven: Vec<Time>,
}

impl Execution {
    /// Starts a run and takes it to where it first waits.
    #[must_use]
    pub fn start(
        machine: &StateMachine,
        identity: Identity,
        input: Value,
        around: &Surroundings<'_>,
    ) -> (Self, Reaction) {
        let limit = match machine.kind {
            Kind::Standard => machine.timeout_seconds,
            Kind::Express => Some(
                machine
                    .timeout_seconds
                    .map_or(EXPRESS_SECONDS, |seconds| seconds.min(EXPRESS_SECONDS)),
            ),
        };
        let mut execution = Self {
            identity,
            input: Arc::new(input),
            started: around.now,
            deadline: limit.map(|seconds| thread::after(around.now, seconds)),
            threads: Vec::with_capacity(1),
            next_thread: 0,
            next_task: 0,
            last_event: 0,
            outcome: None,
            stopped: None,
            left: Vec::new(),
            redriven: Vec::new(),
        };
        let mut step = Step::new(machine, &mut execution, around);
        step.begin();
        let reaction = step.into_reaction();
        (execution, reaction)
    }

    /// Takes in what happened and goes on to where it next waits.
    ///
    /// # Errors
    /// When the input is for a task or execution that has ended; nothing changes then.
    pub fn on(
        &mut self,
        machine: &StateMachine,
        input: Input,
        around: &Surroundings<'_>,
    ) -> Result<Reaction, Ignored> {
        if self.outcome.is_some() {
            return Err(Ignored::ExecutionEnded);
        }
        let mut step = Step::new(machine, self, around);
        match input {
            Input::Tick => step.tick(),
            Input::Answered(task, answer) => step.answered(task, answer)?,
            Input::Token(token, answer) => step.token_returned(&token, answer)?,
            Input::Heartbeat(token) => step.heartbeat(&token)?,
            Input::ChildEnded(task, report) => step.child_ended(task, *report)?,
            Input::Abort(failure) => step.abort(failure),
        }
        step.run();
        Ok(step.into_reaction())
    }

    /// When [`Input::Tick`] is next needed.
    #[must_use]
    pub fn due(&self) -> Option<Time> {
        let threads = self.threads.iter().filter_map(Thread::due);
        threads
            .chain(self.deadline)
            .min()
            .filter(|_| self.outcome.is_none())
    }

    /// The calls whose answers are still missing, to be made again after a restart. A call that
    /// was already made but not answered is among them.
    #[must_use]
    pub fn unanswered(&self) -> Vec<Effect> {
        let requests = self
            .threads
            .iter()
            .filter_map(|thread| match &thread.phase {
                Phase::Task(pending) => pending.request.as_deref(),
                _ => None,
            });
        requests.cloned().collect()
    }

    /// The children that `.sync` tasks wait for, with the id that starting each gave.
    pub fn awaited_children(&self) -> impl Iterator<Item = (TaskId, &str)> {
        self.threads
            .iter()
            .filter_map(|thread| match &thread.phase {
                Phase::Task(pending) => Some((pending.id, pending.child.as_deref()?)),
                _ => None,
            })
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What it was started with.
    #[must_use]
    pub fn input(&self) -> &Arc<Value> {
        &self.input
    }

    /// When it was started.
    #[must_use]
    pub fn started(&self) -> Time {
        self.started
    }

    /// When it ended, once it has.
    #[must_use]
    pub fn stopped(&self) -> Option<Time> {
        self.stopped
    }
}

/// The execution that a task token belongs to.
#[must_use]
pub fn execution_of(token: &str) -> Option<&str> {
    let mut parts = token.rsplitn(3, '~');
    parts.next()?;
    parts.next()?;
    parts.next()
}
