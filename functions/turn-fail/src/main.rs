//! `turn-fail`: state `Fail turn` of `statemachines/turn.asl.json`. Parks the messages, apologises, lets go.
//! Sample: `events/turn-fail/timeout.json`.

use std::sync::Arc;

use engine::turn::{Fail, FailInput};
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let sockets = ground.sockets()?;
    let store = ground.store()?.parking(ground.parked()?);
    let store = Arc::new(store.telling(sockets.clone()));
    let bots = ground.shelf()?;
    let deliver = ground.deliver(&store, &bots, sockets)?;
    let fail = Fail {
        deliver,
        bots,
        results: store.clone(),
        documents: store.clone(),
    };
    lambda::serve(async |input: FailInput| {
        let session = input.start.session.clone();
        let output = fail.handle(input).await;
        store.tell(&session).await;
        output
    })
    .await
}
