//! `api-approvals`: `GET …/approvals`, `GET …/approvals/{approval}`, and `POST` of a decision.
//! Sample: `events/api-approvals/list.json`.

use std::sync::Arc;

use lambda::Ground;
use surface::Approving;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let accesses = ground.accesses()?;
    let store = Arc::new(ground.store()?);
    let desk = ground.desk(&store, &ground.shelf()?);
    lambda::serve_http(async |request| {
        let approving = Approving {
            access: accesses.current().await?,
            desk: desk.clone(),
            sessions: store.clone(),
        };
        Ok(approving.serve(request).await)
    })
    .await
}
