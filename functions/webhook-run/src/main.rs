//! `webhook-run`: `POST …/hooks/{workflow}`. Starts a run for a service that signs its request, or tells of an event.
//! Sample: `events/webhook-run/github.json`.

use std::sync::Arc;

use asl::Evaluator;
use lambda::Ground;
use surface::Hooks;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let expressions = Evaluator::shared(&ground.runtime);
    let hooks = Hooks {
        fire: ground.fire(&store, expressions)?,
        bus: ground.bus()?,
        secrets: ground.secrets()?,
        sessions: store,
    };
    lambda::serve_http(async |request| Ok(hooks.post(request).await)).await
}
