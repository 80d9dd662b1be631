//! `api-sessions`: where a session stands, and what a person does with it: `GET …/sessions/{session}`, `POST
//! …/takeover`, `…/handback`, `…/close`, `…/replies` and `…/turns/{turn}/redrive`.
//! Sample: `events/api-sessions/takeover.json`.

use std::sync::Arc;

use engine::approval::Desk;
use engine::attend::Attend;
use engine::turn::Redrive;
use lambda::Ground;
use surface::{Attending, Once};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let accesses = ground.accesses()?;
    let intake = ground.intake()?;
    let store = Arc::new(ground.store()?);
    let herald = ground.herald(&store)?;
    let runtime = ground.runtime.clone();
    let desk = Desk {
        runtime: runtime.clone(),
        documents: store.clone(),
        bots: intake.accept.bots.clone(),
        waits: ground.answers(),
    };
    lambda::serve_http(async |request| {
        let attending = Attending {
            access: accesses.current().await?,
            bots: intake.accept.bots.clone(),
            attend: Attend {
                intake: intake.clone(),
                transcripts: store.clone(),
                desk: desk.clone(),
                herald: herald.clone(),
            },
            redrive: Redrive {
                intake: intake.clone(),
                transcripts: store.clone(),
                outcomes: store.clone(),
            },
            once: Once {
                documents: store.clone(),
                runtime: runtime.clone(),
            },
        };
        Ok(if request.method().as_str() == "GET" {
            attending.get(request).await
        } else {
            attending.post(request).await
        })
    })
    .await
}
