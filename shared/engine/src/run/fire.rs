//! `workflow-start`: something happened that a trigger waits for.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Beginning, Catalogue, Offer, Start, Started};
use crate::error::{Error, Kind};
use crate::workflow::Expressions;

/// Input of `workflow-start`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Firing {
    /// For whom.
    pub tenant: String,
    /// The workflow.
    pub workflow: String,
    /// Which of its triggers, counted from 0.
    pub trigger: usize,
    /// What happened: what expressions read as `$trigger`.
    pub happened: Value,
    /// The occurrence's id: the same gives the same run.
    pub cause: String,
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
    /// Starts the run that is wanted for what happened, if one is.
    ///
    /// # Errors
    /// `NotFound` when there is no such trigger, `Invalid` when its inputs cannot be made of what happened, and what
    /// [`Start::begin`] says.
    pub async fn handle(&self, firing: Firing) -> Result<Option<Started>, Error> {
        let Firing {
            tenant,
            workflow: name,
            trigger,
            happened,
            cause,
        } = firing;
        let Offer { bot, workflow } = self.catalogue.offer(&tenant, &name).await?;
        let trigger = workflow.triggers.get(trigger).ok_or_else(|| {
            let message = format!("{name} has no trigger {trigger}");
            Error::new(Kind::NotFound, message)
        })?;
        let expressions = &*self.expressions;
        if !trigger.passes(&workflow, &happened, expressions)? {
            return Ok(None);
        }
        let inputs = trigger.inputs(&workflow, &happened, expressions)?;
        let beginning = Beginning {
            tenant,
            bot,
            trigger: happened,
            inputs,
            cause: Some(cause),
        };
        self.start.begin(&workflow, beginning).await.map(Some)
    }
}
