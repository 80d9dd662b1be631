//! Asks a host, on this machine or deployed, over its HTTP surface.

use std::time::Duration;

use engine::http::{Http as _, HttpFailure, HttpRequest, Reach};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use surface::Problem;

use super::failure::Failure;
use crate::assemble::Error;

/// The longest that a host may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The most bytes of an answer.
const MAX_ANSWER: usize = 1024 * 1024;

/// A host, and the key that it is asked with.
pub(super) struct Client {
    http: channels::http::Client,
    url: String,
    key: SecretString,
}

/// What a host answered.
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    said: Value,
}

impl Client {
    /// Of the host at `url`, which has no slash at its end.
    pub(super) fn new(url: &str, key: SecretString) -> Result<Self, Failure> {
        Ok(Self {
            http: channels::http::Client::new().map_err(Error::from)?,
            url: url.to_owned(),
            key,
        })
    }

    /// Where the host is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, HttpFailure> {
        self.ask("GET", path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Answer, HttpFailure> {
        self.ask("POST", path, Some(body)).await
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, HttpFailure> {
        let bearer = format!("Bearer {}", self.key.expose_secret());
        let mut headers = vec![("authorization".to_owned(), bearer)];
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let request = HttpRequest {
            method: method.to_owned(),
            url: format!("{}{path}", self.url),
            headers,
            body: body.map(|body| body.to_string().into_bytes()),
            reach: Reach::Anywhere,
            timeout: TIMEOUT,
            max_answer: MAX_ANSWER,
        };
        let answer = self.http.send(request).await?;
        Ok(Answer {
            status: answer.status,
            // What is no JSON says nothing.
            said: serde_json::from_slice(&answer.body).unwrap_or_default(),
        })
    }
}

impl Answer {
    /// What was asked for, or why it was refused.
    pub(super) fn given(self) -> Result<Value, Problem> {
        match self.status {
            0..300 => Ok(self.said),
            status => Err(Problem::told(status, &self.said)),
        }
    }
}
