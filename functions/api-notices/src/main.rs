//! `api-notices`: `GET …/notices/{notice}` by a signed link, and `POST …/acknowledge`.
//! Sample: `events/api-notices/forged-link.json`.

use std::sync::Arc;

use engine::notify::Notices;
use lambda::Ground;
use surface::Noticing;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let accesses = ground.accesses()?;
    let store = Arc::new(ground.store()?);
    let notices = Notices::from(&ground.desk(&store, &ground.shelf()?));
    lambda::serve_http(async |request| {
        let noticing = Noticing {
            access: accesses.current().await?,
            notices: notices.clone(),
            sessions: store.clone(),
        };
        Ok(noticing.serve(request).await)
    })
    .await
}
