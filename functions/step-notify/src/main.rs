//! `step-notify`: steps of workflows that tell people. Sample: `events/step-notify/told.json`.

use std::sync::Arc;

use engine::run::StepNotify;
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let step = StepNotify {
        router: ground.router(&store)?,
        escalations: ground.escalations()?,
    };
    lambda::serve(async |input| step.handle(input).await).await
}
