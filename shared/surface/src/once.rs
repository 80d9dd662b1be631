//! `Idempotency-Key`: a request that is sent again gets the answer it had, and is not carried out again.

use std::sync::Arc;
use std::time::Duration;

use engine::document::{Amendment, DocumentKey, Documents, Topic, amend};
use engine::runtime::{Runtime, Time};
use engine::session::InvocationId;
use http::StatusCode;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::response::of;
use crate::writing::idempotency_key;
use crate::{Problem, Response};

#[cfg(test)]
mod tests;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(60);

/// The longest that a request may be carried out; after that, whoever began it has died.
const PROCESSING: Duration = Duration::from_secs(300);

/// Answers requests with an `Idempotency-Key` once.
#[derive(Clone)]
pub struct Once {
    /// Keeps answers.
    pub documents: Arc<dyn Documents>,
    /// Time and ids.
    pub runtime: Runtime,
}

/// What is kept of a request.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// What was asked, so that another request under the same key is told apart.
    fingerprint: String,
    /// Until when this counts.
    until: Time,
    /// How far it came.
    state: State,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// This invocation carries it out.
    Processing(InvocationId),
    /// It was answered thus.
    Complete { status: u16, body: String },
}

/// What a request under a key is.
enum Found {
    /// The first of its kind: carry it out.
    Mine,
    /// The same as one that is carried out right now.
    Running,
    /// The same as one that was answered.
    Answered { status: u16, body: String },
    /// Another one.
    Other,
}

impl Once {
    /// Carries `work` out for a request of `tenant` with `body`, unless one with the same key was. Answers are
    /// JSON. A failure frees the key.
    ///
    /// # Errors
    /// What `work` says; 409 while the same request is carried out; 422 when the key was used for another.
    pub async fn answer(
        &self,
        tenant: &str,
        head: &Parts,
        body: &[u8],
        work: impl Future<Output = Result<Response, Problem>>,
    ) -> Result<Response, Problem> {
        let Some(key) = idempotency_key(&head.headers)? else {
            return work.await;
        };
        let key = checked(key)?;
        let place = DocumentKey::new(tenant, Topic::Request, key);
        let me = InvocationId::fresh(&self.runtime);
        match self.find(&place, &fingerprint(head, body), me).await? {
            Found::Mine => {}
            Found::Running => return Err(running()),
            Found::Other => return Err(other()),
            Found::Answered { status, body } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                return Ok(of(status, "application/json", body));
            }
        }
        let done = work.await;
        match &done {
            Ok(response) if response.status().is_success() => {
                let body = String::from_utf8_lossy(response.body()).into_owned();
                let status = response.status().as_u16();
                self.keep(&place, me, State::Complete { status, body })
                    .await?;
            }
            _ => self.free(&place, me).await?,
        }
        done
    }

    async fn find(
        &self,
        place: &DocumentKey,
        fingerprint: &str,
        me: InvocationId,
    ) -> Result<Found, Problem> {
        let now = self.runtime.now();
        let decide = |kept: Option<Kept>| {
            let kept = kept.filter(|kept| kept.until > now);
            let found = match kept {
                Some(kept) if kept.fingerprint != fingerprint => Found::Other,
                Some(Kept { state, .. }) => match state {
                    // A save that seemed lost had succeeded.
                    State::Processing(by) if by == me => Found::Mine,
                    State::Processing(_) => Found::Running,
                    State::Complete { status, body } => Found::Answered { status, body },
                },
                None => {
                    let until = now.plus(PROCESSING);
                    let body = Kept {
                        fingerprint: fingerprint.to_owned(),
                        until,
                        state: State::Processing(me),
                    };
                    let expires = Some(until);
                    return (Amendment::Save { body, expires }, Found::Mine);
                }
            };
            (Amendment::Keep, found)
        };
        Ok(amend(&*self.documents, place, decide).await?)
    }

    /// Keeps the answer, if the key is still ours.
    async fn keep(
        &self,
        place: &DocumentKey,
        me: InvocationId,
        state: State,
    ) -> Result<(), Problem> {
        let until = self.runtime.now().plus(KEPT);
        let mut state = Some(state);
        let decide = |kept: Option<Kept>| match kept {
            Some(kept) if kept.is_of(me) && state.is_some() => {
                let body = Kept {
                    fingerprint: kept.fingerprint,
                    until,
                    state: state.take().unwrap_or(kept.state),
                };
                let expires = Some(until);
                (Amendment::Save { body, expires }, ())
            }
            _ => (Amendment::Keep, ()),
        };
        Ok(amend(&*self.documents, place, decide).await?)
    }

    /// Frees the key, if it is still ours.
    async fn free(&self, place: &DocumentKey, me: InvocationId) -> Result<(), Problem> {
        let Some(found) = self.documents.read(place).await? else {
            return Ok(());
        };
        let kept: Kept = engine::document::parse(found.body)?;
        if kept.is_of(me) {
            self.documents.remove(place, found.version).await?;
        }
        Ok(())
    }
}

impl Kept {
    fn is_of(&self, me: InvocationId) -> bool {
        matches!(self.state, State::Processing(by) if by == me)
    }
}

/// First 16 hex digits of the SHA-256 of `method:path:body`.
fn fingerprint(head: &Parts, body: &[u8]) -> String {
    let digest = Sha256::new()
        .chain_update(head.method.as_str())
        .chain_update(":")
        .chain_update(head.uri.path())
        .chain_update(":")
        .chain_update(body)
        .finalize();
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// An `Idempotency-Key` that is one.
pub(crate) fn checked(key: String) -> Result<String, Problem> {
    if (1..=200).contains(&key.len()) {
        return Ok(key);
    }
    let detail = "Idempotency-Key must be 1 to 200 characters";
    Err(Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_header",
        detail,
    ))
}

fn running() -> Problem {
    let detail =
        "a request with this Idempotency-Key is being carried out; send it again in a moment";
    Problem::new(StatusCode::CONFLICT, "request_running", detail)
}

pub(crate) fn other() -> Problem {
    let detail = "this Idempotency-Key was used for another request; use a new one for each";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key_reused", detail)
}
