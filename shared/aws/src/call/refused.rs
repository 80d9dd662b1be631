//! What a service says when it refuses.

use std::fmt;

use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use serde::Deserialize;

/// A status, the error's name where there is one, and the first characters of the body.
#[derive(Debug)]
pub(super) struct Refused {
    status: u16,
    named: Box<ErrorMetadata>,
    said: String,
}

/// How much of an answer an error quotes, in characters.
const QUOTED: usize = 300;

/// The body of a JSON service's refusal.
#[derive(Deserialize)]
struct Named {
    #[serde(rename = "__type")]
    name: String,
}

impl Refused {
    pub(super) fn new(status: u16, body: &[u8]) -> Self {
        let mut named = ErrorMetadata::builder();
        if let Ok(Named { name }) = serde_json::from_slice(body) {
            // `com.amazonaws.sqs#QueueDoesNotExist`
            named = named.code(name.rsplit('#').next().unwrap_or_default());
        }
        let text = String::from_utf8_lossy(body);
        Self {
            status,
            named: Box::new(named.build()),
            said: text.chars().take(QUOTED).collect(),
        }
    }
}

impl ProvideErrorMetadata for Refused {
    fn meta(&self) -> &ErrorMetadata {
        &self.named
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}: {}", self.status, self.said)
    }
}

impl std::error::Error for Refused {}
