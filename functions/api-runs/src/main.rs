//! `api-runs`: `GET …/workflows`, `POST …/workflows/{workflow}/runs`, `GET …/runs`, `GET …/runs/{run}`,
//! `GET …/runs/{run}/value`, `POST …/runs/{run}/cancel` and `…/retry`, and the pictures `GET …/workflows/{workflow}/graph` and `GET …/runs/{run}/graph`.
//! Sample: `events/api-runs/start.json`.

use std::sync::Arc;
use std::time::Duration;

use lambda::Ground;
use surface::{Polling, Running};

/// How often the run of a waiting reader is looked at.
const LOOK: Duration = Duration::from_millis(500);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let accesses = ground.accesses()?;
    let store = Arc::new(ground.store()?);
    let machines = ground.workflow_machines()?;
    let catalogue = ground.workflows(&store)?;
    let news = Arc::new(Polling {
        runtime: ground.runtime.clone(),
        every: LOOK,
    });
    lambda::serve_http(async |request| {
        let running = Running {
            access: accesses.current().await?,
            catalogue: catalogue.clone(),
            start: ground.start(&store, &machines),
            histories: machines.clone(),
            values: ground.values(&store),
            sessions: store.clone(),
            news: news.clone(),
            runtime: ground.runtime.clone(),
        };
        Ok(running.serve(request).await)
    })
    .await
}
