//! The web chat page and its sessions.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::IntoResponse;
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
}

pub(super) async fn index() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, include_str!("../../page/index.html"))
}

pub(super) async fn style() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("../../page/page.css"),
    )
}

pub(super) async fn script() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
        include_str!("../../page/page.js"),
    )
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
    }))
}
