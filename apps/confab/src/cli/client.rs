//! Asks a host, on this machine or deployed, over its HTTP surface.

use std::time::Duration;

use engine::http::{Http as _, HttpFailure, HttpRequest, Reach};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use surface::Problem;

use super::failure::Failure;
use crate::assemble::{Env, Error};

/// The variable that holds the key that a host is asked with.
pub(super) const KEY: &str = "CONFAB_KEY";

/// The most bytes of an answer.
const MAX_ANSWER: usize = 1024 * 1024;

/// A host, and how it is asked.
pub(super) struct Client {
    http: channels::http::Client,
    url: String,
    /// A host on this machine may need none.
    key: Option<SecretString>,
    timeout: Duration,
}

/// What a host answered.
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    said: Value,
}

impl Client {
    /// Of the host at `url`, which has no slash at its end and may take `timeout` to answer.
    pub(super) fn new(
        url: &str,
        key: Option<SecretString>,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        Ok(Self {
            http: channels::http::Client::new().map_err(Error::from)?,
            url: url.to_owned(),
            key,
            timeout,
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
        let mut headers = Vec::new();
        if let Some(key) = &self.key {
            let bearer = format!("Bearer {}", key.expose_secret());
            headers.push(("authorization".to_owned(), bearer));
        }
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let request = HttpRequest {
            method: method.to_owned(),
            url: format!("{}{path}", self.url),
            headers,
            body: body.map(|body| body.to_string().into_bytes()),
            reach: Reach::Anywhere,
            timeout: self.timeout,
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

/// The key that whoever calls has set.
pub(super) fn key(env: &Env) -> Option<SecretString> {
    env.variable(KEY).map(SecretString::from)
}

/// Where the host is that holds a data folder, by what it calls itself: `confab dev at http://127.0.0.1:8787, process 7`.
pub(super) fn address(holder: &str) -> Option<&str> {
    let named = holder.strip_prefix("confab dev at ")?;
    let address = named.split_once(',').map_or(named, |(address, _)| address);
    Some(address.trim_end_matches('/'))
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
