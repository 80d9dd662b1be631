//! `…/sessions/{session}` and what a person does there: takes it over, answers, hands it back, ends it, gives a
//! parked turn another try.

use std::sync::Arc;

use engine::attend::{Attend, Standing};
use engine::session::SessionKey;
use engine::turn::{Bots, Receipt, Redrive};
use http::StatusCode;
use http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::body::{Body, MAX_JSON, read, read_json};
use crate::response::{answer, json};
use crate::writing::{Taken, TakenStatus, idempotency_key};
use crate::{Access, Once, Problem, Response, Right, path};

/// Lets persons attend to sessions.
#[derive(Clone)]
pub struct Attending {
    /// Who may.
    pub access: Arc<Access>,
    /// Finds bots.
    pub bots: Arc<dyn Bots>,
    /// Does what they ask.
    pub attend: Attend,
    /// Gives parked turns another try.
    pub redrive: Redrive,
    /// Answers repeated requests.
    pub once: Once,
}

/// Who takes a session over, or speaks or acts in it.
#[derive(Default, Deserialize, JsonSchema)]
pub struct TakingOver {
    /// Their name, where no key says it.
    person: Option<String>,
}

/// What a person says to the contact.
#[derive(Deserialize, JsonSchema)]
pub struct NewReply {
    /// The text, sent as it stands.
    text: String,
    /// The reply's id; the same id is the same reply. `Idempotency-Key` does the same and goes first.
    id: Option<String>,
    /// Their name, where no key says it.
    person: Option<String>,
}

/// What became of the messages of a parked turn.
#[derive(Serialize, JsonSchema)]
pub struct Redone {
    /// Messages that will be answered.
    accepted: usize,
    /// Messages that an earlier redrive of the same turn had accepted.
    duplicates: usize,
}

/// A bot's sessions.
#[derive(Serialize, JsonSchema)]
pub struct Listing {
    /// The newest first.
    pub sessions: Vec<Standing>,
}

/// What a person asks for.
enum Wish {
    TakeOver,
    HandBack,
    Close,
    Reply,
    Redrive,
}

impl Wish {
    fn of(path: &str) -> Result<Self, Problem> {
        match path.rsplit('/').next() {
            Some("takeover") => Ok(Self::TakeOver),
            Some("handback") => Ok(Self::HandBack),
            Some("close") => Ok(Self::Close),
            Some("replies") => Ok(Self::Reply),
            Some("redrive") => Ok(Self::Redrive),
            _ => Err(Problem::no_such_path()),
        }
    }
}

impl Attending {
    /// `GET …/sessions/{session}`
    pub async fn get<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.show(&head).await)
    }

    /// `POST …/takeover`, `…/handback`, `…/close`, `…/replies` and `…/turns/{turn}/redrive`
    pub async fn post(&self, request: http::Request<impl Body>) -> Response {
        let (head, body) = request.into_parts();
        answer(self.attend(&head, body).await)
    }

    async fn show(&self, head: &Parts) -> Result<Response, Problem> {
        let access = &self.access;
        let key = access
            .session(&*self.bots, &head.uri, &head.headers, Right::Trace)
            .await?;
        json(StatusCode::OK, &self.attend.standing(&key).await?)
    }

    async fn attend(&self, head: &Parts, body: impl Body) -> Result<Response, Problem> {
        let wish = Wish::of(head.uri.path())?;
        let access = &self.access;
        let key = access
            .session(&*self.bots, &head.uri, &head.headers, Right::Operate)
            .await?;
        let body = read(&head.headers, body, MAX_JSON).await?;
        let work = self.do_it(wish, head, &key, &body);
        self.once.answer(key.tenant(), head, &body, work).await
    }

    async fn do_it(
        &self,
        wish: Wish,
        head: &Parts,
        key: &SessionKey,
        body: &[u8],
    ) -> Result<Response, Problem> {
        let standing = match wish {
            Wish::TakeOver => {
                let asked: TakingOver = match body {
                    [] => TakingOver::default(),
                    body => read_json(&head.headers, body.to_vec()).await?,
                };
                let person = self.person(head, key, asked.person.as_deref())?;
                self.attend.take_over(key, &person).await?
            }
            Wish::HandBack => self.attend.hand_back(key).await?,
            Wish::Close => self.attend.close(key).await?,
            Wish::Reply => return self.reply(head, key, body).await,
            Wish::Redrive => {
                let redriven = self.redrive.handle(key, path::turn(&head.uri)?).await?;
                let redone = Redone {
                    accepted: redriven.accepted,
                    duplicates: redriven.duplicates,
                };
                return json(StatusCode::ACCEPTED, &redone);
            }
        };
        json(StatusCode::OK, &standing)
    }

    async fn reply(
        &self,
        head: &Parts,
        key: &SessionKey,
        body: &[u8],
    ) -> Result<Response, Problem> {
        let reply: NewReply = read_json(&head.headers, body.to_vec()).await?;
        let person = self.person(head, key, reply.person.as_deref())?;
        let id = idempotency_key(&head.headers)?.or(reply.id);
        let runtime = &self.attend.intake.accept.runtime;
        let id = id.unwrap_or_else(|| runtime.new_id().to_string());
        let receipt = self.attend.reply(key, &person, &id, &reply.text).await?;
        let status = match receipt {
            Receipt::Accepted => TakenStatus::Accepted,
            Receipt::Duplicate => TakenStatus::Duplicate,
        };
        json(StatusCode::ACCEPTED, &Taken::new(key, id, status))
    }

    fn person(
        &self,
        head: &Parts,
        key: &SessionKey,
        asked: Option<&str>,
    ) -> Result<String, Problem> {
        let person = self.access.operator(&head.headers, key, asked)?;
        if person.trim().is_empty() || person.len() > 100 || person.chars().any(char::is_control) {
            let detail = "`person` must be a name of 1 to 100 bytes";
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_request",
                detail,
            ));
        }
        Ok(person)
    }
}
