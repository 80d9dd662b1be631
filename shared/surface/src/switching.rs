//! `POST …/stop` and `POST …/resume`: an operator stops a bot, or all bots of a tenant.

use std::sync::Arc;

use engine::bot::secrets::Role;
use engine::session::Sessions;
use engine::switch::{Switch, Switches};
use engine::turn::Bots;
use http::request::Parts;
use http::{StatusCode, Uri};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::response::{answer, json};
use crate::{Access, Body, Problem, Response, path, read_json};

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// Stops bots and lets them go on.
#[derive(Clone)]
pub struct Switching {
    /// Who may.
    pub access: Arc<Access>,
    /// Finds bots.
    pub bots: Arc<dyn Bots>,
    /// What is stopped.
    pub switches: Arc<Switches>,
    /// Knows when it is durable.
    pub sessions: Arc<dyn Sessions>,
}

/// Why something is stopped.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// Shown to operators with every message that is refused.
    #[schemars(length(min = 1, max = MAX_REASON))]
    reason: String,
}

/// What of a tenant a path names.
struct Named {
    tenant: String,
    bot: Option<String>,
}

impl Switching {
    /// `POST …/stop` and `POST …/resume`, of a bot and of a tenant. Answered when it is durable.
    pub async fn post(&self, request: http::Request<impl Body>) -> Response {
        let (head, body) = request.into_parts();
        answer(self.turn(&head, body).await)
    }

    async fn turn(&self, head: &Parts, body: impl Body) -> Result<Response, Problem> {
        let switch = match head.uri.path().rsplit('/').next() {
            Some("stop") => self.stop(head, body).await?,
            Some("resume") => self.resume(head).await?,
            _ => return Err(Problem::no_such_path()),
        };
        self.sessions.durable().await?;
        json(StatusCode::OK, &switch)
    }

    async fn stop(&self, head: &Parts, body: impl Body) -> Result<Switch, Problem> {
        let (person, named) = self.operator(head).await?;
        let Stop { reason } = read_json(&head.headers, body).await?;
        let reason = reason.trim();
        if !(1..=MAX_REASON).contains(&reason.chars().count()) {
            let detail = format!("`reason` says why, in at most {MAX_REASON} characters");
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_request",
                detail,
            ));
        }
        let Named { tenant, bot } = named;
        let stopped = self.switches.stop(&tenant, bot.as_deref(), &person, reason);
        Ok(stopped.await?)
    }

    async fn resume(&self, head: &Parts) -> Result<Switch, Problem> {
        let (_, Named { tenant, bot }) = self.operator(head).await?;
        Ok(self.switches.resume(&tenant, bot.as_deref()).await?)
    }

    /// Who asks, and what they name, once they may and it is here.
    async fn operator(&self, head: &Parts) -> Result<(String, Named), Problem> {
        let named = named(&head.uri)?;
        let person = self
            .access
            .tenant(&head.headers, &named.tenant, Role::Operator)?;
        let person = person.unwrap_or_else(|| "whoever runs this host".to_owned());
        if let Some(bot) = &named.bot {
            self.bots.find(&named.tenant, bot).await?;
        }
        Ok((person, named))
    }
}

fn named(uri: &Uri) -> Result<Named, Problem> {
    if let Ok([tenant, bot, _]) = path::names(uri, "/v1/{tenant}/{bot}/{what}") {
        let bot = Some(bot);
        return Ok(Named { tenant, bot });
    }
    let [tenant, _] = path::names(uri, "/v1/{tenant}/{what}")?;
    Ok(Named { tenant, bot: None })
}
