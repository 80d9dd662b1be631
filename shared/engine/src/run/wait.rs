//! `step-wait`: a step that waits for an event. The machine waits; no function does.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Site;
use crate::bus::BusEvent;
use crate::document::{Amendment, DocumentKey, Documents, Topic, amend, parse};
use crate::error::Error;
use crate::runtime::Runtime;

/// How long a wait is remembered after it has run out.
const KEPT: Duration = Duration::from_secs(86_400);

/// How many waits are read at once.
const PAGE: usize = 200;

/// Input of `step-wait`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaitInput {
    /// The step.
    #[serde(flatten)]
    pub site: Site,
    /// What the machine waits for.
    pub token: String,
    /// The event's name.
    pub event: String,
    /// What members of its data must be, by their way, such as `order.id`.
    #[serde(default, rename = "where")]
    pub equals: BTreeMap<String, Value>,
    /// How long.
    pub seconds: u64,
}

/// A step that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// The step.
    site: Site,
    /// What its machine waits for.
    pub(crate) token: String,
    event: String,
    equals: BTreeMap<String, Value>,
}

/// Notes what steps wait for.
#[derive(Clone)]
pub struct StepWait {
    /// Time.
    pub runtime: Runtime,
    /// Keeps what they wait for.
    pub documents: std::sync::Arc<dyn Documents>,
}

impl StepWait {
    /// Notes that a step waits from now on. A later try waits in an earlier one's place.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn handle(&self, input: WaitInput) -> Result<(), Error> {
        let WaitInput {
            site,
            token,
            event,
            equals,
            seconds,
        } = input;
        site.run.place()?;
        let waiting = Waiting {
            site,
            token,
            event,
            equals,
        };
        let expires = self.runtime.now().plus(Duration::from_secs(seconds) + KEPT);
        amend(&*self.documents, &waiting.key(), |_: Option<Waiting>| {
            let save = Amendment::Save {
                body: waiting.clone(),
                expires: Some(expires),
            };
            (save, ())
        })
        .await
    }
}

impl Waiting {
    /// The steps that wait for `event`.
    ///
    /// # Errors
    /// When a store failed.
    pub(crate) async fn for_event(
        documents: &dyn Documents,
        event: &BusEvent,
    ) -> Result<Vec<Self>, Error> {
        let prefix = format!("{}~", event.name);
        let mut after = prefix.clone();
        let mut found = Vec::new();
        loop {
            let page = documents
                .list(&event.tenant, Topic::Wait, &after, PAGE)
                .await?;
            let full = page.len() == PAGE;
            for document in page {
                if !document.id.starts_with(&prefix) {
                    return Ok(found);
                }
                after.clone_from(&document.id);
                let waiting: Self = parse(document.body)?;
                if waiting.is_met_by(event) {
                    found.push(waiting);
                }
            }
            if !full {
                return Ok(found);
            }
        }
    }

    /// The step has what it waited for.
    ///
    /// # Errors
    /// When a store failed.
    pub(crate) async fn forget(&self, documents: &dyn Documents) -> Result<(), Error> {
        let key = self.key();
        let Some(found) = documents.read(&key).await? else {
            return Ok(());
        };
        let standing: Self = parse(found.body)?;
        // A later try may wait in its place.
        if standing.token == self.token {
            documents.remove(&key, found.version).await?;
        }
        Ok(())
    }

    fn key(&self) -> DocumentKey {
        let run = &self.site.run;
        let id = format!("{}~{}~{}", self.event, run.id, self.site.intent());
        DocumentKey::new(&run.tenant, Topic::Wait, id)
    }

    fn is_met_by(&self, event: &BusEvent) -> bool {
        let bot = event.bot.as_ref();
        let ours = bot.is_none_or(|bot| *bot == self.site.run.bot);
        ours && self
            .equals
            .iter()
            .all(|(way, wanted)| member(&event.data, way) == Some(wanted))
    }
}

fn member<'v>(value: &'v Value, way: &str) -> Option<&'v Value> {
    way.split('.')
        .try_fold(value, |value, name| value.get(name))
}
