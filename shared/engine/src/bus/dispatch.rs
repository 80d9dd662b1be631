//! `job-event`: brings an event to what waits for it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::BusEvent;
use crate::approval::Waits;
use crate::error::{Error, Kind};
use crate::run::{Fire, FiredBy, Waiting};
use crate::workflow::{TriggerKind, Workflow};

/// Brings events to what waits for them.
#[derive(Clone)]
pub struct Dispatch {
    /// Finds workflows, and starts their runs.
    pub fire: Fire,
    /// Ends the steps that wait.
    pub waits: Arc<dyn Waits>,
}

/// What an event did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dispatched {
    /// The runs that it started.
    pub runs: Vec<String>,
    /// How many steps waited for it.
    pub steps: usize,
}

impl Dispatch {
    /// Starts the runs that are wanted for `event` and ends the steps that wait for it. Handling it again does what
    /// is left of it.
    ///
    /// # Errors
    /// When a store failed; the event is to be handled again.
    pub async fn handle(&self, event: &BusEvent) -> Result<Dispatched, Error> {
        let runs = self.start_runs(event).await?;
        let steps = self.end_waits(event).await?;
        Ok(Dispatched { runs, steps })
    }

    async fn start_runs(&self, event: &BusEvent) -> Result<Vec<String>, Error> {
        let mut runs = Vec::new();
        for offer in self.fire.catalogue.offers(&event.tenant).await? {
            if event.bot.as_ref().is_some_and(|bot| *bot != offer.bot) {
                continue;
            }
            for trigger in awaited(&offer.workflow, &event.name) {
                let by = FiredBy::Came {
                    happened: happened(event),
                    cause: format!("event {trigger} {}", event.id),
                };
                let fired = self.fire.fire(&event.tenant, offer.clone(), trigger, by);
                match fired.await {
                    Ok(started) => runs.extend(started.map(|started| started.run.id)),
                    // Coming back to it would not help, and would keep the others from being started.
                    Err(error) if matches!(error.kind(), Kind::Invalid | Kind::InboxFull) => {
                        let workflow = &offer.workflow.name;
                        tracing::error!(workflow, event = event.name, error = %error.chain(), "an event started no run");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(runs)
    }

    async fn end_waits(&self, event: &BusEvent) -> Result<usize, Error> {
        let documents = &*self.fire.start.documents;
        let mut ended = 0;
        for waiting in Waiting::for_event(documents, event).await? {
            let output = json!({ "output": happened(event) });
            self.waits.end(&waiting.token, Ok(output)).await?;
            waiting.forget(documents).await?;
            ended += 1;
        }
        Ok(ended)
    }
}

/// What expressions read as `$trigger`, and what a step that waited gives.
fn happened(event: &BusEvent) -> Value {
    let mut happened = json!({
        "type": "event",
        "event": event.name,
        "id": event.id,
        "version": event.version,
        "at": event.at,
        "data": event.data,
    });
    if let Some(bot) = &event.bot {
        happened["bot"] = json!(bot);
    }
    happened
}

/// The places of the triggers that wait for events called `name`.
fn awaited<'w>(workflow: &'w Workflow, name: &str) -> impl Iterator<Item = usize> + use<'w> {
    let name = name.to_owned();
    let triggers = workflow.triggers.iter().enumerate();
    triggers.filter_map(move |(at, trigger)| match &trigger.kind {
        TriggerKind::Event { name: awaited, .. } if *awaited == name => Some(at),
        _ => None,
    })
}
