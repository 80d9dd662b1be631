//! The local host's server: the surface's paths, and what only this host has: its page and its events.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use engine::notify::Notices;
use surface::{
    Approving, Attending, Granting, Hooks, Noticing, Once, Posting, Problem, Publishing, Reading,
    Running, Settling, Switching, Webhooks, Writing, openapi,
};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::host::Host;

mod api;
mod events;
mod exchange;
mod guard;
mod news;
mod page;
mod sessions;

use exchange::Refused;
pub(crate) use guard::signing_key;
pub use guard::{Guard, vouch};
use news::Told;

/// What every handler is given.
struct App {
    host: Arc<Host>,
    guard: Guard,
    writing: Writing,
    reading: Reading,
    granting: Granting,
    approving: Approving,
    noticing: Noticing,
    settling: Settling,
    attending: Attending,
    switching: Switching,
    webhooks: Webhooks,
    running: Running,
    publishing: Publishing,
    hooks: Hooks,
    posting: Posting,
    /// Turns true when the host stops; ends what would wait for ever.
    stopping: watch::Receiver<bool>,
}

impl App {
    fn new(host: Arc<Host>, guard: Guard, stopping: watch::Receiver<bool>) -> Self {
        let access = &guard.access;
        let news = Arc::new(Told {
            host: host.clone(),
            stopping: stopping.clone(),
        });
        Self {
            writing: Writing {
                access: access.clone(),
                intake: host.intake().clone(),
                view: host.view().clone(),
            },
            reading: Reading {
                access: access.clone(),
                view: host.view().clone(),
                bots: host.shelf().clone(),
                news: news.clone(),
                runtime: host.runtime().clone(),
            },
            granting: Granting {
                access: access.clone(),
                bots: host.shelf().clone(),
            },
            approving: Approving {
                access: access.clone(),
                desk: host.desk().clone(),
                sessions: host.store().clone(),
            },
            noticing: Noticing {
                access: access.clone(),
                notices: Notices::from(host.desk()),
                sessions: host.store().clone(),
            },
            settling: Settling {
                access: access.clone(),
                unknowns: host.unknowns(),
            },
            attending: Attending {
                access: access.clone(),
                bots: host.shelf().clone(),
                attend: host.attend(),
                redrive: host.redrive(),
                once: Once {
                    documents: host.store().clone(),
                    runtime: host.runtime().clone(),
                },
            },
            switching: Switching {
                access: access.clone(),
                bots: host.shelf().clone(),
                switches: host.switches().clone(),
                sessions: host.store().clone(),
            },
            webhooks: Webhooks {
                bots: host.shelf().clone(),
                secrets: host.secrets().clone(),
                intake: host.intake().clone(),
                unreached: host.unreached(),
            },
            running: Running {
                access: access.clone(),
                catalogue: host.catalogue(),
                start: host.runs().clone(),
                histories: host.histories(),
                values: host.values(),
                sessions: host.store().clone(),
                news,
                runtime: host.runtime().clone(),
            },
            publishing: Publishing {
                access: access.clone(),
                publisher: None,
            },
            hooks: Hooks {
                fire: host.fire().clone(),
                bus: host.bus(),
                secrets: host.secrets().clone(),
                sessions: host.store().clone(),
            },
            posting: Posting {
                access: access.clone(),
                bus: host.bus(),
                runtime: host.runtime().clone(),
                sessions: host.store().clone(),
            },
            host,
            guard,
            stopping,
        }
    }
}

/// Serves `host` on `listener` until `stop` resolves and the requests under way are answered.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    host: Arc<Host>,
    guard: Guard,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (stopped, stopping) = watch::channel(false);
    let app = Arc::new(App::new(host, guard, stopping));
    axum::serve(listener, router(app))
        .with_graceful_shutdown(async move {
            stop.await;
            stopped.send_replace(true);
        })
        .await
}

fn router(app: Arc<App>) -> Router {
    let guarded = Router::new()
        .route("/", get(page::index))
        .route("/page/session", post(page::session))
        .route("/page/house", get(page::house))
        .route("/workflows", get(page::workflows))
        .route(openapi::HEALTH, get(api::health))
        .route(openapi::OPENAPI, get(api::openapi))
        .route(
            openapi::MESSAGES,
            post(api::post_message).get(api::messages),
        )
        .route(openapi::TURNS, get(api::turns))
        .route(openapi::TOKEN, post(api::token))
        .route(openapi::APPROVALS, get(api::approvals))
        .route(openapi::APPROVAL, get(api::approval))
        .route(openapi::APPROVE, post(api::decide))
        .route(openapi::DENY, post(api::decide))
        .route(openapi::NOTICE, get(api::notice))
        .route(openapi::ACKNOWLEDGE, post(api::notice))
        .route(openapi::UNKNOWN, get(api::unknown))
        .route(openapi::ONE_UNKNOWN, post(api::settle))
        .route(openapi::STOP, post(api::switch))
        .route(openapi::RESUME, post(api::switch))
        .route(openapi::STOP_ALL, post(api::switch))
        .route(openapi::RESUME_ALL, post(api::switch))
        .route(openapi::WORKFLOWS, get(api::run))
        .route(openapi::START, post(api::run))
        .route(openapi::RUNS, get(api::run))
        .route(openapi::GRAPH, get(api::run))
        .route(openapi::VERSIONS, get(api::publish).post(api::publish))
        .route(openapi::ROLLBACK, post(api::publish))
        .route(openapi::RETRY, post(api::run))
        .route(openapi::RUN, get(api::run))
        .route(openapi::RUN_GRAPH, get(api::run))
        .route(openapi::RUN_VALUE, get(api::run))
        .route(openapi::CHANGES, get(events::changes).post(api::tell))
        .route(openapi::CANCEL, post(api::run))
        .route(openapi::SESSION, get(api::standing))
        .route(openapi::SESSIONS, get(sessions::list))
        .route(openapi::EVENTS, get(events::session));
    let attended = [
        openapi::TAKEOVER,
        openapi::HANDBACK,
        openapi::CLOSE,
        openapi::REPLIES,
        openapi::REDRIVE,
    ];
    let guarded = page::FILES.iter().fold(guarded, |guarded, file| {
        guarded.route(file.path, get(async || file.answer()))
    });
    let guarded = attended
        .into_iter()
        .fold(guarded, |guarded, path| {
            guarded.route(path, post(api::attend))
        })
        .layer(middleware::from_fn_with_state(app.clone(), check_origin));
    // Webhooks come under any name a tunnel or proxy gives us; their signatures vouch for them.
    Router::new()
        .route(openapi::TWILIO, post(api::twilio))
        .route(openapi::WHATSAPP, get(api::whatsapp).post(api::whatsapp))
        .route(openapi::HOOK, post(api::hook))
        .merge(guarded)
        .fallback(async || Refused::from(Problem::no_such_path()))
        .method_not_allowed_fallback(async || Refused::from(Problem::no_such_method()))
        .layer(middleware::map_response(harden))
        .with_state(app)
}

async fn check_origin(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    // A signed link is opened under any name, as webhooks are; its signature vouches for it.
    if !surface::has_link(request.uri()) {
        app.guard.check_origin(request.headers(), request.uri())?;
    }
    Ok(next.run(request).await)
}

async fn harden(mut response: Response) -> Response {
    surface::harden(&mut response);
    response
}
