//! `…/workflows/{workflow}/versions` and `…/rollback`: workflows that are published between deployments.

use std::sync::Arc;

use engine::bot::secrets::Role;
use engine::run::{Publication, Publisher, Release};
use http::request::Parts;
use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::response::{answer, json};
use crate::{Access, Body, Problem, Response, path, read_json};

/// Publishes workflows, and goes back.
#[derive(Clone)]
pub struct Publishing {
    /// Who may.
    pub access: Arc<Access>,
    /// Publishes them. Without one a workflow is its file, as on one machine.
    pub publisher: Option<Publisher>,
}

/// A wish that a text be live.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVersion {
    /// The workflow file.
    text: String,
    /// The bot whose tools it uses; needed when the workflow is new.
    #[serde(default)]
    bot: Option<String>,
}

/// A wish to go back.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoingBack {
    /// The version's number, 0 for the one that was deployed; the one before the live one when absent.
    #[serde(default)]
    to: Option<u32>,
}

/// A version of a workflow.
#[derive(Serialize, JsonSchema)]
pub struct Version {
    #[serde(flatten)]
    release: Release,
    /// Whether runs are started with it.
    live: bool,
}

/// The versions of a workflow.
#[derive(Serialize, JsonSchema)]
pub struct Versions {
    /// The oldest first.
    versions: Vec<Version>,
}

impl Publishing {
    /// Whichever of the paths below the request is for.
    pub async fn serve(&self, request: http::Request<impl Body>) -> Response {
        match (
            request.method(),
            request.uri().path().ends_with("/rollback"),
        ) {
            (&Method::POST, true) => self.roll_back(request).await,
            (&Method::POST, false) => self.publish(request).await,
            _ => self.versions(request).await,
        }
    }

    /// `GET /v1/{tenant}/workflows/{workflow}/versions`
    pub async fn versions<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.listed(&head).await)
    }

    /// `POST /v1/{tenant}/workflows/{workflow}/versions`
    pub async fn publish(&self, request: http::Request<impl Body>) -> Response {
        let (head, body) = request.into_parts();
        answer(self.published(&head, body).await)
    }

    /// `POST /v1/{tenant}/workflows/{workflow}/rollback`
    pub async fn roll_back(&self, request: http::Request<impl Body>) -> Response {
        let (head, body) = request.into_parts();
        answer(self.rolled_back(&head, body).await)
    }

    async fn listed(&self, head: &Parts) -> Result<Response, Problem> {
        let (tenant, name, _) = self.named(head, Role::Viewer)?;
        let (versions, live) = self.publisher()?.versions(&tenant, &name).await?;
        let versions = versions.into_iter().map(|release| Version {
            live: release.number == live,
            release,
        });
        let versions = versions.collect();
        json(StatusCode::OK, &Versions { versions })
    }

    async fn published(&self, head: &Parts, body: impl Body) -> Result<Response, Problem> {
        let (tenant, workflow, by) = self.named(head, Role::Admin)?;
        let publisher = self.publisher()?;
        let NewVersion { text, bot } = read_json(&head.headers, body).await?;
        let publication = Publication {
            tenant,
            workflow,
            bot,
            text,
            by,
        };
        let (release, is_new) = publisher.publish(publication).await?;
        let status = match is_new {
            true => StatusCode::CREATED,
            false => StatusCode::OK,
        };
        json(
            status,
            &Version {
                release,
                live: true,
            },
        )
    }

    async fn rolled_back(&self, head: &Parts, body: impl Body) -> Result<Response, Problem> {
        let (tenant, name, _) = self.named(head, Role::Admin)?;
        let publisher = self.publisher()?;
        let GoingBack { to } = read_json(&head.headers, body).await?;
        let release = publisher.roll_back(&tenant, &name, to).await?;
        json(
            StatusCode::OK,
            &Version {
                release,
                live: true,
            },
        )
    }

    /// The tenant, the workflow, and who asks.
    fn named(
        &self,
        head: &Parts,
        needed: Role,
    ) -> Result<(String, String, Option<String>), Problem> {
        let form = "/v1/{tenant}/workflows/{workflow}/{what}";
        let [tenant, workflow, _] = path::names(&head.uri, form)?;
        let by = self.access.tenant(&head.headers, &tenant, needed)?;
        Ok((tenant, workflow, by))
    }

    fn publisher(&self) -> Result<&Publisher, Problem> {
        self.publisher.as_ref().ok_or_else(|| {
            let detail = "on one machine a workflow is its file, and an edit is live at once; `confab workflow versions` and `rollback` keep and bring back what it was";
            Problem::new(StatusCode::CONFLICT, "live_by_file", detail)
        })
    }
}
