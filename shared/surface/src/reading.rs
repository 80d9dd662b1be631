//! `GET …/messages` and `GET …/turns`: what was said, and what was behind it.

use std::sync::Arc;
use std::time::Duration;

use engine::error::Error;
use engine::runtime::Runtime;
use engine::session::SessionKey;
use engine::turn::Bots;
use engine::view::{Message, View};
use http::StatusCode;
use http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::news::MAX_WAIT;
use crate::response::{answer, json};
use crate::{Access, News, Problem, Response, Right, path};

/// Shows conversations and traces.
#[derive(Clone)]
pub struct Reading {
    /// Who may.
    pub access: Arc<Access>,
    /// Reads them.
    pub view: View,
    /// Finds bots.
    pub bots: Arc<dyn Bots>,
    /// Wakes who waits.
    pub news: Arc<dyn News>,
    /// Bounds waits.
    pub runtime: Runtime,
}

/// Query of `GET …/messages`.
#[derive(Deserialize)]
struct Since {
    /// The last place the reader has seen.
    #[serde(default)]
    after: u64,
    /// Seconds to wait for something newer.
    #[serde(default)]
    wait: u64,
}

/// Part of a conversation.
#[derive(Serialize, JsonSchema)]
pub struct Messages {
    /// Oldest first.
    messages: Vec<Message>,
}

impl Reading {
    /// `GET …/messages`
    pub async fn messages<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.list(&head).await)
    }

    /// `GET …/turns`
    pub async fn turns<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.trace(&head).await)
    }

    async fn list(&self, head: &Parts) -> Result<Response, Problem> {
        let key = self.session(head, Right::Talk).await?;
        let detail = "after and wait must be whole numbers";
        let Since { after, wait } = path::query(&head.uri, detail)?;
        let limit = Duration::from_secs(wait.min(MAX_WAIT));
        let messages = if limit.is_zero() {
            self.view.messages(&key, after).await?
        } else {
            let news = self.news(&key, after);
            let read = self.runtime.timeout(limit, news).await;
            read.unwrap_or_else(|_| Ok(Vec::new()))?
        };
        json(StatusCode::OK, &Messages { messages })
    }

    /// The messages after `after` as soon as there are some, or none when the server stops.
    async fn news(&self, key: &SessionKey, after: u64) -> Result<Vec<Message>, Error> {
        let mut watch = self.news.watch(key);
        loop {
            let messages = self.view.messages(key, after).await?;
            if !messages.is_empty() || watch.changed().await.is_err() {
                return Ok(messages);
            }
        }
    }

    async fn trace(&self, head: &Parts) -> Result<Response, Problem> {
        let key = self.session(head, Right::Trace).await?;
        json(StatusCode::OK, &self.view.trace(&key).await?)
    }

    async fn session(&self, head: &Parts, right: Right) -> Result<SessionKey, Problem> {
        self.access
            .session(&*self.bots, &head.uri, &head.headers, right)
            .await
    }
}
