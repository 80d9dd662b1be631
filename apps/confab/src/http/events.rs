//! Server-sent events of a session.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Sse;
use axum::response::sse::{Event as Frame, KeepAlive};
use engine::event::Event;
use futures::{Stream, StreamExt};
use surface::Right;

use super::App;
use super::exchange::Refused;

/// How often an idle stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn stream(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Frame, Infallible>>>, Refused> {
    let bots = app.host.shelf();
    let access = &app.guard.access;
    let key = access.session(&**bots, &uri, &headers, Right::Talk).await?;
    let mut stopping = app.stopping.clone();
    let stopped = async move {
        // The sender is gone only when the host has stopped.
        drop(stopping.wait_for(|stopping| *stopping).await);
    };
    let events = app
        .host
        .hub()
        .watch(&key)
        .map(|event| Ok(frame(&event)))
        .take_until(Box::pin(stopped));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive")))
}

fn frame(event: &Event) -> Frame {
    let data = serde_json::to_string(event).unwrap_or_default();
    Frame::default().event(event.name()).data(data)
}
