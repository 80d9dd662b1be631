//! Asks the process that works in the data folder.

use std::path::PathBuf;
use std::time::Duration;

use engine::session::SessionKey;
use ground::tokio_runtime;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use surface::Problem;

use super::Wish;
use crate::cli::client::{Client, address};
use crate::cli::failure::Failure;
use crate::http::vouch;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A `confab dev` on this machine.
pub(super) struct Remote {
    url: String,
    data: PathBuf,
}

impl Remote {
    /// The process that calls itself `holder`.
    pub(super) fn of(holder: Option<&str>, data: PathBuf) -> Option<Self> {
        let url = address(holder?)?.to_owned();
        Some(Self { url, data })
    }

    pub(super) async fn ask(
        &self,
        key: &SessionKey,
        wish: Wish<'_>,
    ) -> Result<Result<Value, Problem>, Failure> {
        let (verb, person, body) = match wish {
            Wish::Take(person) => ("takeover".to_owned(), Some(person), json!({})),
            Wish::Say(person, text) => ("replies".to_owned(), person, json!({ "text": text })),
            Wish::GiveBack => ("handback".to_owned(), None, json!({})),
            Wish::Close => ("close".to_owned(), None, json!({})),
            Wish::Redrive(turn) => (format!("turns/{turn}/redrive"), None, json!({})),
        };
        let unreadable = |error: std::io::Error| {
            let what = format!("the key in {} cannot be read: {error}", self.data.display());
            Failure::cannot_run(what, None)
        };
        let person = person.unwrap_or("operator");
        let token = vouch(&self.data, key, person, tokio_runtime()).map_err(unreadable)?;
        let id = utf8_percent_encode(key.id(), NON_ALPHANUMERIC);
        let path = format!("/v1/{}/{}/sessions/{id}/{verb}", key.tenant(), key.bot());
        let client = Client::new(&self.url, Some(token.into()), PATIENCE)?;
        let answer = client.post(&path, &body).await.map_err(|failure| {
            let what = format!("{} does not answer: {failure}", self.url);
            Failure::cannot_run(what, Some("see whether it still runs".to_owned()))
        })?;
        Ok(answer.given())
    }
}
