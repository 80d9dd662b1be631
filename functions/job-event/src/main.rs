//! `job-event`: EventBridge brings an event. Starts the runs that are wanted for it and ends the steps that wait for it.
//! Sample: `events/job-event/changed.json`.

use std::sync::Arc;

use asl::Evaluator;
use engine::bus::{BusEvent, Dispatch};
use lambda::Ground;
use serde::Deserialize;

/// What the service adds to an event is not needed.
#[derive(Deserialize)]
struct Brought {
    detail: BusEvent,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let expressions = Evaluator::shared(&ground.runtime);
    let dispatch = Dispatch {
        fire: ground.fire(&store, expressions)?,
        waits: ground.answers(),
    };
    lambda::serve(async |brought: Brought| dispatch.handle(&brought.detail).await).await
}
