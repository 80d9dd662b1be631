//! The port through which tools and carriers reach the web.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

mod reach;

pub use reach::Reach;

/// A request, already built and checked. Its debug output shows neither header values nor the body.
#[derive(Clone)]
pub struct HttpRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// Absolute; `http` or `https`.
    pub url: String,
    /// Names and values; values may hold secrets and are never logged.
    pub headers: Vec<(String, String)>,
    /// The body, if any.
    pub body: Option<Vec<u8>>,
    /// Which addresses it may be sent to.
    pub reach: Reach,
    /// The longest the whole exchange may take.
    pub timeout: Duration,
    /// The most bytes of answer to read; a longer one is [`HttpFailure::Unknown`] with that reason.
    pub max_answer: usize,
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// An answer of any status.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer; the two differ in whether the other side may have acted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpFailure {
    /// The request surely did not leave: bad address, no connection.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request did not leave: it would have gone to an address beyond its [`Reach`].
    #[error("not sent: {0}")]
    OffLimits(String),
    /// The request may have arrived: time ran out or the connection broke after sending began.
    #[error("no answer: {0}")]
    Unknown(String),
}

/// Makes HTTP requests. Does not follow redirects.
#[async_trait]
pub trait Http: Send + Sync {
    /// One exchange.
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, HttpFailure>;
}
