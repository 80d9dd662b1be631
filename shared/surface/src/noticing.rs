//! `/v1/{tenant}/notices/{notice}`: what somebody was told, and their word that they know, by a signed link.

use std::sync::Arc;

use engine::notify::{Class, Notice, NoticeState, Notices};
use engine::runtime::Time;
use engine::session::Sessions;
use http::request::Parts;
use http::{Method, StatusCode, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::approving::{page, wants_page};
use crate::body::Body;
use crate::response::{answer, json};
use crate::{Access, Problem, Response, path};

/// Shows notices to whoever was told, and takes their word that they know.
#[derive(Clone)]
pub struct Noticing {
    /// Who may.
    pub access: Arc<Access>,
    /// Keeps notices.
    pub notices: Notices,
    /// Tells when what was changed is durable.
    pub sessions: Arc<dyn Sessions>,
}

/// A notice as whoever was told sees it.
#[derive(Serialize, JsonSchema)]
pub struct ShownNotice {
    /// Its name.
    id: String,
    /// What it says.
    text: String,
    /// How much it matters.
    class: Class,
    /// When it was first to be told.
    at: Time,
    /// `open`, `told`, `unreached`, `acknowledged` or `unacknowledged`.
    state: String,
    /// Who said that they know.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

#[derive(Deserialize)]
struct Query {
    token: Option<String>,
}

impl Noticing {
    /// `GET /v1/{tenant}/notices/{notice}`, which changes nothing, and `POST …/acknowledge`.
    pub async fn serve(&self, request: http::Request<impl Body>) -> Response {
        let (head, _) = request.into_parts();
        answer(match head.method {
            Method::GET => self.shown(&head).await,
            _ => self.acknowledged(&head).await,
        })
    }

    async fn shown(&self, head: &Parts) -> Result<Response, Problem> {
        let [tenant, id] = path::notice(&head.uri)?;
        let token = token(&head.uri)?;
        self.access.noticed(&token, &tenant, &id)?;
        let notice = self.notices.read(&tenant, &id).await?;
        self.answer(head, &token, notice).await
    }

    async fn acknowledged(&self, head: &Parts) -> Result<Response, Problem> {
        let [tenant, id] = path::acknowledge(&head.uri)?;
        let token = token(&head.uri)?;
        let person = self.access.noticed(&token, &tenant, &id)?;
        let notice = self.notices.acknowledge(&tenant, &id, &person).await?;
        self.answer(head, &token, notice).await
    }

    async fn answer(
        &self,
        head: &Parts,
        token: &str,
        notice: Option<Notice>,
    ) -> Result<Response, Problem> {
        let gone = || {
            Problem::new(
                StatusCode::NOT_FOUND,
                "not_found",
                "there is no such notice",
            )
        };
        let notice = notice.ok_or_else(gone)?;
        self.sessions.durable().await?;
        if wants_page(&head.headers) {
            return Ok(show(&notice, token));
        }
        json(StatusCode::OK, &ShownNotice::from(notice))
    }
}

impl From<Notice> for ShownNotice {
    fn from(notice: Notice) -> Self {
        let by = match &notice.state {
            NoticeState::Acknowledged { by, .. } => Some(by.clone()),
            _ => None,
        };
        Self {
            state: notice.state.name().to_owned(),
            id: notice.id,
            text: notice.text,
            class: notice.class,
            at: notice.at,
            by,
        }
    }
}

fn show(notice: &Notice, token: &str) -> Response {
    let escape = page::escape;
    let mut body = format!("<p>{}</p>", escape(&notice.text));
    match &notice.state {
        NoticeState::Acknowledged {
            by,
            acknowledged_at,
        } => {
            body.push_str(&format!(
                "<p>{} knows, since {acknowledged_at}.</p>",
                escape(by)
            ));
        }
        NoticeState::Open => {
            let (tenant, id) = (notice.place.tenant(), &notice.id);
            let action = format!("/v1/{tenant}/notices/{id}/acknowledge?token={token}");
            let action = escape(&action);
            body.push_str(&format!(
                "<form method=post action=\"{action}\"><button>I know</button></form>"
            ));
        }
        _ => body.push_str("<p>Nobody waits for a sign any longer.</p>"),
    }
    page::document("Notice", &body)
}

fn token(uri: &Uri) -> Result<String, Problem> {
    let query: Option<Query> = serde_urlencoded::from_str(uri.query().unwrap_or_default()).ok();
    let token = query.and_then(|query| query.token);
    token.ok_or_else(|| Problem::unauthenticated("open it by the link that you were sent"))
}

/// Whether a request is made by a notice's signed link.
pub(crate) fn has_link(uri: &Uri) -> bool {
    let here = path::notice(uri).is_ok() || path::acknowledge(uri).is_ok();
    here && token(uri).is_ok()
}
