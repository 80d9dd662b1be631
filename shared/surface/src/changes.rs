//! What is told to who watches a tenant's runs and approvals.

use schemars::JsonSchema;
use serde::Serialize;

/// Something went on. A hint to read it again; hints may be lost. The names and members are a stable contract.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(tag = "type")]
pub enum Change {
    /// Anything may have changed: whoever watches was too slow, or it was not said what did.
    #[serde(rename = "changed")]
    Any,
    /// A run began, went on or ended.
    #[serde(rename = "run.changed")]
    Run {
        /// The run's id.
        run: String,
    },
    /// Somebody is asked, or has decided, or the time is over.
    #[serde(rename = "approval.changed")]
    Approval {
        /// The approval's id.
        approval: String,
    },
}

impl Change {
    /// The stable name, equal to the member `type` of its JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Any => "changed",
            Self::Run { .. } => "run.changed",
            Self::Approval { .. } => "approval.changed",
        }
    }
}
