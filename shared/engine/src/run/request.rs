//! `step-http`: makes the HTTP request of a step.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cache::{CacheKey, Cached};
use super::{Effects, Site, StepOutput};
use crate::bot::{ArgumentSchema, HttpTool, Tool, ToolKind};
use crate::error::{Error, Kind};
use crate::http::Reach;
use crate::model::ToolOffer;
use crate::tool::SideEffectPolicy;
use crate::turn::Bots;

/// The longest that a request may take.
const TIMEOUT: Duration = Duration::from_secs(50);

/// Input of `step-http`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpInput {
    /// The step.
    #[serde(flatten)]
    pub site: Site,
    /// `GET`, `POST`, …
    pub method: String,
    /// Where to.
    pub url: String,
    /// Headers; values may hold `{secret:NAME}`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Members of the JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Whether it may be repeated.
    pub side_effect: SideEffectPolicy,
    /// The header that carries the idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_header: Option<String>,
    /// Whether it may reach private addresses too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_private: bool,
    /// Where an earlier output may lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheKey>,
}

/// Makes requests for steps.
#[derive(Clone)]
pub struct StepHttp {
    /// Finds bots.
    pub bots: Arc<dyn Bots>,
    /// Makes calls once.
    pub effects: Effects,
}

impl StepHttp {
    /// Makes the request, once; gives the answer's body.
    ///
    /// # Errors
    /// `Invalid` when the request is none that may be made, and what [`Effects::once`] says.
    pub async fn handle(&self, input: HttpInput) -> Result<StepOutput, Error> {
        let bot = self
            .bots
            .find(&input.site.run.tenant, &input.site.run.bot)
            .await?;
        let cached = Cached::new(&self.effects, &input.site, &input.url, input.cache.clone());
        let (tool, arguments) = tool(&input)?;
        let site = &input.site;
        let called = self.effects.once(&bot, site, &tool, &arguments);
        let output = cached.or(async { Ok(StepOutput::new(called.await?)) });
        self.effects.fit(site, output.await?).await
    }
}

/// The request as a tool of the bot that is there for this call alone.
fn tool(input: &HttpInput) -> Result<(Tool, Value), Error> {
    let path = input.url.split(['?', '#']).next().unwrap_or_default();
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        let message = "a part of the URL's path is empty or only dots, which is a step up the path";
        return Err(Error::new(Kind::Invalid, message));
    }
    let body = match &input.body {
        None | Some(Value::Null) => None,
        Some(body @ Value::Object(_)) => Some(body.clone()),
        Some(_) => {
            return Err(Error::new(
                Kind::Invalid,
                "the body of a request is a table",
            ));
        }
    };
    let tool = Tool {
        offer: ToolOffer {
            name: input.site.step.clone(),
            description: format!("{} {}", input.method, path),
            parameters: json!({ "type": "object" }),
        },
        arguments: ArgumentSchema::deferred(json!({ "type": "object" })),
        side_effect: input.side_effect,
        business_key: Vec::new(),
        approval: None,
        timeout: TIMEOUT,
        result: None,
        undo: None,
        kind: ToolKind::Http(HttpTool {
            method: input.method.clone(),
            url: input.url.clone(),
            query: Vec::new(),
            headers: input.headers.clone(),
            json_body: body.is_some(),
            idempotency_header: input.idempotency_header.clone(),
            lookup: None,
            reach: if input.allow_private {
                Reach::Private
            } else {
                Reach::Public
            },
        }),
    };
    Ok((tool, body.unwrap_or_else(|| json!({}))))
}
