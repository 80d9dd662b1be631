//! The paths that the cloud serves too, handed to who answers them in both places.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use surface::Change;

use super::App;
use super::exchange::{incoming, outgoing};

pub(super) async fn post_message(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.writing.post(incoming(request)).await)
}

pub(super) async fn messages(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.reading.messages(incoming(request)).await)
}

pub(super) async fn turns(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.reading.turns(incoming(request)).await)
}

pub(super) async fn token(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.granting.post(incoming(request)).await)
}

pub(super) async fn approvals(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.approving.list(incoming(request)).await)
}

pub(super) async fn approval(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.approving.show(incoming(request)).await)
}

pub(super) async fn decide(State(app): State<Arc<App>>, request: Request) -> Response {
    let decided = app.approving.decide(incoming(request)).await;
    // One yes of two makes no execution go on.
    app.host.changes().tell(Change::Any);
    outgoing(decided)
}

pub(super) async fn notice(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.noticing.serve(incoming(request)).await)
}

pub(super) async fn unknown(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.settling.list(incoming(request)).await)
}

pub(super) async fn settle(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.settling.post(incoming(request)).await)
}

pub(super) async fn standing(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.attending.get(incoming(request)).await)
}

pub(super) async fn attend(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.attending.post(incoming(request)).await)
}

pub(super) async fn switch(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.switching.post(incoming(request)).await)
}

pub(super) async fn twilio(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.webhooks.twilio(incoming(request)).await)
}

pub(super) async fn whatsapp(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.webhooks.whatsapp(incoming(request)).await)
}

pub(super) async fn publish(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.publishing.serve(incoming(request)).await)
}

pub(super) async fn run(State(app): State<Arc<App>>, request: Request) -> Response {
    let changes = *request.method() == Method::POST;
    let answer = app.running.serve(incoming(request)).await;
    if changes {
        // A run that waits for room has no execution that could go on.
        app.host.changes().tell(Change::Any);
    }
    outgoing(answer)
}

pub(super) async fn tell(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.posting.post(incoming(request)).await)
}

pub(super) async fn hook(State(app): State<Arc<App>>, request: Request) -> Response {
    outgoing(app.hooks.post(incoming(request)).await)
}

pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    outgoing(surface::health(&**app.host.store()).await)
}

pub(super) async fn openapi() -> Response {
    outgoing(surface::openapi::get())
}
