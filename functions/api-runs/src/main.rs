//! `api-runs`: `GET …/workflows`, `POST …/workflows/{workflow}/runs`, `GET …/runs`, `GET …/runs/{run}`,
//! `POST …/runs/{run}/cancel` and `…/retry`, and the pictures `GET …/workflows/{workflow}/graph` and `GET …/runs/{run}/graph`.
//! Sample: `events/api-runs/start.json`.

use std::sync::Arc;

use lambda::Ground;
use surface::Running;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let accesses = ground.accesses()?;
    let store = Arc::new(ground.store()?);
    let machines = ground.workflow_machines()?;
    let catalogue = ground.workflows()?;
    lambda::serve_http(async |request| {
        let running = Running {
            access: accesses.current().await?,
            catalogue: catalogue.clone(),
            start: ground.start(&store, &machines),
            histories: machines.clone(),
            sessions: store.clone(),
        };
        Ok(running.serve(request).await)
    })
    .await
}
