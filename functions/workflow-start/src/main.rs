//! `workflow-start`: a schedule's time has come, or an event. Starts the run that is wanted for it, if one is.
//! Sample: `events/workflow-start/occurrence.json`.

use std::sync::Arc;

use asl::Evaluator;
use engine::run::Firing;
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let expressions = Evaluator::shared(&ground.runtime);
    let fire = ground.fire(&store, expressions)?;
    lambda::serve(async |firing: Firing| {
        let started = fire.handle(firing).await?;
        Ok(started.map(|started| started.run.id))
    })
    .await
}
