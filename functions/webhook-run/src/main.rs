//! `webhook-run`: `POST …/hooks/{workflow}`. Starts a run for a service that signs its request.
//! Sample: `events/webhook-run/github.json`.

use std::sync::Arc;

use asl::Evaluator;
use engine::run::Fire;
use lambda::Ground;
use surface::Hooks;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let hooks = Hooks {
        fire: Fire {
            catalogue: ground.workflows()?,
            start: ground.start(&store, &ground.workflow_machines()?),
            expressions: Arc::new(Evaluator {
                runtime: ground.runtime.clone(),
            }),
        },
        secrets: ground.secrets()?,
        sessions: store,
    };
    lambda::serve_http(async |request| Ok(hooks.post(request).await)).await
}
