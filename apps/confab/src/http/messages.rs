//! Messages in and out, and the trace.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use engine::event::Event;
use engine::session::SessionKey;
use engine::turn::{Bots as _, Receipt};
use engine::view::{Message, Trace};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::Right;
use super::problem::Problem;
use super::{App, body};

/// The longest a reader may wait.
const MAX_WAIT: u64 = 25;

/// Tenant, bot and session of a path.
pub(super) type SessionPath = Result<Path<(String, String, String)>, PathRejection>;

/// `POST …/messages`
#[derive(Deserialize, JsonSchema)]
pub(super) struct NewMessage {
    /// What the contact says.
    text: String,
    /// The message's id; the same id is the same message. `Idempotency-Key` does the same and goes first.
    id: Option<String>,
}

/// The answer to a message that is durable.
#[derive(Serialize, JsonSchema)]
pub(super) struct Taken {
    /// The session, as `<channel>:<contact>`.
    session: String,
    /// The message's id.
    message: String,
    /// Whether it was new.
    status: TakenStatus,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TakenStatus {
    /// It will be answered.
    Accepted,
    /// It was accepted before.
    Duplicate,
}

/// Query of `GET …/messages`.
#[derive(Deserialize)]
pub(super) struct Since {
    /// The last place the reader has seen.
    #[serde(default)]
    after: u64,
    /// Seconds to wait for something newer.
    #[serde(default)]
    wait: u64,
}

/// `GET …/messages`
#[derive(Serialize)]
pub(super) struct Messages {
    messages: Vec<Message>,
}

impl App {
    /// The session a path names, once the caller may do `right` with it and its bot is here.
    pub(super) async fn session(
        &self,
        path: SessionPath,
        headers: &HeaderMap,
        right: Right,
    ) -> Result<SessionKey, Problem> {
        let bad_path =
            |detail: String| Problem::new(StatusCode::BAD_REQUEST, "invalid_path", detail);
        let Path((tenant, bot, session)) =
            path.map_err(|_| bad_path("the path is not UTF-8".to_owned()))?;
        let key = SessionKey::from_id(&tenant, &bot, &session)
            .map_err(|bad| bad_path(bad.to_string()))?;
        self.access.allow(headers, &key, right)?;
        self.host.shelf().find(&tenant, &bot).await?;
        Ok(key)
    }
}

pub(super) async fn post(
    State(app): State<App>,
    path: SessionPath,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let key = app.session(path, &headers, Right::Talk).await?;
    let header = headers
        .get("idempotency-key")
        .map(|id| id.to_str().map(str::to_owned));
    let bad_header = |_| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_header",
            "Idempotency-Key must be ASCII",
        )
    };
    let header = header.transpose().map_err(bad_header)?;
    let message: NewMessage = body::read_json(&headers, body).await?;
    let id = header
        .or(message.id)
        .unwrap_or_else(|| app.host.runtime().new_id().to_string());
    let status = match app.host.intake().post(&key, &id, &message.text).await? {
        Receipt::Accepted => TakenStatus::Accepted,
        Receipt::Duplicate => TakenStatus::Duplicate,
    };
    Ok((
        StatusCode::ACCEPTED,
        Json(Taken {
            session: key.id().to_owned(),
            message: id,
            status,
        }),
    ))
}

pub(super) async fn list(
    State(app): State<App>,
    path: SessionPath,
    query: Result<Query<Since>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Messages>, Problem> {
    let key = app.session(path, &headers, Right::Talk).await?;
    let bad_query = |_| {
        let detail = "after and wait must be whole numbers";
        Problem::new(StatusCode::BAD_REQUEST, "invalid_query", detail)
    };
    let Query(Since { after, wait }) = query.map_err(bad_query)?;
    let limit = Duration::from_secs(wait.min(MAX_WAIT));
    let mut watch = app.host.hub().watch(&key);
    let mut stopping = app.stopping.clone();
    let news = async {
        loop {
            let messages = app.host.view().messages(&key, after).await?;
            if !messages.is_empty() {
                return Ok(messages);
            }
            loop {
                match watch.next().await {
                    Some(
                        Event::TurnStarted { .. } | Event::Reply { .. } | Event::TurnEnded { .. },
                    ) => break,
                    Some(_) => {}
                    None => watch = app.host.hub().watch(&key),
                }
            }
        }
    };
    if limit.is_zero() {
        return Ok(Json(Messages {
            messages: app.host.view().messages(&key, after).await?,
        }));
    }
    let news = async {
        tokio::select! {
            news = news => news,
            _ = stopping.wait_for(|stopping| *stopping) => Ok(Vec::new()),
        }
    };
    match app.host.runtime().timeout(limit, news).await {
        Ok(messages) => Ok(Json(Messages {
            messages: messages.map_err(|error: engine::error::Error| Problem::from(error))?,
        })),
        Err(_) => Ok(Json(Messages {
            messages: Vec::new(),
        })),
    }
}

pub(super) async fn trace(
    State(app): State<App>,
    path: SessionPath,
    headers: HeaderMap,
) -> Result<Json<Trace>, Problem> {
    let key = app.session(path, &headers, Right::Trace).await?;
    Ok(Json(app.host.view().trace(&key).await?))
}
