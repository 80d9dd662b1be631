//! `api-messages`: `GET …/messages`, `GET …/turns`, `GET /healthz` and `GET /openapi.json`.
//! Sample: `events/api-messages/messages.json`.

use std::sync::Arc;
use std::time::Duration;

use engine::view::View;
use lambda::Ground;
use surface::{Polling, Reading};

/// How often a waiting reader's session is read again.
const POLL: Duration = Duration::from_millis(700);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let accesses = ground.accesses()?;
    let bots = ground.shelf()?;
    let store = Arc::new(ground.store()?);
    let view = View {
        sessions: store.clone(),
        transcripts: store.clone(),
        results: store.clone(),
        outcomes: store.clone(),
    };
    let runtime = ground.runtime.clone();
    let news = Arc::new(Polling {
        runtime: runtime.clone(),
        every: POLL,
    });
    lambda::serve_http(async |request| {
        let path = request.uri().path();
        if path == "/healthz" {
            return Ok(surface::health(&*store).await);
        }
        if path == "/openapi.json" {
            return Ok(surface::openapi::get());
        }
        let reading = Reading {
            access: accesses.current().await?,
            view: view.clone(),
            bots: bots.clone(),
            news: news.clone(),
            runtime: runtime.clone(),
        };
        Ok(if path.ends_with("/turns") {
            reading.turns(request).await
        } else {
            reading.messages(request).await
        })
    })
    .await
}
