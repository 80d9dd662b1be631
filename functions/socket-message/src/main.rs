//! `socket-message`: route `$default` of the WebSocket API. The frame is what `POST …/messages` takes; a
//! frame with what that answers comes back. Sample: `events/socket-message/message.json`.

use aws::{Connection, Store};
use engine::turn::Intake;
use engine::view::View;
use http::HeaderMap;
use lambda::Ground;
use lambda::socket::{SocketAnswer, SocketEvent};
use surface::{Problem, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = ground.store()?;
    let sockets = ground.sockets()?;
    let intake = ground.intake()?;
    let view = ground.view()?;
    lambda::serve(async |event: SocketEvent| {
        let id = event.request_context.connection_id;
        let frame = event.body.unwrap_or_default();
        let answer = say(&store, &intake, &view, &id, frame).await;
        let answer = answer.unwrap_or_else(Problem::response);
        sockets.answer(&id, answer.body().clone()).await?;
        Ok(SocketAnswer::from(answer))
    })
    .await
}

async fn say(
    store: &Store,
    intake: &Intake,
    view: &View,
    id: &str,
    frame: String,
) -> Result<Response, Problem> {
    let Some(Connection { session, .. }) = store.connection(id).await? else {
        let detail = "the connection is not known any more; open another one";
        return Err(Problem::unauthenticated(detail));
    };
    let message = surface::read_json(&HeaderMap::new(), frame.into_bytes()).await?;
    surface::say(intake, view, &session, message).await
}
