//! What is tried again: as a step says, and where a function broke off.

use serde_json::{Value, json};

use crate::workflow::plan::{Action, Step};

/// What trying again does not help.
const FINAL: [&str; 11] = [
    "Invalid",
    "NotFound",
    "Unauthenticated",
    "Forbidden",
    "ModelFailed",
    "ToolFailed",
    "Unknown",
    "Denied",
    "Internal",
    "States.Timeout",
    "States.QueryEvaluationError",
];

/// What a `retry` that names no errors is for.
const PASSING: [&str; 4] = ["ToolFailed", "ModelFailed", "Unavailable", "States.Timeout"];

/// What is tried again without being asked to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Retried {
    /// A function that broke off or could not be reached: it knows what it has done.
    Function,
    /// Nothing.
    Flow,
}

/// The retriers of a function that no step says anything about.
pub(super) fn of_function() -> Value {
    json!([never(&FINAL), infrastructure()])
}

/// The retriers of a step.
pub(super) fn of_step(step: &Step, retried: Retried) -> Vec<Value> {
    let own = step.retry.as_ref().map(|retry| {
        let on: Vec<&str> = match retry.on.as_slice() {
            [] if retried == Retried::Flow => vec!["States.ALL"],
            [] => PASSING.to_vec(),
            some => some.iter().map(String::as_str).collect(),
        };
        let mut retrier = json!({
            "ErrorEquals": on,
            "IntervalSeconds": retry.interval.as_secs().max(1),
            "BackoffRate": retry.backoff,
            "MaxAttempts": retry.max_attempts - 1,
            "MaxDelaySeconds": retry.max_interval.as_secs().max(2),
        });
        if retry.jitter {
            retrier["JitterStrategy"] = Value::from("FULL");
        }
        (
            on.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
            retrier,
        )
    });
    let taken: Vec<String> = own.as_ref().map_or_else(Vec::new, |(on, _)| on.clone());
    let mut retriers: Vec<Value> = own.into_iter().map(|(_, retrier)| retrier).collect();
    if retried == Retried::Function && !taken.iter().any(|name| name == "States.ALL") {
        let unacknowledged = match &step.action {
            Action::Notify(notification) if notification.acknowledge.is_some() => {
                Some("Unacknowledged")
            }
            _ => None,
        };
        let never_again: Vec<&str> = FINAL
            .into_iter()
            .chain(unacknowledged)
            .filter(|name| !taken.iter().any(|on| on == name))
            .collect();
        retriers.push(never(&never_again));
        if !taken.iter().any(|name| name == "States.TaskFailed") {
            retriers.push(infrastructure());
        }
    }
    retriers
}

fn never(errors: &[&str]) -> Value {
    json!({ "ErrorEquals": errors, "MaxAttempts": 0 })
}

/// A function that broke off, or could not be called.
fn infrastructure() -> Value {
    json!({
        "ErrorEquals": ["States.TaskFailed"],
        "IntervalSeconds": 2,
        "BackoffRate": 2,
        "MaxAttempts": 8,
        "MaxDelaySeconds": 300,
        "JitterStrategy": "FULL",
    })
}
