//! `api-unknown`: `GET /v1/{tenant}/unknown` and `POST /v1/{tenant}/unknown/{id}` of the HTTP surface.
//! Sample: `events/api-unknown/list.json`.

use std::sync::Arc;

use engine::unknown::Unknowns;
use lambda::Ground;
use surface::Settling;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let accesses = ground.accesses()?;
    let store = Arc::new(ground.store()?);
    let unknowns = Unknowns {
        documents: store.clone(),
        results: store,
        intake: ground.intake()?,
    };
    lambda::serve_http(async |request| {
        let settling = Settling {
            access: accesses.current().await?,
            unknowns: unknowns.clone(),
        };
        Ok(if request.method() == "GET" {
            settling.list(request).await
        } else {
            settling.post(request).await
        })
    })
    .await
}
