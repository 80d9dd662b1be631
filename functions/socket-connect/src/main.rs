//! `socket-connect`: route `$connect` of the WebSocket API:
//! `wss://…?tenant=…&bot=…&session=…&token=…`. Sample: `events/socket-connect/open.json`.

use aws::{Connection, Store};
use engine::error::Error;
use lambda::socket::{SocketAnswer, SocketEvent};
use lambda::{Accesses, Ground};
use surface::{Problem, Right};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let accesses = ground.accesses()?;
    let store = ground.store()?;
    lambda::serve(async |event: SocketEvent| {
        Ok::<_, Error>(match connect(&accesses, &store, event).await {
            Ok(()) => SocketAnswer::ok(),
            Err(problem) => problem.into(),
        })
    })
    .await
}

async fn connect(accesses: &Accesses, store: &Store, event: SocketEvent) -> Result<(), Problem> {
    let session = event.session()?;
    let access = accesses.current().await?;
    access.allow_bearer(event.bearer(), &session, Right::Talk)?;
    let id = event.request_context.connection_id;
    Ok(store.connect(&Connection { id, session }).await?)
}
