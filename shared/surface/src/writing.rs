//! `POST …/messages`: a message comes in.

use std::sync::Arc;

use engine::session::SessionKey;
use engine::turn::{Intake, Receipt};
use engine::view::View;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::body::{Body, read_json};
use crate::response::{answer, json};
use crate::{Access, Problem, Response, Right};

/// Takes messages in.
#[derive(Clone)]
pub struct Writing {
    /// Who may.
    pub access: Arc<Access>,
    /// Takes them in.
    pub intake: Intake,
    /// Knows what was said before.
    pub view: View,
}

/// What a caller sends.
#[derive(Deserialize, JsonSchema)]
pub struct NewMessage {
    /// What the contact says.
    text: String,
    /// The message's id; the same id is the same message. `Idempotency-Key` does the same and goes first.
    id: Option<String>,
}

/// The answer to a message that is durable.
#[derive(Serialize, JsonSchema)]
pub struct Taken {
    /// The session, as `<channel>:<contact>`.
    session: String,
    /// The message's id.
    message: String,
    /// Whether it was new.
    status: TakenStatus,
}

impl Taken {
    pub(crate) fn new(session: &SessionKey, message: String, status: TakenStatus) -> Self {
        Self {
            session: session.id().to_owned(),
            message,
            status,
        }
    }
}

/// Whether a message was new.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TakenStatus {
    /// It will be answered.
    Accepted,
    /// It was accepted before.
    Duplicate,
}

impl Writing {
    /// `POST …/messages`
    pub async fn post(&self, request: http::Request<impl Body>) -> Response {
        let (head, body) = request.into_parts();
        answer(self.take(&head, body).await)
    }

    async fn take(&self, head: &Parts, body: impl Body) -> Result<Response, Problem> {
        let accept = &self.intake.accept;
        let key = self
            .access
            .session(&*accept.bots, &head.uri, &head.headers, Right::Talk)
            .await?;
        let header = idempotency_key(&head.headers)?;
        let mut message: NewMessage = read_json(&head.headers, body).await?;
        message.id = header.or(message.id);
        say(&self.intake, &self.view, &key, message).await
    }
}

/// Takes in a message of a session whose caller is known to be allowed.
///
/// # Errors
/// Why it was not taken in.
pub async fn say(
    intake: &Intake,
    view: &View,
    session: &SessionKey,
    message: NewMessage,
) -> Result<Response, Problem> {
    let id = message
        .id
        .unwrap_or_else(|| intake.accept.runtime.new_id().to_string());
    let status = match intake.post(session, &id, &message.text).await? {
        Receipt::Accepted => TakenStatus::Accepted,
        Receipt::Duplicate => {
            let said = view.text_of(session, &id).await?;
            if said.is_some_and(|said| said != message.text) {
                let detail = "a message with this id was accepted with another text; \
                              send each message under an id of its own";
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                return Err(Problem::new(status, "id_reused", detail));
            }
            TakenStatus::Duplicate
        }
    };
    json(StatusCode::ACCEPTED, &Taken::new(session, id, status))
}

pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let bad_header = |_| {
        let detail = "Idempotency-Key must be ASCII";
        Problem::new(StatusCode::BAD_REQUEST, "invalid_header", detail)
    };
    let header = headers.get("idempotency-key");
    header
        .map(|id| id.to_str().map(str::to_owned))
        .transpose()
        .map_err(bad_header)
}
