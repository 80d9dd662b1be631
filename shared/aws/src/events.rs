//! Events on an EventBridge bus.

use std::collections::BTreeSet;

use async_trait::async_trait;
use engine::bus::{Bus, BusEvent};
use engine::error::{Error, Kind};
use serde::{Deserialize, Serialize};

use crate::call::Service;

/// Whose events they are, in the service's words.
const SOURCE: &str = "confab";

/// The bus `name`.
#[derive(Clone, Debug)]
pub struct EventBus {
    pub(crate) service: Service,
    pub(crate) name: String,
    /// The events that workflows wait for.
    pub(crate) wanted: BTreeSet<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents<'a> {
    entries: [Entry<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    event_bus_name: &'a str,
    source: &'static str,
    detail_type: &'a str,
    detail: String,
}

/// The service refuses events one by one, in an answer that is no error.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    failed_entry_count: u32,
}

#[async_trait]
impl Bus for EventBus {
    fn is_wanted(&self, name: &str) -> bool {
        self.wanted.contains(name)
    }

    async fn put(&self, event: BusEvent) -> Result<(), Error> {
        let failed = || Error::new(Kind::Unavailable, "the event could not be put on the bus");
        let request = PutEvents {
            entries: [Entry {
                event_bus_name: &self.name,
                source: SOURCE,
                detail_type: &event.name,
                detail: serde_json::to_string(&event).map_err(|error| failed().because(error))?,
            }],
        };
        let answer = self.service.ask("AWSEvents.PutEvents", &request).await;
        let answer: Answer = answer.map_err(|error| failed().because(error))?;
        match answer.failed_entry_count {
            0 => Ok(()),
            _ => Err(failed()),
        }
    }
}
