//! `…/hooks/{workflow}`: other services start runs, or tell of events, with signed requests.

use std::sync::Arc;

use engine::bus::{Bus, NewEvent};
use engine::run::{Fire, FiredBy};
use engine::session::Sessions;
use engine::tool::Secrets;
use engine::workflow::{TriggerKind, Workflow};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::body::{self, Body};
use crate::{Posted, Problem, Response, path, response};

mod signature;

use signature::{Signed, Unsigned};

/// The longest body: it goes into the run's input with what is made of it.
const MAX_BODY: usize = 120 * 1024;

/// Starts runs for services that sign their requests.
#[derive(Clone)]
pub struct Hooks {
    /// Finds workflows, and starts their runs.
    pub fire: Fire,
    /// Where deliveries go that are told as events.
    pub bus: Arc<dyn Bus>,
    /// What services sign with.
    pub secrets: Arc<dyn Secrets>,
    /// Tells when a run is durable.
    pub sessions: Arc<dyn Sessions>,
}

impl Hooks {
    /// `POST /v1/{tenant}/hooks/{workflow}`. A delivery that comes again gives the run that it gave before,
    /// or is the event that it was.
    pub async fn post(&self, request: http::Request<impl Body>) -> Response {
        let (head, body) = request.into_parts();
        response::answer(self.take(&head, body).await)
    }

    async fn take(&self, head: &Parts, body: impl Body) -> Result<Response, Problem> {
        let [tenant, name] = path::names(&head.uri, "/v1/{tenant}/hooks/{workflow}")?;
        let offer = self.fire.catalogue.offer(&tenant, &name).await?;
        let workflow = &*offer.workflow;
        if hooks(workflow).next().is_none() {
            let detail = format!("{name} takes no webhooks; add `webhook` to its `on`");
            return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", detail));
        }
        let body = body::read(&head.headers, body, MAX_BODY).await?;
        let signed = Signed {
            headers: &head.headers,
            body: &body,
            now: self.fire.start.runtime.now(),
        };
        let (trigger, delivery) = self.verify(&tenant, workflow, &signed).await?;
        if let TriggerKind::Webhook {
            event: Some(name), ..
        } = &workflow.triggers[trigger].kind
        {
            let told = NewEvent {
                name: name.clone(),
                id: Some(format!("webhook:{}:{delivery}", workflow.name)),
                data: content(&body)?,
            };
            return self.tell(&tenant, told).await;
        }
        let happened = json!({
            "type": "webhook",
            "id": delivery,
            "event": text(&head.headers, "x-github-event"),
            "body": content(&body)?,
        });
        let by = FiredBy::Came {
            happened,
            cause: format!("webhook:{delivery}"),
        };
        let fired = self.fire.fire(&tenant, offer, trigger, by);
        // A webhook has no filter, so a run is always wanted.
        let started = fired.await?.ok_or_else(Problem::no_such_path)?;
        let summary = self.fire.start.summary(&started).await?;
        self.sessions.durable().await?;
        response::json(StatusCode::ACCEPTED, &summary)
    }

    async fn tell(&self, tenant: &str, told: NewEvent) -> Result<Response, Problem> {
        let event = told.of(tenant, &self.fire.start.runtime)?;
        let posted = Posted {
            event: event.id.clone(),
        };
        self.bus.put(event).await?;
        self.sessions.durable().await?;
        response::json(StatusCode::ACCEPTED, &posted)
    }

    /// Which trigger's secret signed the request, and the delivery's id.
    async fn verify(
        &self,
        tenant: &str,
        workflow: &Workflow,
        signed: &Signed<'_>,
    ) -> Result<(usize, String), Problem> {
        let mut unsigned = Unsigned::Otherwise;
        for (trigger, secret) in hooks(workflow) {
            let secret = self.secrets.secret(tenant, secret).await?;
            match signed.delivery(secret.kept()) {
                Ok(id) => return Ok((trigger, id)),
                Err(why) => unsigned = why,
            }
        }
        tracing::warn!(workflow = workflow.name, why = %unsigned, "a webhook was refused");
        let status = StatusCode::UNAUTHORIZED;
        Err(Problem::new(status, "bad_signature", unsigned.to_string()))
    }
}

/// The places of a workflow's webhooks among its triggers, and the names of their secrets.
fn hooks(workflow: &Workflow) -> impl Iterator<Item = (usize, &str)> {
    let triggers = workflow.triggers.iter().enumerate();
    triggers.filter_map(|(at, trigger)| match &trigger.kind {
        TriggerKind::Webhook { secret, .. } => Some((at, secret.as_str())),
        _ => None,
    })
}

/// The body as JSON; other text as it stands.
fn content(body: &[u8]) -> Result<Value, Problem> {
    if let Ok(json) = serde_json::from_slice(body) {
        return Ok(json);
    }
    let text = std::str::from_utf8(body).map_err(|_| {
        let detail = "the body is neither JSON nor text";
        Problem::new(StatusCode::BAD_REQUEST, "not_utf8", detail)
    })?;
    Ok(Value::from(text))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
