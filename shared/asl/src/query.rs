//! The seam between a state's fields and the language they are written in.
//!
//! A state's fields hold [`Template`]s and [`Condition`]s; only this module knows what language
//! they are written in. JSONata: [`Expression`]. JSONPath: [`Query`], a [`Path`] or an
//! [`Intrinsic`] call. All of them are parsed when the machine is.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use engine::runtime::{Entropy, Time};
use serde_json::Value;

use crate::failure::{
    DATA_LIMIT_EXCEEDED, INTRINSIC_FAILURE, MAX_PAYLOAD, QUERY_EVALUATION_ERROR, RUNTIME, cost,
};

mod condition;
mod convert;
mod direct;
mod functions;
mod intrinsic;
mod jsonata;
mod jsonpath;
mod path;
mod place;
mod template;

pub(crate) use condition::{Comparand, Condition, Relation, Test, Type, pattern};
pub(crate) use intrinsic::Intrinsic;
pub(crate) use jsonata::Expression;
pub(crate) use jsonpath::{Query, Selection};
pub(crate) use path::{Path, SyntaxError};
pub(crate) use place::Place;
pub(crate) use template::Template;

/// AWS's limit on a cause, in characters.
const MAX_CAUSE: usize = 32 * 1024;

/// The variables a state can read, by name.
pub(crate) type Variables = BTreeMap<Arc<str>, Arc<Value>>;

/// Everything an expression may read. Absent members of `$states` are undefined.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// `$states.input`, or what `$` names in JSONPath.
    pub(crate) input: &'a Value,
    /// The state's input as it came, before `InputPath`.
    pub(crate) raw: &'a Value,
    pub(crate) result: Option<&'a Value>,
    pub(crate) error_output: Option<&'a Value>,
    /// Builds `$states.context`, which few expressions read.
    pub(crate) context: &'a dyn Fn() -> Value,
    pub(crate) variables: &'a Variables,
    pub(crate) now: Time,
    pub(crate) entropy: &'a Arc<dyn Entropy>,
    pub(crate) budget: &'a Budget,
}

/// What the evaluation of one field may still use up, so that no definition can take the machine
/// it runs on. JSONata has bounds of its own.
pub(crate) struct Budget {
    bytes: Cell<usize>,
    visits: Cell<u32>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            bytes: Cell::new(4 * MAX_PAYLOAD),
            visits: Cell::new(1_000_000),
        }
    }
}

impl Budget {
    /// Takes the size of a value that is copied; false when that is too much.
    fn spend(&self, value: &Value) -> bool {
        let left = cost(value, self.bytes.get());
        self.bytes.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Takes a look at one node of a value.
    fn visit(&self) -> Result<(), path::Miss> {
        let left = self.visits.get().checked_sub(1);
        self.visits.set(left.unwrap_or(0));
        left.map(drop).ok_or(path::Miss::Exhausted)
    }
}

/// Why an evaluation gave no usable value. Its text follows "An error occurred …" in a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EvaluationError {
    /// The error name; JSONata knows only [`QUERY_EVALUATION_ERROR`].
    pub(crate) error: &'static str,
    /// The field in the state, such as `Output/result`; JSONPath's causes name it themselves.
    pub(crate) location: Option<String>,
    /// What AWS would say about it.
    pub(crate) message: String,
}

impl EvaluationError {
    pub(crate) fn jsonata(location: Option<String>, message: String) -> Self {
        Self {
            error: QUERY_EVALUATION_ERROR,
            location,
            message,
        }
    }

    /// A path leads nowhere, or to the wrong thing: the execution cannot go on.
    pub(crate) fn runtime(message: String) -> Self {
        Self::named(RUNTIME, message)
    }

    pub(crate) fn intrinsic(message: String) -> Self {
        Self::named(INTRINSIC_FAILURE, message)
    }

    pub(crate) fn too_large() -> Self {
        let message = "The state makes more data than the service limit allows.";
        Self::named(DATA_LIMIT_EXCEEDED, message.to_owned())
    }

    pub(crate) fn named(error: &'static str, message: String) -> Self {
        Self {
            error,
            location: None,
            message,
        }
    }
}

/// A value in a cause, cut where AWS cuts causes.
fn shown(value: &Value) -> String {
    let mut text = value.to_string();
    text.truncate(text.floor_char_boundary(MAX_CAUSE));
    text
}

/// Whether two values are the same; numbers are compared by value, so 1 is 1.0.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(l), Value::Number(r)) => l == r || l.as_f64() == r.as_f64(),
        (Value::Array(l), Value::Array(r)) => {
            l.len() == r.len() && l.iter().zip(r).all(|(l, r)| equal(l, r))
        }
        (Value::Object(l), Value::Object(r)) => {
            let same = |(name, l): (&String, &Value)| r.get(name).is_some_and(|r| equal(l, r));
            l.len() == r.len() && l.iter().all(same)
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests;
