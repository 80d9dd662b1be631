//! `/v1/{tenant}/approvals`: what bots ask people, and the people's answers.

use std::sync::Arc;

use engine::approval::{Answer, Approval, Desk, Refusal, State};
use engine::bot::secrets::Role;
use engine::session::Sessions;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::body::{self, Body, read_json};
use crate::response::{answer, json};
use crate::{Access, Problem, Response, noticing, path};

pub(crate) mod page;

/// The longest form.
const MAX_FORM: usize = 16 * 1024;

/// Shows approvals and takes decisions.
#[derive(Clone)]
pub struct Approving {
    /// Who may.
    pub access: Arc<Access>,
    /// Keeps approvals.
    pub desk: Desk,
    /// Tells when what was changed is durable.
    pub sessions: Arc<dyn Sessions>,
}

/// Approvals, the oldest first.
#[derive(Serialize, JsonSchema)]
pub struct Approvals {
    /// Those that were asked for.
    approvals: Vec<Approval>,
}

/// What comes with a decision; all of it may be left out, and so may the body.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NewDecision {
    /// Why, in at most 500 characters; the bot is told.
    reason: Option<String>,
    /// Who decides, by their name in people.toml: only where no key says so, on one's own machine.
    person: Option<String>,
}

#[derive(Deserialize)]
struct Query {
    token: Option<String>,
    #[serde(default)]
    all: bool,
}

impl Approving {
    /// Whichever of the paths below the request is for.
    pub async fn serve(&self, request: http::Request<impl Body>) -> Response {
        let list = request.uri().path().ends_with("/approvals");
        match (request.method() == Method::GET, list) {
            (true, true) => self.list(request).await,
            (true, false) => self.show(request).await,
            (false, _) => self.decide(request).await,
        }
    }

    /// `GET /v1/{tenant}/approvals`
    pub async fn list<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.listed(&head).await)
    }

    /// `GET /v1/{tenant}/approvals/{approval}`. It decides nothing.
    pub async fn show<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.shown(&head).await)
    }

    /// `POST /v1/{tenant}/approvals/{approval}/approve` and `…/deny`
    pub async fn decide(&self, request: http::Request<impl Body>) -> Response {
        let (head, body) = request.into_parts();
        answer(self.decided(&head, body).await)
    }

    async fn listed(&self, head: &Parts) -> Result<Response, Problem> {
        let tenant = path::approvals(&head.uri)?;
        self.access.tenant(&head.headers, &tenant, Role::Viewer)?;
        let all = query(&head.uri)?.all;
        let mut approvals = self.desk.list(&tenant).await?;
        approvals.retain(|approval| all || approval.state == State::Pending);
        approvals.iter_mut().for_each(veil);
        self.sessions.durable().await?;
        json(StatusCode::OK, &Approvals { approvals })
    }

    async fn shown(&self, head: &Parts) -> Result<Response, Problem> {
        let [tenant, id] = path::approval(&head.uri)?;
        let token = query(&head.uri)?.token;
        match &token {
            Some(token) => drop(self.access.linked(token, &tenant, &id)?),
            None => drop(self.access.tenant(&head.headers, &tenant, Role::Viewer)?),
        }
        let mut approval = self.desk.read(&tenant, &id).await?;
        veil(&mut approval);
        self.sessions.durable().await?;
        if wants_page(&head.headers) {
            return Ok(page::show(&tenant, &approval, token.as_deref()));
        }
        json(StatusCode::OK, &approval)
    }

    async fn decided(&self, head: &Parts, body: impl Body) -> Result<Response, Problem> {
        let ([tenant, id], verb) = path::decision(&head.uri)?;
        let said = match verb.as_str() {
            "approve" => Answer::Yes,
            "deny" => Answer::No,
            _ => return Err(Problem::no_such_path()),
        };
        let token = query(&head.uri)?.token;
        let known = match &token {
            Some(token) => Some(self.access.linked(token, &tenant, &id)?),
            None => self.access.tenant(&head.headers, &tenant, Role::Operator)?,
        };
        let decision = read(&head.headers, body).await?;
        let person = who(known, decision.person)?;
        let call = (tenant.as_str(), id.as_str());
        let decided = self
            .desk
            .decide(call, &person, said, decision.reason.as_deref())
            .await?;
        let mut approval = decided.map_err(refused)?;
        veil(&mut approval);
        self.sessions.durable().await?;
        if wants_page(&head.headers) {
            return Ok(page::show(&tenant, &approval, token.as_deref()));
        }
        json(StatusCode::OK, &approval)
    }
}

/// Whether a request is made by a signed link, which alone decides then who makes it.
#[must_use]
pub fn has_link(uri: &Uri) -> bool {
    let here = path::approval(uri).is_ok() || path::decision(uri).is_ok();
    noticing::has_link(uri) || here && query(uri).is_ok_and(|query| query.token.is_some())
}

/// What the execution waits for opens it, so nobody is shown it.
fn veil(approval: &mut Approval) {
    approval.token = None;
    approval.tells = None;
}

/// Whose word a decision is: whom a key or a link names, and nobody else's.
fn who(known: Option<String>, named: Option<String>) -> Result<String, Problem> {
    match (known, named) {
        (Some(known), Some(named)) if known != named => {
            let detail = format!("your key or link is {known}'s; decide as yourself");
            Err(Problem::forbidden(detail))
        }
        (Some(person), _) | (None, Some(person)) => Ok(person),
        (None, None) => {
            let detail = "say who decides: `\"person\"`, by their name in people.toml";
            Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "person_missing",
                detail,
            ))
        }
    }
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::NotAllowed | Refusal::SelfApproval => Problem::forbidden(refusal.to_string()),
        Refusal::Decided
        | Refusal::Expired
        | Refusal::NotGranted
        | Refusal::OtherCall
        | Refusal::Used => {
            Problem::new(StatusCode::CONFLICT, "already_decided", refusal.to_string())
        }
        Refusal::Withdrawn => Problem::new(StatusCode::CONFLICT, "withdrawn", refusal.to_string()),
    }
}

/// The decision's body: JSON, a form of the page, or nothing.
async fn read(headers: &HeaderMap, body: impl Body) -> Result<NewDecision, Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .map(|kind| kind.to_str().unwrap_or(""));
    match kind {
        None => Ok(NewDecision::default()),
        Some(kind) if kind.starts_with("application/x-www-form-urlencoded") => {
            let bytes = body::read(headers, body, MAX_FORM).await?;
            serde_urlencoded::from_bytes(&bytes).map_err(|_| {
                let detail = "the form cannot be read";
                Problem::new(StatusCode::BAD_REQUEST, "malformed_form", detail)
            })
        }
        Some(_) => read_json(headers, body).await,
    }
}

fn query(uri: &Uri) -> Result<Query, Problem> {
    path::query(uri, "all must be true or false")
}

pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    accept.is_some_and(|accept| {
        accept
            .to_str()
            .is_ok_and(|kinds| kinds.contains("text/html"))
    })
}
