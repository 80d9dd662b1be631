//! `api-operate`: what operators do: `POST …/stop` and `POST …/resume`, of a bot and of a tenant.
//! Sample: `events/api-operate/stop.json`.

use std::sync::Arc;

use engine::switch::Switches;
use lambda::Ground;
use surface::Switching;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let accesses = ground.accesses()?;
    let bots = ground.shelf()?;
    let store = Arc::new(ground.store()?);
    let switches = Arc::new(Switches::new(ground.runtime.clone(), store.clone()));
    lambda::serve_http(async |request| {
        let switching = Switching {
            access: accesses.current().await?,
            bots: bots.clone(),
            switches: switches.clone(),
            sessions: store.clone(),
        };
        Ok(switching.post(request).await)
    })
    .await
}
