//! `POST …/events`: others tell of what happened.

use std::sync::Arc;

use engine::bot::secrets::Role;
use engine::bus::{Bus, NewEvent};
use engine::runtime::Runtime;
use engine::session::Sessions;
use http::StatusCode;
use http::request::Parts;
use schemars::JsonSchema;
use serde::Serialize;

use crate::body::{Body, read_json};
use crate::response::{answer, json};
use crate::{Access, Problem, Response, path};

/// Takes events in.
#[derive(Clone)]
pub struct Posting {
    /// Who may.
    pub access: Arc<Access>,
    /// Where they go.
    pub bus: Arc<dyn Bus>,
    /// Time and ids.
    pub runtime: Runtime,
    /// Tells when what an event did is durable.
    pub sessions: Arc<dyn Sessions>,
}

/// An event that was taken in.
#[derive(Serialize, JsonSchema)]
pub struct Posted {
    /// Its id. Posting it again changes nothing.
    pub event: String,
}

impl Posting {
    /// `POST /v1/{tenant}/events`
    pub async fn post(&self, request: http::Request<impl Body>) -> Response {
        let (head, body) = request.into_parts();
        answer(self.take(&head, body).await)
    }

    async fn take(&self, head: &Parts, body: impl Body) -> Result<Response, Problem> {
        let [tenant] = path::names(&head.uri, "/v1/{tenant}/events")?;
        self.access.tenant(&head.headers, &tenant, Role::Operator)?;
        let wished: NewEvent = read_json(&head.headers, body).await?;
        let event = wished.of(&tenant, &self.runtime)?;
        let posted = Posted {
            event: event.id.clone(),
        };
        self.bus.put(event).await?;
        self.sessions.durable().await?;
        json(StatusCode::ACCEPTED, &posted)
    }
}
