//! `socket-disconnect`: route `$disconnect` of the WebSocket API. Sample: `events/socket-disconnect/close.json`.

use lambda::Ground;
use lambda::socket::{SocketAnswer, SocketEvent};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = ground.store()?;
    lambda::serve(async |event: SocketEvent| {
        store
            .disconnect(&event.request_context.connection_id)
            .await?;
        Ok(SocketAnswer::ok())
    })
    .await
}
