//! Answers.

use engine::error::{Error, Kind};
use engine::session::Sessions;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{Problem, Response};

/// 200 while what is accepted can be made durable.
pub async fn health(sessions: &dyn Sessions) -> Response {
    let healthy = async {
        sessions.durable().await?;
        json(StatusCode::OK, &serde_json::json!({ "status": "ok" }))
    };
    answer(healthy.await)
}

/// Headers that keep a browser from guessing types, framing us, telling others where it was or keeping
/// copies; a header that is set already stays. Every answer of this crate has them.
pub fn harden<B>(response: &mut http::Response<B>) {
    const HEADERS: [(HeaderName, HeaderValue); 4] = [
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
}

pub(crate) fn answer(answer: Result<Response, Problem>) -> Response {
    answer.unwrap_or_else(Problem::response)
}

pub(crate) fn of(status: StatusCode, kind: &'static str, body: impl Into<Vec<u8>>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    harden(&mut response);
    response
}

pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, Problem> {
    let unwritable =
        |error| Error::new(Kind::Internal, "the answer cannot be written").because(error);
    let body = serde_json::to_vec(body).map_err(unwritable)?;
    Ok(of(status, "application/json", body))
}
