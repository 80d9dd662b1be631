//! `…/workflows` and `…/runs`: what can be started, what was, and how it went.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::bot::secrets::Role;
use engine::run::{
    Beginning, Catalogue, Histories, Offer, RunRecord, RunStatus, RunSummary, Start, Values,
};
use engine::runtime::Runtime;
use engine::session::Sessions;
use engine::workflow::graph::Drawing;
use engine::workflow::{Input, TriggerKind};
use http::request::Parts;
use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::body::{Body, read_json};
use crate::news::MAX_WAIT;
use crate::response::{answer, json};
use crate::writing::idempotency_key;
use crate::{Access, Problem, Response, RunNews, once, path};

/// How many runs are listed unless another number is asked for.
const USUAL: usize = 20;

/// The most runs in a list: each is asked how it stands.
const MOST: usize = 100;

/// Lists workflows; starts, shows and ends their runs.
#[derive(Clone)]
pub struct Running {
    /// Who may.
    pub access: Arc<Access>,
    /// Which workflows there are.
    pub catalogue: Arc<dyn Catalogue>,
    /// Starts and ends runs.
    pub start: Start,
    /// What happened in them.
    pub histories: Arc<dyn Histories>,
    /// What they kept.
    pub values: Values,
    /// Tells when what was changed is durable.
    pub sessions: Arc<dyn Sessions>,
    /// Wakes who waits for the end of one.
    pub news: Arc<dyn RunNews>,
    /// Bounds waits.
    pub runtime: Runtime,
}

/// What can be started.
#[derive(Serialize, JsonSchema)]
pub struct Workflows {
    /// By name.
    workflows: Vec<Startable>,
}

/// A workflow that can be started.
#[derive(Serialize, JsonSchema)]
struct Startable {
    /// Its name, its file's without `.yaml`.
    name: String,
    /// What it does.
    description: String,
    /// The version that is started.
    version: String,
    /// The bot whose tools it uses.
    bot: String,
    /// What a run is given, by name.
    inputs: BTreeMap<String, Taking>,
    /// What starts it besides people, in words.
    triggers: Vec<String>,
}

/// What a run is given.
#[derive(Serialize, JsonSchema)]
struct Taking {
    /// `string`, `integer`, `number`, `boolean`, `list`, `object` or `any`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What it is for.
    #[serde(skip_serializing_if = "str::is_empty")]
    description: String,
    /// What it is when it is not given; it must be given when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
}

/// A wish for a run.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    /// What it is given, by name; nothing when absent.
    #[serde(default = "none")]
    inputs: Value,
}

/// The latest runs.
#[derive(Serialize, JsonSchema)]
pub struct Runs {
    /// The newest first.
    runs: Vec<RunSummary>,
}

#[derive(Deserialize)]
struct Query {
    workflow: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
struct Patience {
    #[serde(default)]
    wait: u64,
}

#[derive(Deserialize)]
struct Wanted {
    kept: String,
}

fn none() -> Value {
    json!({})
}

impl Running {
    /// Whichever of the paths below the request is for.
    pub async fn serve(&self, request: http::Request<impl Body>) -> Response {
        let path = request.uri().path();
        let last = path.rsplit('/').next().unwrap_or_default();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match (reads, last) {
            (true, "workflows") => self.workflows(request).await,
            (true, "runs") => self.runs(request).await,
            (true, "graph") => self.graph(request).await,
            (true, "value") => self.value(request).await,
            (true, _) => self.show(request).await,
            (false, "runs") => self.start(request).await,
            (false, "retry") => self.retry(request).await,
            (false, _) => self.cancel(request).await,
        }
    }

    /// `GET /v1/{tenant}/workflows`
    pub async fn workflows<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.offered(&head).await)
    }

    /// `POST /v1/{tenant}/workflows/{workflow}/runs`
    pub async fn start(&self, request: http::Request<impl Body>) -> Response {
        let (head, body) = request.into_parts();
        answer(self.begin(&head, body).await)
    }

    /// `GET /v1/{tenant}/runs`
    pub async fn runs<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.latest(&head).await)
    }

    /// `GET /v1/{tenant}/runs/{run}`
    pub async fn show<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.shown(&head).await)
    }

    /// `GET /v1/{tenant}/workflows/{workflow}/graph` and `GET /v1/{tenant}/runs/{run}/graph`
    pub async fn graph<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.drawn(&head).await)
    }

    /// `GET /v1/{tenant}/runs/{run}/value`
    pub async fn value<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.kept(&head).await)
    }

    /// `POST /v1/{tenant}/runs/{run}/cancel`
    pub async fn cancel<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.cancelled(&head).await)
    }

    /// `POST /v1/{tenant}/runs/{run}/retry`
    pub async fn retry<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.retried(&head).await)
    }

    async fn offered(&self, head: &Parts) -> Result<Response, Problem> {
        let [tenant] = path::names(&head.uri, "/v1/{tenant}/workflows")?;
        self.access.tenant(&head.headers, &tenant, Role::Viewer)?;
        let offers = self.catalogue.offers(&tenant).await?;
        let workflows = offers.into_iter().map(Startable::new).collect();
        json(StatusCode::OK, &Workflows { workflows })
    }

    async fn begin(&self, head: &Parts, body: impl Body) -> Result<Response, Problem> {
        let [tenant, name] = path::names(&head.uri, "/v1/{tenant}/workflows/{workflow}/runs")?;
        let by = self.access.tenant(&head.headers, &tenant, Role::Operator)?;
        let key = idempotency_key(&head.headers)?;
        let key = key.map(once::checked).transpose()?;
        let NewRun { inputs } = read_json(&head.headers, body).await?;
        let Offer {
            bot,
            workflow,
            machine,
        } = self.catalogue.offer(&tenant, &name).await?;
        let mut trigger = json!({ "type": "manual" });
        if let Some(by) = by {
            trigger["by"] = Value::from(by);
        }
        let beginning = Beginning {
            tenant,
            bot,
            machine,
            trigger,
            inputs: inputs.clone(),
            cause: key.map(|key| format!("key:{key}")),
        };
        let started = self.start.begin(&workflow, beginning).await?;
        // The key names a run for as long as the run is known.
        if started.inputs != inputs {
            return Err(once::other());
        }
        let summary = self.start.summary(&started).await?;
        self.sessions.durable().await?;
        json(StatusCode::ACCEPTED, &summary)
    }

    async fn latest(&self, head: &Parts) -> Result<Response, Problem> {
        let [tenant] = path::names(&head.uri, "/v1/{tenant}/runs")?;
        self.access.tenant(&head.headers, &tenant, Role::Viewer)?;
        let detail = format!("limit must be a number from 1 to {MOST}");
        let Query { workflow, limit } = path::query(&head.uri, &detail)?;
        let limit = limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_query",
                detail,
            ));
        }
        let found = self
            .start
            .latest(&tenant, workflow.as_deref(), limit)
            .await?;
        let mut runs = Vec::with_capacity(found.len());
        for started in &found {
            runs.push(self.start.summary(started).await?);
        }
        self.sessions.durable().await?;
        json(StatusCode::OK, &Runs { runs })
    }

    async fn shown(&self, head: &Parts) -> Result<Response, Problem> {
        let [tenant, id] = path::names(&head.uri, "/v1/{tenant}/runs/{run}")?;
        self.access.tenant(&head.headers, &tenant, Role::Viewer)?;
        let detail = "wait must be a whole number of seconds";
        let Patience { wait } = path::query(&head.uri, detail)?;
        if wait > 0 {
            let limit = Duration::from_secs(wait.min(MAX_WAIT));
            // A run that goes on longer is shown as it stands.
            if let Ok(ended) = self.runtime.timeout(limit, self.end(&tenant, &id)).await {
                ended?;
            }
        }
        let record = self.record(&tenant, &id).await?;
        self.sessions.durable().await?;
        json(StatusCode::OK, &record)
    }

    /// Resolves when a run has ended, or the server stops.
    async fn end(&self, tenant: &str, id: &str) -> Result<(), Problem> {
        let mut watch = self.news.watch(id);
        loop {
            let started = self.start.find(tenant, id).await?;
            let status = self.start.summary(&started).await?.status;
            if status.has_ended() || watch.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    async fn drawn(&self, head: &Parts) -> Result<Response, Problem> {
        let [tenant, of, name] = path::names(&head.uri, "/v1/{tenant}/{of}/{name}/graph")?;
        self.access.tenant(&head.headers, &tenant, Role::Viewer)?;
        let drawing = if of == "runs" {
            let record = self.record(&tenant, &name).await?;
            let Offer { workflow, .. } = self.catalogue.offer(&tenant, &record.workflow).await?;
            Drawing::of_run(&workflow, &record)
        } else {
            Drawing::of(&self.catalogue.offer(&tenant, &name).await?.workflow)
        };
        self.sessions.durable().await?;
        json(StatusCode::OK, &drawing)
    }

    async fn kept(&self, head: &Parts) -> Result<Response, Problem> {
        let [tenant, id] = path::names(&head.uri, "/v1/{tenant}/runs/{run}/value")?;
        self.access.tenant(&head.headers, &tenant, Role::Viewer)?;
        let detail = "`kept` must be a `kept_value` of the run's record";
        let Wanted { kept } = path::query(&head.uri, detail)?;
        let run = self.start.find(&tenant, &id).await?.run;
        let value = self.values.read(&run, &kept).await?;
        self.sessions.durable().await?;
        json(StatusCode::OK, &value)
    }

    async fn cancelled(&self, head: &Parts) -> Result<Response, Problem> {
        let [tenant, id] = path::names(&head.uri, "/v1/{tenant}/runs/{run}/cancel")?;
        let by = self.access.tenant(&head.headers, &tenant, Role::Operator)?;
        let by = by.unwrap_or_else(|| tenant.clone());
        let why = format!("{by} cancelled it");
        let ended = self.start.cancel(&tenant, &id, &why).await?;
        let record = self.record(&tenant, &id).await?;
        if !ended && record.status != RunStatus::Cancelled {
            let detail = "the run has ended; what it did stands";
            return Err(Problem::new(StatusCode::CONFLICT, "run_ended", detail));
        }
        self.sessions.durable().await?;
        json(StatusCode::OK, &record)
    }

    async fn retried(&self, head: &Parts) -> Result<Response, Problem> {
        let [tenant, id] = path::names(&head.uri, "/v1/{tenant}/runs/{run}/retry")?;
        self.access.tenant(&head.headers, &tenant, Role::Operator)?;
        let goes_on = self.start.retry(&*self.catalogue, &tenant, &id).await?;
        if !goes_on {
            let detail = "only a run that failed, was cancelled or took too long can be retried, on AWS within 14 days";
            return Err(Problem::new(StatusCode::CONFLICT, "run_not_failed", detail));
        }
        let record = self.record(&tenant, &id).await?;
        self.sessions.durable().await?;
        json(StatusCode::OK, &record)
    }

    async fn record(&self, tenant: &str, id: &str) -> Result<RunRecord, Problem> {
        let started = self.start.find(tenant, id).await?;
        let events = self.histories.events(&started.run).await?;
        Ok(RunRecord::new(started, &events))
    }
}

impl Startable {
    fn new(offer: Offer) -> Self {
        let Offer { bot, workflow, .. } = offer;
        let name = &workflow.name;
        let triggers = workflow.triggers.iter();
        let triggers = triggers.map(|trigger| in_words(&trigger.kind, name));
        let inputs = workflow.inputs.iter();
        let inputs = inputs.map(|(name, input)| (name.clone(), Taking::new(input)));
        Self {
            description: workflow.description.clone(),
            version: workflow.version.clone(),
            triggers: triggers.collect(),
            inputs: inputs.collect(),
            name: name.clone(),
            bot,
        }
    }
}

impl Taking {
    fn new(input: &Input) -> Self {
        Self {
            kind: input.kind.name(),
            description: input.description.clone(),
            default: input.default.clone(),
        }
    }
}

fn in_words(kind: &TriggerKind, workflow: &str) -> String {
    match kind {
        TriggerKind::Schedule { schedule, .. } => {
            format!("at {} in {}", schedule.text(), schedule.zone())
        }
        TriggerKind::Event { name, .. } => format!("on the event {name}"),
        TriggerKind::Webhook {
            event: Some(event), ..
        } => format!("never: a signed POST to …/hooks/{workflow} is the event {event}"),
        TriggerKind::Webhook { .. } => format!("by a signed POST to …/hooks/{workflow}"),
    }
}
