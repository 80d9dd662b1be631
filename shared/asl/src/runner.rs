//! Runs executions on a runtime: calls functions, keeps time, and journals what must survive.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use engine::runtime::Runtime;
use futures::channel::oneshot;
use serde_json::Value;

use crate::execution::{Identity, Input, Recording, Surroundings, execution_of};
use crate::failure::{Failure, MAX_PAYLOAD, exceeds};
use crate::machine::{Kind, StateMachine};
use crate::uuid::uuid;
use crate::{HistoryEvent, Outcome};

mod active;
mod description;
mod errors;
mod express;
mod functions;
mod journal;
mod memory;
mod recovery;
mod redrive;
mod standard;
mod timers;

use active::{Active, Watcher};
use timers::Timers;

pub use description::{Description, ExecutionId, Place};
pub use errors::{RedriveError, StartError, TokenError};
pub use functions::{FunctionError, Functions};
pub use journal::{Begun, Journal, JournalError, NewExecution, Progress, Record};
pub use memory::MemoryJournal;
pub use recovery::Recovered;

/// Runs the executions of a set of machines. Clones share everything.
#[derive(Clone)]
pub struct Runner(Arc<Shared>);

struct Shared {
    runtime: Runtime,
    functions: Arc<dyn Functions>,
    journal: Arc<dyn Journal>,
    place: Place,
    role_arn: Arc<str>,
    machines: RwLock<HashMap<String, Arc<Registered>>>,
    active: Mutex<HashMap<ExecutionId, Arc<Active>>>,
    watchers: Mutex<HashMap<ExecutionId, Vec<Watcher>>>,
    timers: Mutex<Timers>,
    /// Held by whoever takes an execution up again: one at a time, so that it is done once.
    redriving: futures::lock::Mutex<()>,
}

/// A machine under its name.
struct Registered {
    name: Arc<str>,
    id: Arc<str>,
    machine: Arc<StateMachine>,
}

impl Runner {
    /// A runner without machines. Call [`Runner::recover`] once they are registered.
    #[must_use]
    pub fn new(
        runtime: Runtime,
        functions: Arc<dyn Functions>,
        journal: Arc<dyn Journal>,
        place: Place,
    ) -> Self {
        Self(Arc::new(Shared {
            runtime,
            functions,
            journal,
            role_arn: place.role_arn.as_str().into(),
            place,
            machines: RwLock::default(),
            active: Mutex::default(),
            watchers: Mutex::default(),
            timers: Mutex::default(),
            redriving: futures::lock::Mutex::default(),
        }))
    }

    /// Makes `machine` known as `name`, in place of an older one. Executions that run keep theirs.
    pub fn register(&self, name: &str, machine: Arc<StateMachine>) {
        let Place {
            region, account, ..
        } = &self.0.place;
        let id = format!("arn:aws:states:{region}:{account}:stateMachine:{name}");
        let registered = Registered {
            name: name.into(),
            id: id.into(),
            machine,
        };
        let mut machines = self
            .0
            .machines
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        machines.insert(name.to_owned(), Arc::new(registered));
    }

    /// Starts an execution; gives its id once the start is durable. `machine` is a name or ARN.
    ///
    /// A name that runs already with the same input gives that execution, as AWS does. An Express
    /// machine's execution runs in the background and leaves no trace.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(
        &self,
        machine: &str,
        name: Option<&str>,
        input: Value,
    ) -> Result<ExecutionId, StartError> {
        self.0.start(machine, name, input, None).await
    }

    /// Runs an Express machine and gives how it ended. Nothing is journalled.
    ///
    /// # Errors
    /// [`StartError::MachineDoesNotExist`].
    pub async fn run_express(&self, machine: &str, input: Value) -> Result<Outcome, StartError> {
        let registered = self.0.machine(machine)?;
        let name = uuid(&*self.0.runtime.entropy);
        Ok(self.0.run_express(&registered, &name, input).await)
    }

    /// As [`Runner::run_express`], with the events that led to the end.
    ///
    /// # Errors
    /// [`StartError::MachineDoesNotExist`].
    pub async fn trace_express(
        &self,
        machine: &str,
        name: &str,
        input: Value,
    ) -> Result<(Outcome, Vec<HistoryEvent>), StartError> {
        let registered = self.0.machine(machine)?;
        let mut history = Vec::new();
        let outcome = self.0.trace_express(&registered, name, input, &mut history);
        Ok((outcome.await, history))
    }

    /// Ends the task that waits for `token` with `output`, durably.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn send_task_success(&self, token: &str, output: Value) -> Result<(), TokenError> {
        if exceeds(&output, MAX_PAYLOAD) {
            return Err(TokenError::InvalidOutput);
        }
        let input = Input::Token(token.to_owned(), Ok(output));
        self.0.deliver(token, input).await
    }

    /// Ends the task that waits for `token` with an error, durably.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn send_task_failure(
        &self,
        token: &str,
        error: Option<&str>,
        cause: Option<&str>,
    ) -> Result<(), TokenError> {
        let failure = Failure {
            error: error.map(str::to_owned),
            cause: cause.map(str::to_owned),
            ..Failure::default()
        };
        let input = Input::Token(token.to_owned(), Err(failure));
        self.0.deliver(token, input).await
    }

    /// Says that whoever holds `token` is still at work.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn send_task_heartbeat(&self, token: &str) -> Result<(), TokenError> {
        let input = Input::Heartbeat(token.to_owned());
        self.0.deliver(token, input).await
    }

    /// Ends a Standard execution. Gives false when it had ended before, or never was.
    pub async fn stop(&self, id: &ExecutionId, error: Option<&str>, cause: Option<&str>) -> bool {
        let failure = Failure {
            error: error.map(str::to_owned),
            cause: cause.map(str::to_owned),
            ..Failure::default()
        };
        self.0.stop(id, failure).await
    }

    /// Lets a Standard execution that failed, timed out or was stopped go on where it was, with the definition it had;
    /// durable when this returns.
    ///
    /// # Errors
    /// See [`RedriveError`].
    pub async fn redrive(&self, id: &ExecutionId) -> Result<(), RedriveError> {
        self.0.redrive(id).await
    }

    /// A Standard execution as it is now.
    ///
    /// # Errors
    /// When the journal fails.
    pub async fn describe(&self, id: &ExecutionId) -> Result<Option<Description>, JournalError> {
        self.0.describe(id).await
    }

    /// The events of a Standard execution, oldest first; empty when it never was.
    ///
    /// # Errors
    /// When the journal fails.
    pub async fn history(&self, id: &ExecutionId) -> Result<Vec<HistoryEvent>, JournalError> {
        let events = self.0.journal.history(id).await?;
        events.iter().map(|event| journal::decode(event)).collect()
    }

    /// Waits until a Standard execution ends. Nothing when it never was.
    ///
    /// # Errors
    /// When the journal fails.
    pub async fn outcome(&self, id: &ExecutionId) -> Result<Option<Outcome>, JournalError> {
        let (sender, receiver) = oneshot::channel();
        self.0.watch(id, Watcher::Caller(sender)).await?;
        // The sender is dropped without a word when the execution never was.
        Ok(receiver.await.ok())
    }

    /// Continues what the journal has unfinished. Call once, at start-up, before anything else.
    ///
    /// # Errors
    /// When the journal fails.
    pub async fn recover(&self) -> Result<Recovered, JournalError> {
        self.0.recover().await
    }
}

impl Shared {
    fn machine(&self, name_or_arn: &str) -> Result<Arc<Registered>, StartError> {
        let name = match name_or_arn.rsplit_once(":stateMachine:") {
            Some((_, name)) => name,
            None => name_or_arn,
        };
        let machines = self.machines.read().unwrap_or_else(PoisonError::into_inner);
        let machine = machines.get(name).cloned();
        machine.ok_or_else(|| StartError::MachineDoesNotExist(name_or_arn.to_owned()))
    }

    async fn start(
        self: &Arc<Self>,
        machine: &str,
        name: Option<&str>,
        input: Value,
        started_by: Option<Arc<str>>,
    ) -> Result<ExecutionId, StartError> {
        let registered = self.machine(machine)?;
        let name = match name {
            Some(name) if is_name(name) => name.to_owned(),
            Some(name) => return Err(StartError::InvalidName(name.to_owned())),
            None => uuid(&*self.runtime.entropy),
        };
        if exceeds(&input, MAX_PAYLOAD) {
            return Err(StartError::InputTooLarge);
        }
        match registered.machine.kind {
            Kind::Standard => {
                let mut identity = self.identity(&registered, &name);
                identity.started_by = started_by;
                self.start_standard(&registered, identity, input).await
            }
            Kind::Express => {
                let id = self.identity(&registered, &name).execution_id;
                let shared = Arc::clone(self);
                self.runtime.spawn(async move {
                    shared.run_express(&registered, &name, input).await;
                });
                Ok(ExecutionId::from(id))
            }
        }
    }

    fn identity(&self, registered: &Registered, name: &str) -> Identity {
        let Place {
            region, account, ..
        } = &self.place;
        let machine = &registered.name;
        let execution_id = match registered.machine.kind {
            Kind::Standard => {
                format!("arn:aws:states:{region}:{account}:execution:{machine}:{name}")
            }
            Kind::Express => format!("arn:aws:states:{region}:{account}:express:{machine}:{name}"),
        };
        Identity {
            execution_id: execution_id.into(),
            execution_name: name.into(),
            machine_id: Arc::clone(&registered.id),
            machine_name: Arc::clone(machine),
            role_arn: Arc::clone(&self.role_arn),
            started_by: None,
        }
    }

    fn around(&self, recording: Recording) -> Surroundings<'_> {
        Surroundings {
            now: self.runtime.now(),
            entropy: &self.runtime.entropy,
            recording,
        }
    }

    async fn deliver(self: &Arc<Self>, token: &str, input: Input) -> Result<(), TokenError> {
        let id = execution_of(token).ok_or(TokenError::InvalidToken)?;
        let active = self
            .find(&ExecutionId::new(id))
            .ok_or(TokenError::TaskTimedOut)?;
        let taken = self.post_and_wait(&active, input).await;
        taken.map_err(|_| TokenError::TaskTimedOut)
    }

    fn find(&self, id: &ExecutionId) -> Option<Arc<Active>> {
        locked(&self.active).get(id).cloned()
    }
}

/// A poisoned lock is taken anyway: no invariant spans a panic here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '!' | '@');
    (1..=80).contains(&name.chars().count()) && name.chars().all(fits)
}

#[cfg(test)]
mod tests;
