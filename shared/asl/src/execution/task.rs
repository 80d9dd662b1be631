//! Task states: what is called, and the ways a call ends.

use std::sync::Arc;

use engine::runtime::Time;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::child::{ChildReport, child_input};
use super::evaluation::{Readable, in_state};
use super::leaving::{Given, limited};
use super::step::{Moved, Step};
use super::thread::{Phase, Thread, after};
use super::{Awaited, Effect, Ignored, Outcome, lambda};
use crate::failure::{Failure, MAX_PAYLOAD, RUNTIME, TASK_FAILED, exceeds};
use crate::history::{Details, Event};
use crate::machine::{Call, Kind, Pattern, State, Task, Work};
use crate::query::Template;
use crate::uuid::uuid;

/// One try of a task, unique within its execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(pub u64);

/// A task under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) id: TaskId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<Time>,
    /// `HeartbeatSeconds`, and when the next heartbeat is overdue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) heartbeat: Option<(u64, Time)>,
    /// The call, until it is answered. Express executions cannot be resumed and keep none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<Box<Effect>>,
    /// The execution that a `.sync` task has started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) child: Option<String>,
}

impl Pending {
    pub(crate) fn due(&self) -> Option<Time> {
        let heartbeat = self.heartbeat.map(|(_, overdue)| overdue);
        self.deadline.into_iter().chain(heartbeat).min()
    }
}

impl Step<'_> {
    pub(super) fn start_task(
        &mut self,
        state: &State,
        task: &Task,
        thread: &mut Thread,
    ) -> Result<Moved, Failure> {
        let constant = |template: &&Template| matches!(template, Template::Constant(_));
        if let Some(credentials) = task.credentials.as_ref().filter(|it| !constant(it)) {
            self.evaluate(state, thread, Readable::default(), |scope| {
                credentials.evaluate(&"Credentials", scope)
            })?;
        }
        let id = TaskId(self.execution.next_task);
        self.execution.next_task += 1;
        let token = (task.resource.pattern == Pattern::WaitForTaskToken).then(|| self.token(id));
        let readable = Readable {
            token: token.as_deref(),
            ..Readable::default()
        };
        let arguments = self.arguments(state, thread, readable)?;
        let arguments = limited(Arc::unwrap_or_clone(arguments), &state.name)?;
        let now = self.around.now;
        let mut seconds = |field: &str, template| match template {
            Some(template) => self.whole(state, thread, field, template).map(Some),
            None => Ok(None),
        };
        let timeout = seconds("TimeoutSeconds", task.timeout.as_ref())?;
        let heartbeat = seconds("HeartbeatSeconds", task.heartbeat.as_ref())?;
        let request = self.request(state, task, thread, id, arguments)?;
        self.log_scheduled(task, &request);
        thread.phase = Phase::Task(Box::new(Pending {
            id,
            token,
            deadline: timeout.map(|seconds| after(now, seconds)),
            heartbeat: heartbeat.map(|seconds| (seconds, after(now, seconds))),
            request: (self.machine.kind == Kind::Standard).then(|| Box::new(request.clone())),
            child: None,
        }));
        self.effect(request);
        Ok(Moved::Stays)
    }

    /// A token that nobody can guess and that names its execution.
    fn token(&self, id: TaskId) -> String {
        let draw = || self.around.entropy.next_u64();
        let execution = &self.execution.identity.execution_id;
        format!("{execution}~{}~{:016x}{:016x}", id.0, draw(), draw())
    }

    fn request(
        &self,
        state: &State,
        task: &Task,
        thread: &Thread,
        id: TaskId,
        arguments: Value,
    ) -> Result<Effect, Failure> {
        let function = match &task.resource.call {
            Call::Function(function) => function,
            Call::LambdaInvoke => {
                let mut arguments = object(state, thread, arguments)?;
                let function = required(state, thread, &mut arguments, "FunctionName")?;
                return Ok(Effect::Invoke {
                    task: id,
                    function: function.into(),
                    payload: lambda::payload(arguments.remove("Payload"))?,
                });
            }
            Call::StartExecution => {
                let arguments = object(state, thread, arguments)?;
                let awaited = match task.resource.pattern {
                    Pattern::Sync | Pattern::Sync2 => Awaited::End,
                    Pattern::RequestResponse | Pattern::WaitForTaskToken => Awaited::Start,
                };
                return self.start_request(state, thread, id, arguments, awaited);
            }
        };
        Ok(Effect::Invoke {
            task: id,
            function: function.as_str().into(),
            payload: arguments,
        })
    }

    fn start_request(
        &self,
        state: &State,
        thread: &Thread,
        id: TaskId,
        mut arguments: Map<String, Value>,
        awaited: Awaited,
    ) -> Result<Effect, Failure> {
        let machine = required(state, thread, &mut arguments, "StateMachineArn")?;
        let name = match arguments.remove("Name") {
            Some(Value::String(name)) => name,
            _ => uuid(&**self.around.entropy),
        };
        Ok(Effect::Start {
            task: id,
            machine,
            name,
            input: child_input(state, thread, arguments.remove("Input"))?,
            awaited,
        })
    }

    fn log_scheduled(&mut self, task: &Task, request: &Effect) {
        let (scheduled, started) = if task.resource.is_integration() {
            (Event::TaskScheduled, Event::TaskStarted)
        } else {
            (Event::LambdaFunctionScheduled, Event::LambdaFunctionStarted)
        };
        self.log(scheduled, || Details {
            input: match request {
                Effect::Invoke { payload, .. } => Some(Arc::new(payload.clone())),
                Effect::Start { input, .. } => Some(Arc::new(input.clone())),
                Effect::Cancel { .. } | Effect::Finish(_) => None,
            },
            ..Details::default()
        });
        self.log(started, Details::default);
    }

    /// The call of a task was answered.
    pub(super) fn answered(
        &mut self,
        id: TaskId,
        answer: Result<Value, Failure>,
    ) -> Result<(), Ignored> {
        let unanswered = |pending: &Pending| pending.id == id && pending.child.is_none();
        let (mut thread, state, task) = self.take_task(unanswered)?;
        let moved = match (answer, task.resource.pattern) {
            (Ok(answer), Pattern::RequestResponse) => {
                let answer = match task.resource.call {
                    Call::LambdaInvoke => lambda::response(answer, &**self.around.entropy),
                    Call::Function(_) | Call::StartExecution => answer,
                };
                self.task_succeeded(state, task, &mut thread, answer)
            }
            (Ok(answer), pattern) => {
                self.log(Event::TaskSubmitted, || Details {
                    output: Some(Arc::new(answer.clone())),
                    ..Details::default()
                });
                if let Phase::Task(pending) = &mut thread.phase {
                    pending.request = None;
                    if pattern != Pattern::WaitForTaskToken {
                        let child = answer.get("ExecutionArn").and_then(Value::as_str);
                        pending.child = Some(child.unwrap_or_default().to_owned());
                    }
                }
                Ok(Moved::Stays)
            }
            (Err(failure), _) => Err(self.task_failed(task, failure)),
        };
        self.settle(state, thread, moved);
        Ok(())
    }

    /// Whoever holds the token has decided.
    pub(super) fn token_returned(
        &mut self,
        token: &str,
        answer: Result<Value, Failure>,
    ) -> Result<(), Ignored> {
        let (mut thread, state, task) =
            self.take_task(|pending| pending.token.as_deref() == Some(token))?;
        let moved = match answer {
            Ok(output) => self.task_succeeded(state, task, &mut thread, output),
            Err(failure) => Err(self.task_failed(task, failure)),
        };
        self.settle(state, thread, moved);
        Ok(())
    }

    /// Whoever holds the token is still at work.
    pub(super) fn heartbeat(&mut self, token: &str) -> Result<(), Ignored> {
        let now = self.around.now;
        let (mut thread, ..) = self.take_task(|pending| pending.token.as_deref() == Some(token))?;
        if let Phase::Task(pending) = &mut thread.phase
            && let Some((seconds, overdue)) = &mut pending.heartbeat
        {
            *overdue = after(now, *seconds);
        }
        self.put(thread);
        Ok(())
    }

    /// The child that a `.sync` task waits for has ended.
    pub(super) fn child_ended(&mut self, id: TaskId, report: ChildReport) -> Result<(), Ignored> {
        let (mut thread, state, task) = self.take_task(|pending| pending.id == id)?;
        let description = report.describe(task.resource.pattern);
        let moved = match report.outcome {
            Outcome::Succeeded(_) => self.task_succeeded(state, task, &mut thread, description),
            _ => Err(self.task_failed(task, Failure::new(TASK_FAILED, description.to_string()))),
        };
        self.settle(state, thread, moved);
        Ok(())
    }

    /// The task's timeout or heartbeat has passed.
    pub(super) fn timed_out(&mut self, state: &State, thread: &Thread) -> Failure {
        let now = self.around.now;
        let by_deadline = match &thread.phase {
            Phase::Task(pending) => pending.deadline.is_some_and(|deadline| deadline <= now),
            _ => false,
        };
        let failure = Failure::timeout(!by_deadline);
        let event = match &state.work {
            Work::Task(task) if task.resource.is_integration() => Event::TaskTimedOut,
            _ => Event::LambdaFunctionTimedOut,
        };
        self.log(event, || of_failure(&failure));
        self.cancel(thread);
        failure
    }

    fn task_succeeded(
        &mut self,
        state: &State,
        task: &Task,
        thread: &mut Thread,
        output: Value,
    ) -> Result<Moved, Failure> {
        if exceeds(&output, MAX_PAYLOAD) {
            let source = match &task.resource.call {
                Call::Function(function) => function,
                Call::LambdaInvoke => "lambda",
                Call::StartExecution => "states",
            };
            return Err(self.task_failed(task, Failure::too_large(source)));
        }
        let event = if task.resource.is_integration() {
            Event::TaskSucceeded
        } else {
            Event::LambdaFunctionSucceeded
        };
        let output = Arc::new(output);
        self.log(event, || Details {
            output: Some(Arc::clone(&output)),
            ..Details::default()
        });
        self.complete(state, &state.exit, thread, Given::Result(output))
    }

    fn task_failed(&mut self, task: &Task, failure: Failure) -> Failure {
        let event = if task.resource.is_integration() {
            Event::TaskFailed
        } else {
            Event::LambdaFunctionFailed
        };
        self.log(event, || of_failure(&failure));
        failure
    }
}

impl<'a> Step<'a> {
    /// Takes the thread in the task that `is_it` out, to be worked on.
    fn take_task(
        &mut self,
        is_it: impl Fn(&Pending) -> bool,
    ) -> Result<(Thread, &'a State, &'a Task), Ignored> {
        let mut threads = self.execution.threads.iter();
        let found = threads.find(|thread| match &thread.phase {
            Phase::Task(pending) => is_it(pending),
            _ => false,
        });
        let found = found.map(|thread| (thread.id, thread.state));
        let (id, state) = found.ok_or(Ignored::TaskEnded)?;
        let state = self.machine.state(state).ok_or(Ignored::TaskEnded)?;
        let Work::Task(task) = &state.work else {
            return Err(Ignored::TaskEnded);
        };
        let thread = self.take(id).ok_or(Ignored::TaskEnded)?;
        Ok((thread, state, task))
    }
}

fn of_failure(failure: &Failure) -> Details {
    Details {
        error: failure.error.clone(),
        cause: failure.cause.clone(),
        ..Details::default()
    }
}

fn object(state: &State, thread: &Thread, value: Value) -> Result<Map<String, Value>, Failure> {
    match value {
        Value::Object(fields) => Ok(fields),
        other => {
            let message = format!("The Arguments field must be a JSON object but was: {other}");
            Err(Failure::new(RUNTIME, in_state(state, thread, &message)))
        }
    }
}

fn required(
    state: &State,
    thread: &Thread,
    arguments: &mut Map<String, Value>,
    name: &str,
) -> Result<String, Failure> {
    match arguments.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => {
            let message = format!("The field '{name}' is required but was missing");
            Err(Failure::new(RUNTIME, in_state(state, thread, &message)))
        }
    }
}
