//! `…/unknown`: effects that nobody saw come to an end, listed and settled by people.

use std::sync::Arc;

use engine::bot::secrets::Role;
use engine::transcript::Truth;
use engine::unknown::{Settling as Verdict, Unknown, Unknowns};
use http::StatusCode;
use http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::body::{Body, read_json};
use crate::response::{answer, json};
use crate::{Access, Problem, Response, path};

/// Lists and settles what is not known.
#[derive(Clone)]
pub struct Settling {
    /// Who may.
    pub access: Arc<Access>,
    /// What there is to settle.
    pub unknowns: Unknowns,
}

/// What a tenant has to find out.
#[derive(Serialize, JsonSchema)]
pub struct Open {
    /// The oldest first.
    unknown: Vec<Unknown>,
}

/// What a person found out.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// Whether it happened; of an undo, whether the effect is undone.
    happened: bool,
    /// What it answered, as far as it is known.
    #[serde(default)]
    result: Value,
}

impl Settling {
    /// `GET …/unknown`
    pub async fn list<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.open(&head).await)
    }

    /// `POST …/unknown/{id}`
    pub async fn post(&self, request: http::Request<impl Body>) -> Response {
        let (head, body) = request.into_parts();
        answer(self.settle(&head, body).await)
    }

    async fn open(&self, head: &Parts) -> Result<Response, Problem> {
        let tenant = path::unknown(&head.uri)?;
        self.access.tenant(&head.headers, &tenant, Role::Viewer)?;
        let unknown = self.unknowns.open(&tenant).await?;
        json(StatusCode::OK, &Open { unknown })
    }

    async fn settle(&self, head: &Parts, body: impl Body) -> Result<Response, Problem> {
        let [tenant, id] = path::one_unknown(&head.uri)?;
        let by = self.access.tenant(&head.headers, &tenant, Role::Operator)?;
        let by = by.unwrap_or_else(|| tenant.clone());
        let truth = match read_json(&head.headers, body).await? {
            Found {
                happened: true,
                result,
            } => Truth::Happened { result },
            Found { result, .. } if !result.is_null() => {
                let detail = "what did not happen has no result: leave `result` out";
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                return Err(Problem::new(status, "invalid_request", detail));
            }
            Found { .. } => Truth::DidNot,
        };
        match self.unknowns.settle(&tenant, &id, &truth, &by).await? {
            Verdict::Done(unknown) => json(StatusCode::OK, &unknown),
            Verdict::Contrary(unknown) => {
                let detail = contrary(&unknown);
                Err(Problem::new(
                    StatusCode::CONFLICT,
                    "settled_otherwise",
                    detail,
                ))
            }
        }
    }
}

/// Who has said what before, in words.
#[must_use]
pub fn contrary(unknown: &Unknown) -> String {
    let Some(settled) = &unknown.settled else {
        return "it is settled otherwise".to_owned();
    };
    let what = match &settled.truth {
        Truth::Happened { result } if result.is_null() => "it happened".to_owned(),
        Truth::Happened { result } => format!("it happened, with the result {result}"),
        Truth::DidNot => "it did not happen".to_owned(),
    };
    format!(
        "{} has said at {} that {what}; the bot was told, so this stands",
        settled.by, settled.at
    )
}
