//! `webhook-whatsapp`: `GET|POST /webhooks/whatsapp/{tenant}/{bot}`, signed by Meta.
//! Sample: `events/webhook-whatsapp/message.json`.

use std::sync::Arc;

use lambda::Ground;
use surface::Webhooks;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let intake = ground.intake()?;
    let webhooks = Webhooks {
        bots: intake.accept.bots.clone(),
        secrets: ground.secrets()?,
        intake,
        unreached: ground.unreached(&Arc::new(ground.store()?)),
    };
    lambda::serve_http(async |request| Ok(webhooks.whatsapp(request).await)).await
}
