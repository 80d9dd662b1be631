//! Evaluates the fields of a state on behalf of a thread.

use std::sync::Arc;

use serde_json::Value;

use super::context;
use super::leaving::limited;
use super::step::Step;
use super::thread::Thread;
use crate::failure::{Failure, QUERY_EVALUATION_ERROR};
use crate::history::{Details, Event};
use crate::machine::State;
use crate::query::{Budget, EvaluationError, Scope, Template};

/// What else an expression may read, beside the input and the variables.
#[derive(Clone, Copy, Default)]
pub(super) struct Readable<'a> {
    pub(super) result: Option<&'a Value>,
    pub(super) error_output: Option<&'a Value>,
    pub(super) token: Option<&'a str>,
    pub(super) item: Option<(usize, &'a Value)>,
}

impl Step<'_> {
    /// Runs `evaluate` with what the thread may read; a failure is logged.
    pub(super) fn evaluate<T>(
        &mut self,
        state: &State,
        thread: &Thread,
        readable: Readable<'_>,
        evaluate: impl FnOnce(&Scope<'_>) -> Result<T, EvaluationError>,
    ) -> Result<T, Failure> {
        let scope = Scope {
            input: &thread.input,
            raw: &thread.input,
            result: readable.result,
            error_output: readable.error_output,
            context: &|| context::object(self.execution, thread, state, readable),
            variables: &thread.variables,
            now: self.around.now,
            entropy: self.around.entropy,
            budget: &Budget::default(),
        };
        let seen = state.intake.input(&scope);
        let evaluated = seen.and_then(|input| {
            evaluate(&Scope {
                input: &input,
                ..scope
            })
        });
        evaluated.map_err(|error| self.evaluation_failed(state, thread, error))
    }

    /// What the state's work is given.
    pub(super) fn arguments(
        &mut self,
        state: &State,
        thread: &Thread,
        readable: Readable<'_>,
    ) -> Result<Arc<Value>, Failure> {
        if state.intake.is_plain() {
            return Ok(Arc::clone(&thread.input));
        }
        let arguments = self.evaluate(state, thread, readable, |scope| {
            state.intake.arguments(scope)
        })?;
        Ok(Arc::new(limited(arguments, &state.name)?))
    }

    /// A field that must be text.
    pub(super) fn text(
        &mut self,
        state: &State,
        thread: &Thread,
        field: &str,
        template: Option<&Template>,
    ) -> Result<Option<String>, Failure> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        template
            .map(|template| {
                self.evaluate(state, thread, Readable::default(), |scope| {
                    template.evaluate_as("string", field, scope, text)
                })
            })
            .transpose()
    }

    /// A field that must be a whole number that is not negative.
    pub(super) fn whole(
        &mut self,
        state: &State,
        thread: &Thread,
        field: &str,
        template: &Template,
    ) -> Result<u64, Failure> {
        let number = self.number(state, thread, field, template)?;
        if number.fract() == 0.0 && (0.0..=9e15).contains(&number) {
            // In range, so the cast is exact.
            return Ok(number as u64);
        }
        let message = format!("The {field} field must be a non-negative integer but was: {number}");
        let error = template.unfit(field, &Value::from(number), message);
        Err(self.evaluation_failed(state, thread, error))
    }

    /// A field that must be a number.
    pub(super) fn number(
        &mut self,
        state: &State,
        thread: &Thread,
        field: &str,
        template: &Template,
    ) -> Result<f64, Failure> {
        self.evaluate(state, thread, Readable::default(), |scope| {
            template.evaluate_as("number", field, scope, Value::as_f64)
        })
    }

    /// The failure that an evaluation ends in; JSONata's are logged.
    pub(super) fn evaluation_failed(
        &mut self,
        state: &State,
        thread: &Thread,
        error: EvaluationError,
    ) -> Failure {
        if error.error == QUERY_EVALUATION_ERROR {
            return self.query_failure(state, thread, error.location, &error.message);
        }
        Failure::new(error.error, in_state(state, thread, &error.message))
    }

    /// Logs that a field cannot be evaluated.
    pub(super) fn query_failure(
        &mut self,
        state: &State,
        thread: &Thread,
        location: Option<String>,
        message: &str,
    ) -> Failure {
        let failure = Failure::new(QUERY_EVALUATION_ERROR, in_state(state, thread, message));
        self.log(Event::EvaluationFailed, || Details {
            name: Some(state.name.clone()),
            location,
            error: failure.error.clone(),
            cause: failure.cause.clone(),
            ..Details::default()
        });
        failure
    }
}

/// How AWS begins the cause of an error of its own.
pub(super) fn in_state(state: &State, thread: &Thread, message: &str) -> String {
    format!(
        "An error occurred while executing the state '{}' (entered at the event id #{}). {message}",
        state.name, thread.entered_event
    )
}
