//! `step-http`: steps of workflows that make an HTTP request. Sample: `events/step-http/nobody-there.json`.

use std::sync::Arc;

use engine::run::StepHttp;
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let step = StepHttp {
        bots: ground.shelf()?,
        effects: ground.effects(&store)?,
    };
    lambda::serve(async |input| step.handle(input).await).await
}
