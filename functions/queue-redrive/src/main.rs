//! `queue-redrive`: messages of the queue that parked turns are redriven to. Accepts what was said in them
//! again. Sample: `events/queue-redrive/parked.json`.

use std::sync::Arc;

use aws::ParkedTurn;
use engine::turn::Redrive;
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let redrive = Redrive {
        intake: ground.intake()?,
        transcripts: store.clone(),
        outcomes: store,
    };
    lambda::serve_queue(async |parked: ParkedTurn| {
        redrive.handle(&parked.session, parked.turn).await.map(drop)
    })
    .await
}
