//! `turn-deliver`: state `Deliver` of `statemachines/turn.asl.json`. Passes the gate, sends, settles.
//! Sample: `events/turn-deliver/reply.json`.

use std::sync::Arc;

use engine::turn::DeliverInput;
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let sockets = ground.sockets()?;
    let store = ground.store()?.parking(ground.parked()?);
    let store = Arc::new(store.telling(sockets.clone()));
    let deliver = ground.deliver(&store, &ground.shelf()?, sockets)?;
    lambda::serve(async |input: DeliverInput| {
        let session = input.planned.start.session.clone();
        let output = deliver.handle(input).await;
        store.tell(&session).await;
        output
    })
    .await
}
