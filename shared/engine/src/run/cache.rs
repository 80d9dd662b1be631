//! Outputs of earlier runs, for steps that say how long one is good.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::values::{MAX_INLINE, length};
use super::{Effects, Site, StepOutput};
use crate::document::{Amendment, DocumentKey, Topic, amend, parse};
use crate::error::Error;
use crate::runtime::Time;
use crate::session::hash64;
use crate::tool::canonical;

/// Under which name an output is kept, and how long it is good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CacheKey {
    /// Equal keys have equal outputs.
    pub key: Value,
    /// Seconds.
    pub seconds: u64,
}

/// A place where an output may lie.
pub(super) struct Cached<'a> {
    effects: &'a Effects,
    place: Option<(DocumentKey, Duration)>,
    item: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    output: Value,
    until: Time,
}

impl<'a> Cached<'a> {
    /// The place of what `site` gives for `key`; `what` tells steps of one name from each other.
    pub(super) fn new(
        effects: &'a Effects,
        site: &Site,
        what: &str,
        key: Option<CacheKey>,
    ) -> Self {
        let place = key.map(|CacheKey { key, seconds }| {
            let run = &site.run;
            let parts = [
                run.bot.as_str(),
                &run.workflow,
                &site.step,
                what,
                &canonical(&key),
            ];
            let id = format!(
                "{:016x}{:016x}",
                hash64(&parts),
                hash64(&["second", &parts.join("\0")])
            );
            let key = DocumentKey::new(&run.tenant, Topic::Cache, id);
            (key, Duration::from_secs(seconds))
        });
        let item = site.item.clone();
        Self {
            effects,
            place,
            item,
        }
    }

    /// The output that lies there; else what `make` gives, which is put there unless it is too long for the machine.
    ///
    /// # Errors
    /// What `make` says. A place that cannot be read is an empty one.
    pub(super) async fn or(
        self,
        make: impl Future<Output = Result<StepOutput, Error>>,
    ) -> Result<StepOutput, Error> {
        let item = self.item.clone();
        let made = self.kept_or(make).await?;
        Ok(StepOutput { item, ..made })
    }

    async fn kept_or(
        self,
        make: impl Future<Output = Result<StepOutput, Error>>,
    ) -> Result<StepOutput, Error> {
        let Some((key, keep)) = self.place else {
            return make.await;
        };
        let now = self.effects.runtime.now();
        let documents = &*self.effects.documents;
        if let Ok(Some(found)) = documents.read(&key).await
            && let Ok(kept) = parse::<Kept>(found.body)
            && now < kept.until
        {
            let mut output = StepOutput::new(kept.output);
            output.cached = true;
            return Ok(output);
        }
        let made = make.await?;
        if length(&made.output) > MAX_INLINE {
            return Ok(made);
        }
        let until = self.effects.runtime.now().plus(keep);
        let saved = amend(documents, &key, |_: Option<Kept>| {
            let output = made.output.clone();
            let body = Kept { output, until };
            (
                Amendment::Save {
                    body,
                    expires: Some(until),
                },
                (),
            )
        });
        if let Err(error) = saved.await {
            tracing::warn!(error = %error.chain(), "an output could not be kept");
        }
        Ok(made)
    }
}
