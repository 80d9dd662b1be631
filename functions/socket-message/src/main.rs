//! `socket-message`: route `$default` of the WebSocket API. The frame is what `POST …/messages` takes, and
//! so is the answer. Sample: `events/socket-message/message.json`.

use std::sync::Arc;

use aws::Store;
use engine::turn::Intake;
use http::HeaderMap;
use lambda::Ground;
use lambda::socket::{SocketAnswer, SocketEvent};
use surface::{Problem, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open()?;
    let store = Arc::new(ground.store()?);
    let intake = ground.intake()?;
    lambda::serve(async |event: SocketEvent| {
        let answer = say(&store, &intake, event).await;
        Ok::<SocketAnswer, engine::error::Error>(answer.unwrap_or_else(Problem::response).into())
    })
    .await
}

async fn say(store: &Store, intake: &Intake, event: SocketEvent) -> Result<Response, Problem> {
    let connection = store
        .connection(&event.request_context.connection_id)
        .await?;
    let Some(connection) = connection else {
        let detail = "the connection is not known any more; open another one";
        return Err(Problem::unauthenticated(detail));
    };
    let frame = event.body.unwrap_or_default().into_bytes();
    let message = surface::read_json(&HeaderMap::new(), frame).await?;
    surface::say(intake, &connection.session, message).await
}
