//! A run in a list of them.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Begun, RunState, RunStatus, Start, Started};
use crate::error::Error;
use crate::runtime::Time;

/// A run, without what it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunSummary {
    /// Its id.
    pub id: String,
    /// The workflow.
    pub workflow: String,
    /// The version of it.
    pub version: String,
    /// How it stands.
    pub status: RunStatus,
    /// When it was asked for.
    pub at: Time,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
    /// What started it, such as `manual` or `webhook`.
    pub trigger: String,
    /// What models were paid, in millionths of a dollar.
    pub micro_dollars: u64,
}

impl Start {
    /// How a run stands now.
    ///
    /// # Errors
    /// When its execution could not be asked.
    pub async fn summary(&self, started: &Started) -> Result<RunSummary, Error> {
        let (status, ended) = match started.state {
            Begun::Queued => (RunStatus::Queued, None),
            Begun::Skipped => (RunStatus::Skipped, None),
            Begun::Cancelled => (RunStatus::Cancelled, None),
            Begun::Started => match self.runs.state(&started.run).await? {
                RunState::Ended { how, at } => (how, Some(at)),
                // An execution may be known a moment after it was started.
                RunState::Running | RunState::Absent => (RunStatus::Running, None),
            },
        };
        let kind = started.trigger["type"].as_str().unwrap_or("manual");
        Ok(RunSummary {
            id: started.run.id.clone(),
            workflow: started.run.workflow.clone(),
            version: started.version.clone(),
            status,
            at: started.at,
            ended,
            trigger: kind.to_owned(),
            micro_dollars: started.micro_dollars,
        })
    }
}
