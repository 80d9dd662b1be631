//! Errors under the names that state machines match.

use engine::error::{Error, Kind};
use lambda_runtime::Diagnostic;
use serde::de::DeserializeOwned;

/// A failure of an invocation.
#[derive(Debug)]
pub struct Failure(pub Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Failure> for Diagnostic {
    fn from(Failure(error): Failure) -> Self {
        Self {
            error_type: error.kind().name().to_owned(),
            error_message: error.to_string(),
        }
    }
}

/// A payload of the form `T`. What is wrong with one that is not names no content.
pub(crate) fn parse<T: DeserializeOwned>(payload: &str) -> Result<T, Error> {
    serde_json::from_str(payload).map_err(|error| {
        let place = format!(
            "the payload is not of this function's form ({:?} error at byte {})",
            error.classify(),
            error.column()
        );
        Error::new(Kind::Invalid, place)
    })
}

/// One line in the log for a failure: the kind, the causes, no payload.
pub(crate) fn log(error: &Error) {
    let kind = error.kind().name();
    let error = error.chain().to_string();
    tracing::error!(kind, error, "the invocation failed");
}
