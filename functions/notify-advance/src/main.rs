//! `notify-advance`: state `Advance` of `statemachines/notify.asl.json`. Sample: `events/notify-advance/gone.json`.

use std::sync::Arc;

use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let router = ground.router(&Arc::new(ground.store()?))?;
    lambda::serve(async |start| router.handle(start).await).await
}
