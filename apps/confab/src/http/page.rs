//! The pages: the chat with its sessions, and the workflows.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::IntoResponse;
use engine::bot::Bot;
use engine::runtime::Time;
use engine::session::SessionKey;
use serde::{Deserialize, Serialize};

use super::App;
use super::exchange::{Incoming, Refused};
use crate::assemble::LOCAL_TENANT;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `POST /page/session`
#[derive(Deserialize)]
pub(super) struct Resume {
    /// The token the page had, if any.
    token: Option<String>,
}

/// What the page needs to begin.
#[derive(Serialize)]
pub(super) struct PageSession {
    tenant: String,
    bot: String,
    session: String,
    token: String,
    expires: Time,
    title: String,
    greeting: String,
    suggestions: Vec<String>,
    scripted: bool,
    message_chars: usize,
    /// Whether the page of workflows has something for whoever reads this one.
    workflows: bool,
}

/// What the page of workflows needs to begin.
#[derive(Serialize)]
pub(super) struct House {
    tenant: String,
    title: String,
    /// Whether a key is needed, which then says who decides.
    keyed: bool,
    /// Who may decide, where no key says who does.
    people: Vec<Decider>,
}

/// A person of the house.
#[derive(Serialize)]
struct Decider {
    id: String,
    name: String,
    roles: BTreeSet<String>,
}

/// A file that pages load.
pub(super) struct PageFile {
    pub(super) path: &'static str,
    kind: &'static str,
    text: &'static str,
}

impl PageFile {
    const fn style(path: &'static str, text: &'static str) -> Self {
        let kind = "text/css; charset=utf-8";
        Self { path, kind, text }
    }

    const fn script(path: &'static str, text: &'static str) -> Self {
        let kind = "text/javascript; charset=utf-8";
        Self { path, kind, text }
    }

    pub(super) fn answer(&self) -> impl IntoResponse + use<> {
        ([(header::CONTENT_TYPE, self.kind)], self.text)
    }
}

/// The files of both pages.
pub(super) static FILES: [PageFile; 11] = [
    PageFile::style("/base.css", include_str!("../../page/base.css")),
    PageFile::style("/page.css", include_str!("../../page/page.css")),
    PageFile::style("/workflows.css", include_str!("../../page/workflows.css")),
    PageFile::script("/host.js", include_str!("../../page/host.js")),
    PageFile::script("/page.js", include_str!("../../page/page.js")),
    PageFile::script("/workflows.js", include_str!("../../page/workflows.js")),
    PageFile::script("/run.js", include_str!("../../page/run.js")),
    PageFile::script("/start.js", include_str!("../../page/start.js")),
    PageFile::script("/approvals.js", include_str!("../../page/approvals.js")),
    PageFile::script("/picture.js", include_str!("../../page/picture.js")),
    PageFile::script("/show.js", include_str!("../../page/show.js")),
];

pub(super) async fn index() -> impl IntoResponse {
    document(include_str!("../../page/index.html"))
}

pub(super) async fn workflows() -> impl IntoResponse {
    document(include_str!("../../page/workflows.html"))
}

fn document(text: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, text)
}

/// What the page of workflows shows before it asks for more.
pub(super) async fn house(State(app): State<Arc<App>>) -> Json<House> {
    let bot = app.host.shelf().current().bot;
    let keyed = !app.guard.access.is_open();
    let people = match keyed {
        true => Vec::new(),
        false => {
            let known = bot.people.names().filter_map(|id| {
                let person = bot.people.get(id)?;
                Some(Decider {
                    id: id.to_owned(),
                    name: person.name.clone(),
                    roles: person.roles.clone(),
                })
            });
            known.collect()
        }
    };
    Json(House {
        tenant: LOCAL_TENANT.to_owned(),
        title: bot.page.title.clone(),
        keyed,
        people,
    })
}

/// A new session for a page, or the one its token was for.
pub(super) async fn session(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Json<PageSession>, Refused> {
    let (head, body) = request.into_parts();
    let Resume { token } = surface::read_json(&head.headers, Incoming(body)).await?;
    let access = &app.guard.access;
    let bot = app.host.shelf().current().bot;
    let resumed = token
        .and_then(|token| access.renewable(&token))
        .filter(|session| session.bot() == bot.name);
    let session = match resumed {
        Some(session) => session,
        None => {
            let id = app.host.runtime().new_id().to_string();
            SessionKey::from_id(LOCAL_TENANT, &bot.name, &id).map_err(|bad| {
                engine::error::Error::new(engine::error::Kind::Internal, bad.to_string())
            })?
        }
    };
    let (token, expires) = access.issue(&session);
    Ok(Json(PageSession {
        tenant: session.tenant().to_owned(),
        bot: session.bot().to_owned(),
        session: session.id().to_owned(),
        token,
        expires,
        title: bot.page.title.clone(),
        greeting: bot.page.greeting.clone(),
        suggestions: bot.page.suggestions.clone(),
        scripted: bot.model.is_scripted(),
        message_chars: bot.limits.message_chars,
        workflows: access.is_open() && has_work(&app, &bot),
    }))
}

fn has_work(app: &App, bot: &Bot) -> bool {
    let asks = bot.tools.values().any(|tool| tool.approval.is_some());
    asks || !app.host.workflows().is_empty()
}
