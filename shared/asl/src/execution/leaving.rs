//! Leaving a state: what it assigns, what it gives, where it leads.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::evaluation::Readable;
use super::step::{Moved, Step};
use super::thread::Thread;
use crate::failure::{Failure, MAX_PAYLOAD, exceeds};
use crate::history::{Details, Event};
use crate::machine::{Exit, State, Work};

/// What a state is left with, beside its input.
pub(super) enum Given {
    Nothing,
    /// `$states.result`.
    Result(Arc<Value>),
    /// `$states.errorOutput`.
    Error(Arc<Value>),
}

impl Given {
    fn readable(&self) -> Readable<'_> {
        let (result, error_output) = match self {
            Self::Nothing => (None, None),
            Self::Result(value) => (Some(&**value), None),
            Self::Error(value) => (None, Some(&**value)),
        };
        Readable {
            result,
            error_output,
            ..Readable::default()
        }
    }

    fn into_value(self) -> Option<Arc<Value>> {
        match self {
            Self::Nothing => None,
            Self::Result(value) | Self::Error(value) => Some(value),
        }
    }
}

impl Step<'_> {
    /// Leaves the state by `exit`.
    pub(super) fn complete(
        &mut self,
        state: &State,
        exit: &Exit,
        thread: &mut Thread,
        given: Given,
    ) -> Result<Moved, Failure> {
        let readable = given.readable();
        let mut assigned = Vec::with_capacity(exit.assign.len());
        for (name, template) in &exit.assign {
            let value = self.evaluate(state, thread, readable, |scope| {
                let scope = exit.yields.assigning(scope);
                template.evaluate(&format_args!("Assign/{name}"), &scope)
            })?;
            assigned.push((Arc::clone(name), Arc::new(limited(value, &state.name)?)));
        }
        let output = self.evaluate(state, thread, readable, |scope| exit.yields.output(scope))?;
        let output = match output {
            Some(value) => Some(Arc::new(limited(value, &state.name)?)),
            None => given.into_value(),
        };
        if let Some(output) = output {
            thread.input = output;
        }
        self.log_exit(state, thread, &assigned);
        if !assigned.is_empty() {
            Arc::make_mut(&mut thread.variables).extend(assigned);
        }
        Ok(exit.next.map_or(Moved::Ended, Moved::To))
    }

    fn log_exit(&mut self, state: &State, thread: &Thread, assigned: &[(Arc<str>, Arc<Value>)]) {
        let Some(exited) = exited(state) else {
            return;
        };
        self.log(exited, || {
            let fields = assigned.iter();
            let fields = fields.map(|(name, value)| (name.to_string(), Value::clone(value)));
            Details {
                name: Some(Arc::clone(&state.name)),
                output: Some(Arc::clone(&thread.input)),
                assigned: (!assigned.is_empty())
                    .then(|| Arc::new(Value::Object(fields.collect::<Map<_, _>>()))),
                ..Details::default()
            }
        });
    }
}

/// `value`, unless it is larger than AWS allows.
pub(super) fn limited(value: Value, source: &str) -> Result<Value, Failure> {
    if exceeds(&value, MAX_PAYLOAD) {
        return Err(Failure::too_large(source));
    }
    Ok(value)
}

fn exited(state: &State) -> Option<Event> {
    Some(match state.work {
        Work::Pass(_) => Event::PassStateExited,
        Work::Succeed => Event::SucceedStateExited,
        Work::Fail { .. } => return None,
        Work::Wait(_) => Event::WaitStateExited,
        Work::Choice(_) => Event::ChoiceStateExited,
        Work::Task(_) => Event::TaskStateExited,
        Work::Parallel { .. } => Event::ParallelStateExited,
        Work::Map(_) => Event::MapStateExited,
    })
}
