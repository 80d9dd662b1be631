//! Which runs there are: the latest first, and by how their ids begin.
//!
//! Ids say nothing of time, so beside each run's document there is an entry whose name begins with it, counted down:
//! the latest is the first in order. A list reads what it shows and no more, however many runs there were.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Start, Started};
use crate::document::{DocumentKey, Topic, parse};
use crate::error::Error;
use crate::runtime::Time;

/// How many entries are read at once.
const PAGE: usize = 100;

/// How many runs of other workflows are passed over in search of those of one.
const PASSED_OVER: usize = 5000;

/// The time from which entries count down, in milliseconds since 1970: the year 2286.
const LAST: i64 = 9_999_999_999_999;

#[derive(Serialize, Deserialize)]
struct Entry {
    workflow: String,
}

impl Start {
    /// Puts a run on the list, unless it is there.
    pub(super) async fn list(&self, started: &Started, keep: Duration) -> Result<(), Error> {
        let run = &started.run;
        let id = format!("{}.{}", place(started.at), run.id);
        let entry = serde_json::json!(Entry {
            workflow: run.workflow.clone(),
        });
        let key = DocumentKey::new(&run.tenant, Topic::RunEntry, id);
        let expires = Some(started.at.plus(keep));
        self.documents.save(&key, 0, entry, expires).await.map(drop)
    }

    /// A tenant's latest runs, the newest first. Of one `workflow`, those among the latest few thousand.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn latest(
        &self,
        tenant: &str,
        workflow: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Started>, Error> {
        let documents = &*self.documents;
        let (mut runs, mut passed_over) = (Vec::new(), 0);
        let mut after = String::new();
        loop {
            let page = documents.list(tenant, Topic::RunEntry, &after, PAGE);
            let page = page.await?;
            let Some(last) = page.last() else {
                return Ok(runs);
            };
            after.clone_from(&last.id);
            for found in page {
                let entry: Entry = parse(found.body)?;
                if workflow.is_some_and(|workflow| workflow != entry.workflow) {
                    passed_over += 1;
                } else if let Some((_, id)) = found.id.split_once('.') {
                    runs.extend(self.read(tenant, id).await?);
                }
                if runs.len() >= limit || passed_over >= PASSED_OVER {
                    return Ok(runs);
                }
            }
        }
    }

    /// The runs whose ids begin with `prefix`, two at most: one that is called so altogether is the only one.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn named(&self, tenant: &str, prefix: &str) -> Result<Vec<Started>, Error> {
        if let Some(found) = self.read(tenant, prefix).await? {
            return Ok(vec![found]);
        }
        let found = self.documents.list(tenant, Topic::Run, prefix, 2).await?;
        let found = found
            .into_iter()
            .filter(|found| found.id.starts_with(prefix));
        found.map(|found| parse(found.body)).collect()
    }
}

/// What sorts later times first.
fn place(at: Time) -> String {
    format!("{:013}", (LAST - at.0).clamp(0, LAST))
}
