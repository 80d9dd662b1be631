//! `step-wait`: steps of workflows that wait for an event. Sample: `events/step-wait/shipped.json`.

use std::sync::Arc;

use engine::run::StepWait;
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let step = StepWait {
        runtime: ground.runtime.clone(),
        documents: Arc::new(ground.store()?),
    };
    lambda::serve(async |input| step.handle(input).await).await
}
