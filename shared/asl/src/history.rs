//! The events of an execution, named as `GetExecutionHistory` names them.

use std::sync::Arc;

use engine::runtime::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// AWS's limit on the events of one Standard execution.
pub const MAX_EVENTS: u64 = 25_000;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEvent {
    /// Counts from 1.
    pub id: u64,
    /// When it happened.
    pub timestamp: Time,
    /// What happened.
    #[serde(rename = "type")]
    pub event: Event,
    /// What it happened to, and with.
    #[serde(flatten)]
    pub details: Details,
}

/// The members of an event; each event has those that make sense for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// The state, or for an iteration its Map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// The place of an item in its Map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// What a state was entered with, or a function called with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Arc<Value>>,
    /// What a state or function gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Arc<Value>>,
    /// The variables a state assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned: Option<Arc<Value>>,
    /// The error name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The error's cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The field whose evaluation failed, such as `Output/result`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

macro_rules! events {
    ($($name:ident)*) => {
        /// The type of a [`HistoryEvent`]; the names are AWS's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "AWS documents them: HistoryEvent, member type")]
        pub enum Event { $($name),* }

        impl Event {
            /// AWS's name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }
        }
    };
}

events! {
    ChoiceStateEntered ChoiceStateExited
    EvaluationFailed
    ExecutionAborted ExecutionFailed ExecutionRedriven ExecutionStarted ExecutionSucceeded ExecutionTimedOut
    FailStateEntered
    LambdaFunctionFailed LambdaFunctionScheduled LambdaFunctionStarted LambdaFunctionSucceeded
    LambdaFunctionTimedOut
    MapIterationAborted MapIterationFailed MapIterationStarted MapIterationSucceeded
    MapStateAborted MapStateEntered MapStateExited MapStateFailed MapStateStarted
    MapStateSucceeded
    ParallelStateAborted ParallelStateEntered ParallelStateExited ParallelStateFailed
    ParallelStateStarted
    PassStateEntered PassStateExited
    SucceedStateEntered SucceedStateExited
    TaskFailed TaskScheduled TaskStarted TaskStateAborted TaskStateEntered TaskStateExited
    TaskSubmitted TaskSucceeded TaskTimedOut
    WaitStateAborted WaitStateEntered WaitStateExited
}
