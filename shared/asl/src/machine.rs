//! A definition, compiled: every name resolved, every expression parsed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::query::{Condition, Template};

mod fields;
mod flow;
mod integrations;
mod io;
mod languages;
mod resource;
mod states;
mod timestamp;

pub(crate) use fields::nearest;
pub(crate) use io::{Intake, Yield};
pub(crate) use resource::{Call, Pattern, Resource};
pub(crate) use timestamp::parse as parse_timestamp;

/// How a state machine's executions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// Journalled: survives a restart, may wait for a year.
    Standard,
    /// In memory: at most five minutes, no task tokens.
    Express,
}

/// Index of a state in its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct StateId(pub(crate) u32);

/// A validated state machine. Share it in an [`Arc`]; executions only borrow it.
#[derive(Debug)]
pub struct StateMachine {
    pub(crate) kind: Kind,
    pub(crate) definition: Arc<str>,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) start: StateId,
    pub(crate) states: Vec<State>,
}

impl StateMachine {
    /// Compiles the JSON text of a definition.
    ///
    /// # Errors
    /// Every reason AWS would give to refuse it, or that this interpreter cannot run it.
    pub fn parse(definition: &str, kind: Kind) -> Result<Self, Vec<Diagnostic>> {
        flow::parse(definition, kind)
    }

    /// As [`StateMachine::parse`], from JSON already read.
    ///
    /// # Errors
    /// As [`StateMachine::parse`].
    pub fn from_value(definition: &Value, kind: Kind) -> Result<Self, Vec<Diagnostic>> {
        flow::from_value(definition, definition.to_string(), kind)
    }

    /// Standard or Express.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The text this machine was compiled from.
    #[must_use]
    pub fn definition(&self) -> &Arc<str> {
        &self.definition
    }

    /// The functions that task states name without an expression, in order of appearance.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.states.iter().filter_map(State::function)
    }

    /// The names of the states, nested ones included, in order of appearance.
    pub fn state_names(&self) -> impl Iterator<Item = &str> {
        self.states.iter().map(|state| &*state.name)
    }

    /// An id that an execution of an older definition kept may not exist here.
    pub(crate) fn state(&self, id: StateId) -> Option<&State> {
        self.states.get(id.0 as usize)
    }
}

/// One state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: Arc<str>,
    pub(crate) intake: Intake,
    pub(crate) work: Work,
    pub(crate) exit: Exit,
    pub(crate) retriers: Vec<Retrier>,
    pub(crate) catchers: Vec<Catcher>,
}

/// What a state does between being entered and left.
#[derive(Debug)]
pub(crate) enum Work {
    Pass(Made),
    Succeed,
    Fail {
        error: Option<Template>,
        cause: Option<Template>,
    },
    Wait(Until),
    Choice(Vec<Rule>),
    Task(Box<Task>),
    Parallel {
        branches: Vec<StateId>,
    },
    Map(Box<Map>),
}

/// What a Pass state makes.
#[derive(Debug)]
pub(crate) enum Made {
    /// Nothing: JSONata has `Output` for that.
    Nothing,
    /// `Result`.
    Result(Arc<Value>),
    /// What its work is given.
    Arguments,
}

/// How a state is left: what it assigns, what it gives, where it leads.
#[derive(Debug, Default)]
pub(crate) struct Exit {
    pub(crate) assign: Vec<(Arc<str>, Template)>,
    pub(crate) yields: Arc<Yield>,
    /// Nothing ends the flow.
    pub(crate) next: Option<StateId>,
}

/// The end of a wait.
#[derive(Debug)]
pub(crate) enum Until {
    Seconds(Template),
    Timestamp(Template),
}

/// One choice.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) condition: Condition,
    pub(crate) exit: Exit,
}

/// A call to something outside.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) resource: Resource,
    /// Evaluated as AWS does, then unused: this machine has no roles.
    pub(crate) credentials: Option<Template>,
    pub(crate) timeout: Option<Template>,
    pub(crate) heartbeat: Option<Template>,
}

/// One flow for each item.
#[derive(Debug)]
pub(crate) struct Map {
    pub(crate) items: Option<Template>,
    pub(crate) selector: Option<Template>,
    pub(crate) processor: StateId,
    pub(crate) max_concurrency: Option<Template>,
    pub(crate) tolerated_count: Option<Template>,
    pub(crate) tolerated_percentage: Option<Template>,
}

/// When to try again.
#[derive(Debug)]
pub(crate) struct Retrier {
    pub(crate) errors: Vec<String>,
    pub(crate) interval_seconds: u64,
    pub(crate) max_attempts: u32,
    pub(crate) backoff_rate: f64,
    pub(crate) max_delay_seconds: Option<u64>,
    pub(crate) jitter: Jitter,
}

/// Whether a retry delay is spread at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jitter {
    Full,
    None,
}

/// Where to go after an error.
#[derive(Debug)]
pub(crate) struct Catcher {
    pub(crate) errors: Vec<String>,
    pub(crate) exit: Exit,
}

impl State {
    fn function(&self) -> Option<&str> {
        let Work::Task(task) = &self.work else {
            return None;
        };
        let (Intake::Jsonata(arguments)
        | Intake::JsonPath {
            parameters: arguments,
            ..
        }) = &self.intake;
        match (&task.resource.call, arguments) {
            (Call::Function(arn), _) => Some(arn),
            (Call::LambdaInvoke, Some(Template::Constant(arguments))) => {
                arguments.get("FunctionName")?.as_str()
            }
            (Call::LambdaInvoke, Some(Template::Object(fields))) => {
                let (_, name) = fields.iter().find(|(name, _)| name == "FunctionName")?;
                match name {
                    Template::Constant(name) => name.as_str(),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
