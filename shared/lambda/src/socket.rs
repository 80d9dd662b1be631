//! Routes of a WebSocket API.

use std::collections::HashMap;

use engine::error::Error;
use engine::session::SessionKey;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use surface::{Problem, Response};

/// What API Gateway tells of a connection.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketEvent {
    /// Which connection, and which stage of the API.
    pub request_context: SocketContext,
    /// The headers of the handshake; none later.
    #[serde(default)]
    headers: Option<HashMap<String, String>>,
    /// The query of the handshake, decoded; none later.
    #[serde(default)]
    query_string_parameters: Option<HashMap<String, String>>,
    /// What the client sent.
    #[serde(default)]
    pub body: Option<String>,
}

/// Which connection.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketContext {
    /// API Gateway's id for it.
    pub connection_id: String,
}

/// The answer to a route: the handshake's status, or the frame sent back.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketAnswer {
    status_code: u16,
    body: String,
}

impl SocketEvent {
    /// The session that the handshake names: `tenant`, `bot` and `session` in its query.
    ///
    /// # Errors
    /// Says what is missing or malformed.
    pub fn session(&self) -> Result<SessionKey, Problem> {
        let bad_query =
            |detail: String| Problem::new(StatusCode::BAD_REQUEST, "invalid_query", detail);
        let named = |name| {
            let missing = || bad_query(format!("add {name}=… to the address"));
            self.query(name).ok_or_else(missing)
        };
        SessionKey::from_id(named("tenant")?, named("bot")?, named("session")?)
            .map_err(|bad| bad_query(bad.to_string()))
    }

    /// The key or token that the handshake presents: browsers cannot set its headers, so `token` in the
    /// query stands in for `Authorization`.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let headers = self.headers.as_ref();
        let header = headers.and_then(|headers| {
            let named = |(name, _): &(&String, _)| name.eq_ignore_ascii_case("authorization");
            headers.iter().find(named)?.1.strip_prefix("Bearer ")
        });
        self.query("token").or(header)
    }

    fn query(&self, name: &str) -> Option<&str> {
        let query = self.query_string_parameters.as_ref()?;
        query.get(name).map(String::as_str)
    }
}

impl SocketAnswer {
    /// Yes.
    #[must_use]
    pub fn ok() -> Self {
        Self {
            status_code: 200,
            body: String::new(),
        }
    }
}

impl From<Response> for SocketAnswer {
    fn from(response: Response) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status_code: head.status.as_u16(),
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

impl From<Problem> for SocketAnswer {
    fn from(problem: Problem) -> Self {
        problem.response().into()
    }
}

impl From<Error> for SocketAnswer {
    fn from(error: Error) -> Self {
        Problem::from(error).into()
    }
}
