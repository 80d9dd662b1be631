//! How data goes into a state's work and out of it again, in the state's language.
//!
//! ```text
//! JSONata                      JSONPath
//! input                        input ── InputPath ──> `$` of every field
//!   │ Arguments                           │ Parameters, ItemSelector
//!   v                                     v
//! work ──> $states.result      work ──> result ── ResultSelector
//!   │ Output                              │ ResultPath, into the input
//!   v                                     │ OutputPath
//! output                                  v output
//! ```
//!
//! Both are read with the machine. Whoever runs it asks an [`Intake`] what a state's fields see
//! and its work is given, and a [`Yield`] what it leaves behind, and knows no language.

use std::borrow::Cow;

use serde_json::Value;

use crate::query::{EvaluationError, Place, Scope, Selection, Template};

/// What a state's fields see, and what its work is given.
#[derive(Debug)]
pub(crate) enum Intake {
    /// `Arguments`; without it, the input.
    Jsonata(Option<Template>),
    /// `InputPath`, then `Parameters`.
    JsonPath {
        input: Selection,
        parameters: Option<Template>,
    },
}

/// What a state gives when it is left one way: by its end, a choice, or a catcher.
#[derive(Debug)]
pub(crate) enum Yield {
    /// `Output`; without it, the result.
    Jsonata(Option<Template>),
    /// `ResultSelector`, `ResultPath`, `OutputPath`.
    JsonPath {
        selector: Option<Template>,
        place: Place,
        output: Selection,
    },
}

impl Intake {
    /// Whether the work is given the state's input as it came.
    pub(crate) fn is_plain(&self) -> bool {
        match self {
            Self::Jsonata(arguments) => arguments.is_none(),
            Self::JsonPath { input, parameters } => {
                matches!(input, Selection::Whole) && parameters.is_none()
            }
        }
    }

    /// What the state's fields see of its input.
    ///
    /// # Errors
    /// When `InputPath` leads nowhere.
    pub(crate) fn input<'a>(&self, scope: &Scope<'a>) -> Result<Cow<'a, Value>, EvaluationError> {
        match self {
            Self::Jsonata(_) => Ok(Cow::Borrowed(scope.input)),
            Self::JsonPath { input, .. } => input.select(scope),
        }
    }

    /// What the work is given, where `scope` has what the fields see.
    ///
    /// # Errors
    /// Those of `Arguments` or `Parameters`.
    pub(crate) fn arguments(&self, scope: &Scope<'_>) -> Result<Value, EvaluationError> {
        match self {
            Self::Jsonata(Some(arguments)) => arguments.evaluate(&"Arguments", scope),
            Self::JsonPath {
                parameters: Some(parameters),
                ..
            } => parameters.evaluate(&"Parameters", scope),
            Self::Jsonata(None) | Self::JsonPath { .. } => Ok(scope.input.clone()),
        }
    }
}

impl Intake {
    /// That the state cannot work on its input: in JSONata's words, `message`.
    pub(crate) fn unfit(&self, message: String) -> EvaluationError {
        match self {
            Self::Jsonata(_) => EvaluationError::jsonata(None, message),
            Self::JsonPath { .. } => {
                EvaluationError::runtime("Reference path \"$\" must point to array.".to_owned())
            }
        }
    }
}

impl Yield {
    /// What `Assign` sees: in JSONPath `$` is the result, or the error.
    pub(crate) fn assigning<'a>(&self, scope: &Scope<'a>) -> Scope<'a> {
        let given = scope.result.or(scope.error_output);
        match (self, given) {
            (Self::JsonPath { .. }, Some(given)) => Scope {
                input: given,
                ..*scope
            },
            _ => *scope,
        }
    }

    /// The state's output; nothing where it is the result as it is, or without one the input.
    ///
    /// # Errors
    /// Those of the fields.
    pub(crate) fn output(&self, scope: &Scope<'_>) -> Result<Option<Value>, EvaluationError> {
        match self {
            Self::Jsonata(output) => {
                let output = output.as_ref();
                output
                    .map(|output| output.evaluate(&"Output", scope))
                    .transpose()
            }
            Self::JsonPath {
                selector,
                place,
                output,
            } => {
                let given = scope.result.or(scope.error_output);
                let placed = match given {
                    Some(given) => placed(given, selector.as_ref(), place, scope)?,
                    // Where nothing was selected, the input goes on without a copy.
                    None if std::ptr::eq(scope.input, scope.raw) => None,
                    None => Some(scope.input.clone()),
                };
                selected(placed, output, scope)
            }
        }
    }
}

/// The input with the result in its place; nothing where that is the result as it is.
fn placed(
    given: &Value,
    selector: Option<&Template>,
    place: &Place,
    scope: &Scope<'_>,
) -> Result<Option<Value>, EvaluationError> {
    let selected = match selector {
        Some(selector) => {
            let scope = Scope {
                input: given,
                ..*scope
            };
            Some(selector.evaluate(&"ResultSelector", &scope)?)
        }
        None => None,
    };
    match (place, selected) {
        (Place::Whole, selected) => Ok(selected),
        (Place::Nowhere, _) => Ok(Some(scope.raw.clone())),
        (place, selected) => place
            .put(scope.raw, selected.unwrap_or_else(|| given.clone()))
            .map(Some),
    }
}

/// The part of the output that `OutputPath` names.
fn selected(
    placed: Option<Value>,
    output: &Selection,
    scope: &Scope<'_>,
) -> Result<Option<Value>, EvaluationError> {
    if matches!(output, Selection::Whole) {
        return Ok(placed);
    }
    let whole = scope.result.or(scope.error_output).unwrap_or(scope.input);
    let scope = Scope {
        input: placed.as_ref().unwrap_or(whole),
        ..*scope
    };
    output.select(&scope).map(|part| Some(part.into_owned()))
}

impl Default for Yield {
    fn default() -> Self {
        Self::Jsonata(None)
    }
}
