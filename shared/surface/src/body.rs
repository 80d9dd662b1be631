//! Request bodies: bounded, and told apart by how they are wrong.

use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::Problem;

/// The longest JSON body.
pub(crate) const MAX_JSON: usize = 1024 * 1024;

/// A body that may still be on its way.
pub trait Body: Send {
    /// All of it, unless it is longer than `limit` bytes.
    fn read(self, limit: usize) -> impl Future<Output = Result<Vec<u8>, Unread>> + Send;
}

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is longer than allowed.
    TooLong,
    /// It ended before its length.
    Cut,
}

impl Body for Vec<u8> {
    async fn read(self, limit: usize) -> Result<Vec<u8>, Unread> {
        if self.len() > limit {
            return Err(Unread::TooLong);
        }
        Ok(self)
    }
}

/// The whole body, at most `limit` bytes of it; one that says it is longer is not read at all.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: impl Body,
    limit: usize,
) -> Result<Vec<u8>, Problem> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let read = if declared.is_some_and(|length| length > limit) {
        Err(Unread::TooLong)
    } else {
        body.read(limit).await
    };
    read.map_err(|unread| match unread {
        Unread::TooLong => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("the body is longer than {limit} bytes"),
        ),
        Unread::Cut => Problem::new(
            StatusCode::BAD_REQUEST,
            "body_cut",
            "the body ended before its length",
        ),
    })
}

/// The body as JSON of the form `T`. Errors never quote it.
///
/// # Errors
/// When it is of another media type, too long, no JSON or of another form.
pub async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: impl Body,
) -> Result<T, Problem> {
    if !is_json(headers) {
        let detail = "send the body as application/json";
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            detail,
        ));
    }
    let bytes = read(headers, body, MAX_JSON).await?;
    if std::str::from_utf8(&bytes).is_err() {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "not_utf8",
            "the body is not UTF-8",
        ));
    }
    serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))
}

/// Whether the body is said to be JSON, or nothing is said of it.
fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|kind| {
        let kind = kind.to_str().unwrap_or("");
        let essence = kind.split_once(';').map_or(kind, |(essence, _)| essence);
        essence.trim().eq_ignore_ascii_case("application/json")
    })
}

fn unreadable(error: &serde_json::Error) -> Problem {
    let place = format!("(line {}, column {})", error.line(), error.column());
    match error.classify() {
        Category::Data => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_body",
            format!("a member is missing or of the wrong type {place}"),
        ),
        Category::Syntax | Category::Eof | Category::Io => Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_json",
            format!("the body is not JSON {place}"),
        ),
    }
}

#[cfg(test)]
mod tests;
