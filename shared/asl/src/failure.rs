//! What went wrong in a state, by the error names that AWS documents.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Matches every error but [`DATA_LIMIT_EXCEEDED`] and [`RUNTIME`].
pub const ALL: &str = "States.ALL";
/// A payload is larger than 256 KiB.
pub const DATA_LIMIT_EXCEEDED: &str = "States.DataLimitExceeded";
/// More items of a Map failed than it tolerates.
pub const EXCEED_TOLERATED_FAILURE_THRESHOLD: &str = "States.ExceedToleratedFailureThreshold";
/// No sign of life within `HeartbeatSeconds`; only `Retry` and `Catch` see this name.
pub const HEARTBEAT_TIMEOUT: &str = "States.HeartbeatTimeout";
/// An intrinsic function cannot take its arguments.
pub const INTRINSIC_FAILURE: &str = "States.IntrinsicFailure";
/// No choice applies and there is no default.
pub const NO_CHOICE_MATCHED: &str = "States.NoChoiceMatched";
/// An expression failed, or gave nothing, or a value of the wrong type.
pub const QUERY_EVALUATION_ERROR: &str = "States.QueryEvaluationError";
/// `ItemsPath` leads nowhere; AWS does not document it.
pub const REFERENCE_PATH_CONFLICT: &str = "States.ReferencePathConflict";
/// `ResultPath` leads through something that is not an object or array.
pub const RESULT_PATH_MATCH_FAILURE: &str = "States.ResultPathMatchFailure";
/// The execution cannot go on; neither retried nor caught by [`ALL`].
pub const RUNTIME: &str = "States.Runtime";
/// Matches every error but a timeout; the error of a child execution that failed.
pub const TASK_FAILED: &str = "States.TaskFailed";
/// A task or the execution took too long.
pub const TIMEOUT: &str = "States.Timeout";

/// The limit on a payload, in bytes of JSON.
pub const MAX_PAYLOAD: usize = 256 * 1024;

/// An error name and its cause; a Fail state may leave out either.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The name that `ErrorEquals` matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Free text; for a function it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// A timeout for want of a heartbeat.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) heartbeat: bool,
}

impl Failure {
    /// An error with a cause.
    #[must_use]
    pub fn new(error: impl Into<String>, cause: impl Into<String>) -> Self {
        Self {
            error: Some(error.into()),
            cause: Some(cause.into()),
            heartbeat: false,
        }
    }

    pub(crate) fn timeout(heartbeat: bool) -> Self {
        Self {
            error: Some(TIMEOUT.to_owned()),
            cause: None,
            heartbeat,
        }
    }

    /// `source` gave more than [`MAX_PAYLOAD`].
    pub(crate) fn too_large(source: &str) -> Self {
        Self::new(
            DATA_LIMIT_EXCEEDED,
            format!(
                "The state/task '{source}' returned a result with a size exceeding the maximum number of bytes service limit."
            ),
        )
    }

    /// Whether one of the names of an `ErrorEquals` means this failure.
    pub(crate) fn matches(&self, names: &[String]) -> bool {
        let error = self.error.as_deref().unwrap_or_default();
        names.iter().any(|name| match name.as_str() {
            ALL => !matches!(error, DATA_LIMIT_EXCEEDED | RUNTIME),
            TASK_FAILED => !matches!(error, TIMEOUT | DATA_LIMIT_EXCEEDED | RUNTIME),
            HEARTBEAT_TIMEOUT => self.heartbeat || error == HEARTBEAT_TIMEOUT,
            // AWS ends the execution even when it is named.
            RUNTIME => false,
            name => name == error,
        })
    }

    /// `$states.errorOutput`.
    pub(crate) fn output(&self) -> Value {
        let mut output = Map::with_capacity(2);
        if let Some(error) = &self.error {
            output.insert("Error".to_owned(), Value::String(error.clone()));
        }
        if let Some(cause) = &self.cause {
            output.insert("Cause".to_owned(), Value::String(cause.clone()));
        }
        Value::Object(output)
    }
}

/// Deeper values could not be read again from a journal.
const MAX_DEPTH: usize = 100;

/// Whether `value` takes more than `limit` bytes as JSON, or is nested too deeply to be kept.
pub(crate) fn exceeds(value: &Value, limit: usize) -> bool {
    // Most values fit even if every character had to be escaped, which is quick to see.
    !fits(value, &mut limit.clone(), longest, MAX_DEPTH)
        && !fits(value, &mut limit.clone(), escaped, MAX_DEPTH)
}

/// What `value` leaves of `limit` bytes; nothing when it does not fit.
pub(crate) fn cost(value: &Value, limit: usize) -> Option<usize> {
    let mut left = limit;
    fits(value, &mut left, str::len, usize::MAX).then_some(left)
}

/// Takes the bytes of `value` from `left`, until there are too few or it is too deep.
fn fits(value: &Value, left: &mut usize, length: fn(&str) -> usize, depth: usize) -> bool {
    match value {
        Value::Null | Value::Bool(true) => take(left, 4),
        Value::Bool(false) => take(left, 5),
        Value::Number(n) => match n.as_u64() {
            Some(n) => take(left, decimal_digits(n)),
            None => take(left, n.to_string().len()),
        },
        Value::String(text) => take(left, 2 + length(text)),
        Value::Array(_) | Value::Object(_) if depth == 0 => false,
        Value::Array(items) => {
            take(left, 1 + items.len().max(1))
                && items.iter().all(|item| fits(item, left, length, depth - 1))
        }
        Value::Object(fields) => {
            take(left, 1 + fields.len().max(1))
                && fields.iter().all(|(name, value)| {
                    take(left, 3 + length(name)) && fits(value, left, length, depth - 1)
                })
        }
    }
}

fn take(left: &mut usize, bytes: usize) -> bool {
    let enough = *left >= bytes;
    *left = left.saturating_sub(bytes);
    enough
}

fn decimal_digits(n: u64) -> usize {
    n.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// More than `text` can take inside quotes.
fn longest(text: &str) -> usize {
    text.len().saturating_mul(6)
}

/// What `text` takes inside quotes.
fn escaped(text: &str) -> usize {
    let extra = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.len() + text.as_bytes().iter().map(extra).sum::<usize>()
}

#[cfg(test)]
mod tests;
