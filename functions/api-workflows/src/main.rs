//! `api-workflows`: `GET` and `POST …/workflows/{workflow}/versions`, and `POST …/workflows/{workflow}/rollback`.
//! Sample: `events/api-workflows/publish.json`.

use std::sync::Arc;

use asl::Jsonata;
use engine::run::Publisher;
use lambda::Ground;
use surface::Publishing;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let accesses = ground.accesses()?;
    let store = Arc::new(ground.store()?);
    let publisher = Publisher {
        runtime: ground.runtime.clone(),
        published: ground.workflows(&store)?,
        bots: ground.shelf()?,
        syntax: &Jsonata,
        machines: ground.published_machines()?,
        events: ground.events_wanted(),
    };
    lambda::serve_http(async |request| {
        let publishing = Publishing {
            access: accesses.current().await?,
            publisher: Some(publisher.clone()),
        };
        Ok(publishing.serve(request).await)
    })
    .await
}
