//! Requests and answers between the server and the surface.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::response::{IntoResponse, Response};
use surface::{Problem, Unread};

/// A body that is read from its connection.
pub(super) struct Incoming(pub(super) Body);

impl surface::Body for Incoming {
    async fn read(self, limit: usize) -> Result<Vec<u8>, Unread> {
        match to_bytes(self.0, limit).await {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) if is_length_limit(&error) => Err(Unread::TooLong),
            Err(_) => Err(Unread::Cut),
        }
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit") {
            return true;
        }
        cause = error.source();
    }
    false
}

/// `request` as the surface takes it.
pub(super) fn incoming(request: Request<Body>) -> Request<Incoming> {
    request.map(Incoming)
}

/// An answer of the surface as the server sends it.
pub(super) fn outgoing(response: surface::Response) -> Response {
    response.map(Body::from)
}

/// A problem that this server found itself.
pub(super) struct Refused(Problem);

impl<E: Into<Problem>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        outgoing(self.0.response())
    }
}
