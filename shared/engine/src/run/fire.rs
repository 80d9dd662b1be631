//! `workflow-start`: something happened that a trigger waits for.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::timetable::{Occasion, is_wanted};
use super::{Beginning, Catalogue, Offer, Start, Started};
use crate::error::{Error, Kind};
use crate::runtime::Time;
use crate::workflow::{Expressions, TriggerKind};

/// Input of `workflow-start`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Firing {
    /// For whom.
    pub tenant: String,
    /// The workflow.
    pub workflow: String,
    /// Which of its triggers, counted from 0.
    pub trigger: usize,
    /// What made it fire.
    #[serde(flatten)]
    pub by: FiredBy,
}

/// What makes a trigger fire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FiredBy {
    /// A time of its schedule, which also is the occurrence's id: the same gives the same run.
    Due {
        /// As the schedule names it, however late this is.
        at: Time,
    },
    /// Something that came.
    Came {
        /// What expressions read as `$trigger`.
        happened: Value,
        /// The occurrence's id: the same gives the same run.
        cause: String,
    },
}

/// Starts runs when triggers fire.
#[derive(Clone)]
pub struct Fire {
    /// Finds workflows.
    pub catalogue: Arc<dyn Catalogue>,
    /// Starts runs.
    pub start: Start,
    /// Reads what happened.
    pub expressions: Arc<dyn Expressions>,
}

impl Fire {
    /// Fires a trigger of what is live now.
    ///
    /// # Errors
    /// `NotFound` when there is no such workflow, and what [`Fire::fire`] says.
    pub async fn handle(&self, firing: Firing) -> Result<Option<Started>, Error> {
        let Firing {
            tenant,
            workflow,
            trigger,
            by,
        } = firing;
        let offer = self.catalogue.offer(&tenant, &workflow).await?;
        self.fire(&tenant, offer, trigger, by).await
    }

    /// Starts the run that trigger `number` of `offer` wants, if it wants one: a time of a schedule may come too late.
    ///
    /// # Errors
    /// `NotFound` when there is no such trigger, `Invalid` when its inputs cannot be made of what happened, and what
    /// [`Start::begin`] says.
    pub async fn fire(
        &self,
        tenant: &str,
        offer: Offer,
        number: usize,
        by: FiredBy,
    ) -> Result<Option<Started>, Error> {
        let Offer {
            bot,
            workflow,
            machine,
        } = offer;
        let name = &workflow.name;
        let trigger = workflow.triggers.get(number).ok_or_else(|| {
            let message = format!("{name} has no trigger {number}");
            Error::new(Kind::NotFound, message)
        })?;
        let (happened, cause) = match (&trigger.kind, by) {
            (TriggerKind::Schedule { schedule, .. }, FiredBy::Due { at }) => {
                if !is_wanted(&trigger.kind, at, self.start.runtime.now()) {
                    return Ok(None);
                }
                let occasion = Occasion::new(&bot, &workflow, number);
                (occasion.happened(schedule, at), occasion.cause(at))
            }
            (TriggerKind::Schedule { .. }, FiredBy::Came { .. }) | (_, FiredBy::Due { .. }) => {
                let message = format!("trigger {number} of {name} does not fire by that");
                return Err(Error::new(Kind::Invalid, message));
            }
            (_, FiredBy::Came { happened, cause }) => (happened, cause),
        };
        let expressions = &*self.expressions;
        if !trigger.passes(&workflow, &happened, expressions)? {
            return Ok(None);
        }
        let inputs = trigger.inputs(&workflow, &happened, expressions)?;
        let beginning = Beginning {
            tenant: tenant.to_owned(),
            bot,
            machine,
            trigger: happened,
            inputs,
            cause: Some(cause),
        };
        self.start.begin(&workflow, beginning).await.map(Some)
    }
}
