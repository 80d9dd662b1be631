//! What a caller is told when a request fails: RFC 9457 problem documents with a stable `code`.

use channels::WebhookError;
use engine::attend::Objection;
use engine::error::{Error, Kind};
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Response, response};

/// A problem document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Always `about:blank`; `code` tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened and what to do, for a person.
    detail: String,
    /// Stable; programs match on this.
    code: &'static str,
}

impl Problem {
    /// A problem with words for the caller.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail: detail.into(),
            code,
        }
    }

    /// The request has no usable credentials.
    #[must_use]
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// The caller is known and may not.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// Nothing is served at the path.
    #[must_use]
    pub fn no_such_path() -> Self {
        let detail = "there is nothing at this path";
        Self::new(StatusCode::NOT_FOUND, "no_such_path", detail)
    }

    /// Something is served at the path, but not under the method.
    #[must_use]
    pub fn no_such_method() -> Self {
        let detail = "this path does not take that method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "no_such_method", detail)
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What happened and what to do, for a person.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The problem that another process answered with. Of codes, only those of persons' work are known.
    #[must_use]
    pub fn told(status: u16, document: &serde_json::Value) -> Self {
        const KNOWN: [&str; 5] = [
            "held_by_another",
            "not_taken_over",
            "turn_running",
            "nothing_said",
            "opted_out",
        ];
        let code = KNOWN.into_iter().find(|code| document["code"] == *code);
        let detail = document["detail"]
            .as_str()
            .map_or_else(|| format!("the host answered {status}"), str::to_owned);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        Self::new(status, code.unwrap_or("refused"), detail)
    }

    /// The document as an answer.
    #[must_use]
    pub fn response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // Strings and a number can always be written.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = response::of(status, "application/problem+json", body);
        let headers = response.headers_mut();
        if matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match error.kind() {
            Kind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"),
            Kind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Kind::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Kind::InboxFull => (StatusCode::TOO_MANY_REQUESTS, "inbox_full"),
            Kind::ModelFailed => (StatusCode::BAD_GATEWAY, "model_failed"),
            Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Kind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "timeout"),
            Kind::ToolFailed => (StatusCode::BAD_GATEWAY, "tool_failed"),
            Kind::Unknown => (StatusCode::CONFLICT, "unknown"),
            Kind::Denied => (StatusCode::FORBIDDEN, "denied"),
            Kind::Unacknowledged => (StatusCode::CONFLICT, "unacknowledged"),
            Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        if status.is_server_error() {
            tracing::error!(error = %error.chain(), "a request failed");
        }
        Self::new(status, code, error.to_string())
    }
}

impl From<Objection> for Problem {
    fn from(objection: Objection) -> Self {
        let (code, advice) = match objection {
            Objection::HeldBy(_) => ("held_by_another", "; hand it back first"),
            Objection::NotTaken => ("not_taken_over", "; take it over first"),
            Objection::Working => ("turn_running", ""),
            Objection::NothingSaid => ("nothing_said", ""),
            Objection::OptedOut => ("opted_out", ""),
            Objection::Failed(error) => return error.into(),
        };
        Self::new(StatusCode::CONFLICT, code, format!("{objection}{advice}"))
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let (status, code) = match error {
            WebhookError::BadSignature(_) => (StatusCode::UNAUTHORIZED, "bad_signature"),
            WebhookError::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed_webhook"),
            WebhookError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
        };
        tracing::warn!(%error, "a webhook was refused");
        Self::new(status, code, error.to_string())
    }
}
