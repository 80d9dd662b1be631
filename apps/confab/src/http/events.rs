//! Server-sent events: of a session, and of a tenant's runs and approvals.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Sse;
use axum::response::sse::{Event as Frame, KeepAlive};
use engine::bot::secrets::Role;
use futures::{Stream, StreamExt, stream};
use serde::Serialize;
use surface::{Change, Right};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::App;
use super::exchange::Refused;

/// How often an idle stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long changes are gathered, so that a run that hurries is told of ten times a second at most.
const GATHERED: Duration = Duration::from_millis(100);

pub(super) async fn session(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Frame, Infallible>>>, Refused> {
    let bots = app.host.shelf();
    let access = &app.guard.access;
    let key = access.session(&**bots, &uri, &headers, Right::Talk).await?;
    let events = app.host.hub().watch(&key);
    Ok(sent(&app, events.map(|event| frame(event.name(), &event))))
}

/// What changes of a tenant's runs and approvals.
pub(super) async fn changes(
    State(app): State<Arc<App>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Frame, Infallible>>>, Refused> {
    let access = &app.guard.access;
    access.tenant(&headers, &tenant, Role::Viewer)?;
    let watched = (app.clone(), tenant, app.host.changes().watch());
    let changes = stream::unfold(watched, |(app, tenant, mut changes)| async move {
        let gathered = gathered(&app, &mut changes).await?;
        let mut frames = Vec::new();
        for change in gathered {
            if is_of(&app, &tenant, &change).await {
                frames.push(frame(change.name(), &change));
            }
        }
        Some((stream::iter(frames), (app, tenant, changes)))
    });
    Ok(sent(&app, changes.flatten()))
}

/// The changes until a little after the next; nothing when there will be none.
async fn gathered(app: &App, changes: &mut Receiver<Change>) -> Option<BTreeSet<Change>> {
    let mut gathered = BTreeSet::new();
    match changes.recv().await {
        Ok(change) => gathered.insert(change),
        Err(RecvError::Lagged(_)) => gathered.insert(Change::Any),
        Err(RecvError::Closed) => return None,
    };
    app.host.runtime().clock.sleep(GATHERED).await;
    loop {
        match changes.try_recv() {
            Ok(change) => gathered.insert(change),
            Err(TryRecvError::Lagged(_)) => gathered.insert(Change::Any),
            Err(TryRecvError::Empty | TryRecvError::Closed) => return Some(gathered),
        };
    }
}

/// Whether a change is the tenant's to know.
async fn is_of(app: &App, tenant: &str, change: &Change) -> bool {
    match change {
        Change::Any => true,
        Change::Run { run } => app.host.runs().find(tenant, run).await.is_ok(),
        Change::Approval { approval } => app.host.desk().read(tenant, approval).await.is_ok(),
    }
}

/// `frames` until the host stops.
fn sent<S>(
    app: &App,
    frames: S,
) -> Sse<impl Stream<Item = Result<Frame, Infallible>> + Send + use<S>>
where
    S: Stream<Item = Frame> + Send + 'static,
{
    let mut stopping = app.stopping.clone();
    let stopped = async move {
        // The sender is gone only when the host has stopped.
        drop(stopping.wait_for(|stopping| *stopping).await);
    };
    let frames = frames.map(Ok).take_until(Box::pin(stopped));
    Sse::new(frames).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive"))
}

fn frame(name: &str, event: &impl Serialize) -> Frame {
    let data = serde_json::to_string(event).unwrap_or_default();
    Frame::default().event(name).data(data)
}
