//! `GET /v1/{tenant}/{bot}/sessions`: only this host has all sessions at hand.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use engine::attend::Standing;
use engine::message::Channel;
use engine::session::SessionKey;
use engine::turn::Bots;
use surface::{Listing, Problem, Right};

use super::App;
use super::exchange::Refused;

/// The most sessions of one answer.
const MOST: usize = 100;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Path((tenant, bot)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Listing>, Refused> {
    // Who may read any session of the bot may read all.
    let any = SessionKey::new(&tenant, &bot, Channel::Web, "any").map_err(|bad| {
        let status = axum::http::StatusCode::BAD_REQUEST;
        Problem::new(status, "invalid_path", bad.to_string())
    })?;
    app.guard.access.allow(&headers, &any, Right::Trace)?;
    app.host.shelf().find(&tenant, &bot).await?;
    let prefix = format!("{tenant}/{bot}/");
    let found = app.host.store().sessions(&prefix, MOST)?;
    let mut sessions: Vec<Standing> = Vec::with_capacity(found.len());
    for session in found {
        sessions.push(app.attending.attend.standing(&session.key).await?);
    }
    Ok(Json(Listing { sessions }))
}
