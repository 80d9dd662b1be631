//! `api-events`: `POST …/events`, by which others tell of what happened. Sample: `events/api-events/changed.json`.

use std::sync::Arc;

use lambda::Ground;
use surface::Posting;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let accesses = ground.accesses()?;
    let store = Arc::new(ground.store()?);
    let bus = ground.bus()?;
    lambda::serve_http(async |request| {
        let posting = Posting {
            access: accesses.current().await?,
            bus: bus.clone(),
            runtime: ground.runtime.clone(),
            sessions: store.clone(),
        };
        Ok(posting.post(request).await)
    })
    .await
}
