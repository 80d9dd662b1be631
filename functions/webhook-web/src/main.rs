//! `webhook-web`: `POST …/messages` and `POST …/token` of the HTTP surface.
//! Sample: `events/webhook-web/message.json`.

use lambda::Ground;
use surface::{Granting, Writing};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let accesses = ground.accesses()?;
    let intake = ground.intake()?;
    let view = ground.view()?;
    lambda::serve_http(async |request| {
        let access = accesses.current().await?;
        Ok(if request.uri().path().ends_with("/token") {
            let bots = intake.accept.bots.clone();
            Granting { access, bots }.post(request).await
        } else {
            let intake = intake.clone();
            let view = view.clone();
            Writing {
                access,
                intake,
                view,
            }
            .post(request)
            .await
        })
    })
    .await
}
