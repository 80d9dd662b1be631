//! `job-runs`: EventBridge tells of an execution that ended. Whoever waits for its room is next.
//! Sample: `events/job-runs/succeeded.json`.

use std::sync::Arc;

use lambda::Ground;
use serde::Deserialize;

/// `Step Functions Execution Status Change`
#[derive(Deserialize)]
struct Change {
    detail: Execution,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Execution {
    execution_arn: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let machines = ground.workflow_machines()?;
    let start = ground.start(&store, &machines);
    lambda::serve(async |change: Change| {
        // The event leaves a long input out.
        match machines.ended_with(&change.detail.execution_arn).await? {
            Some(ended) => start.ended(&ended.run).await,
            None => Ok(()),
        }
    })
    .await
}
