//! What executions are called, and what is told of them.

use std::fmt;
use std::sync::Arc;

use engine::runtime::Time;
use serde_json::Value;

use crate::{Execution, Outcome};

/// Names one execution; written as an ARN.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExecutionId(Arc<str>);

impl ExecutionId {
    /// The id written as `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Arc<str>> for ExecutionId {
    fn from(id: Arc<str>) -> Self {
        Self(id)
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the ARNs of this runner's machines and executions say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The region part.
    pub region: String,
    /// The account part.
    pub account: String,
    /// `$states.context.Execution.RoleArn`.
    pub role_arn: String,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            region: "local".to_owned(),
            account: "000000000000".to_owned(),
            role_arn: "arn:aws:iam::000000000000:role/local".to_owned(),
        }
    }
}

/// An execution, as `DescribeExecution` shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Its id.
    pub id: ExecutionId,
    /// The name of its machine.
    pub machine: String,
    /// Its name.
    pub name: String,
    /// Its input.
    pub input: Arc<Value>,
    /// How it ended; nothing while it runs.
    pub outcome: Option<Outcome>,
    /// When it was started.
    pub started: Time,
    /// When it ended.
    pub stopped: Option<Time>,
}

impl Description {
    /// `execution` as it is now.
    pub(super) fn of(execution: &Execution) -> Self {
        let identity = execution.identity();
        Self {
            id: ExecutionId::from(Arc::clone(&identity.execution_id)),
            machine: identity.machine_name.to_string(),
            name: identity.execution_name.to_string(),
            input: Arc::clone(execution.input()),
            outcome: execution.outcome().cloned(),
            started: execution.started(),
            stopped: execution.stopped(),
        }
    }
}
