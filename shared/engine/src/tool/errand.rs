//! What a call sets going that goes on after its turn.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::Call;
use crate::bot::ReminderRule;
use crate::error::{Error, Kind};
use crate::goal::{Goals, Report};
use crate::reminder::Reminders;
use crate::run::{Beginning, Begun, Catalogue, Offer, RunState, RunStatus, Start};

/// Sets going what goes on after a call.
#[async_trait]
pub trait Errands: Send + Sync {
    /// Begins a run of `workflow` with the call's arguments; the same call gives the same run. Gives what the model is
    /// told.
    ///
    /// # Errors
    /// Why there is no run, in words for the model.
    async fn begin(&self, workflow: &str, call: &Call<'_>) -> Result<Value, Error>;

    /// Sets the reminder that the call asks for; the same call gives the same reminder. Gives what the model is told.
    ///
    /// # Errors
    /// Why none is set, in words for the model.
    async fn remind(&self, rule: &ReminderRule, call: &Call<'_>) -> Result<Value, Error>;

    /// Tells a workflow how a goal of the conversation ended; the same call says the same. Gives what the model is
    /// told, or what is wrong with the report.
    ///
    /// # Errors
    /// When it could not be told.
    async fn report(&self, call: &Call<'_>) -> Result<Result<Value, String>, Error>;
}

/// Nothing is set going: steps of workflows have steps for that.
pub struct NoErrands;

#[async_trait]
impl Errands for NoErrands {
    async fn begin(&self, _: &str, _: &Call<'_>) -> Result<Value, Error> {
        Err(not_here())
    }

    async fn remind(&self, _: &ReminderRule, _: &Call<'_>) -> Result<Value, Error> {
        Err(not_here())
    }

    async fn report(&self, _: &Call<'_>) -> Result<Result<Value, String>, Error> {
        Err(not_here())
    }
}

fn not_here() -> Error {
    Error::new(Kind::Invalid, "this can only be done in a conversation")
}

/// Runs the errands of turns.
#[derive(Clone)]
pub struct Clerk {
    /// Finds workflows.
    pub catalogue: Arc<dyn Catalogue>,
    /// Starts them.
    pub start: Start,
    /// Keeps reminders.
    pub reminders: Reminders,
    /// Keeps goals.
    pub goals: Goals,
}

#[async_trait]
impl Errands for Clerk {
    async fn begin(&self, workflow: &str, call: &Call<'_>) -> Result<Value, Error> {
        let session = call.session;
        let Offer {
            bot,
            workflow,
            machine,
        } = self.catalogue.offer(session.tenant(), workflow).await?;
        let beginning = Beginning {
            tenant: session.tenant().to_owned(),
            bot,
            machine,
            trigger: json!({
                "type": "tool",
                "tool": call.tool.offer.name,
                "session": session,
                "turn": call.turn,
            }),
            inputs: call.arguments.clone(),
            cause: Some(format!("call {session} {}", call.intent)),
        };
        let started = self.start.begin(&workflow, beginning).await?;
        let (state, told) = match started.state {
            Begun::Started => (
                "started",
                "it runs beside this conversation, which is not told how it ends; promise no result",
            ),
            Begun::Queued => (
                "queued",
                "as many runs as may be at once are under way; it begins by itself when there is room",
            ),
            Begun::Skipped => {
                let message = format!(
                    "{} was not started: as many runs of it as may be at once are under way. Do not try again now",
                    workflow.name
                );
                return Err(Error::new(Kind::ToolFailed, message));
            }
            Begun::Cancelled => (
                "cancelled",
                "it was called off before it began; it does not take place",
            ),
        };
        Ok(
            json!({ "run": started.run.id, "workflow": workflow.name, "state": state, "message": told }),
        )
    }

    async fn remind(&self, rule: &ReminderRule, call: &Call<'_>) -> Result<Value, Error> {
        self.reminders.ask(rule, call).await
    }

    async fn report(&self, call: &Call<'_>) -> Result<Result<Value, String>, Error> {
        let report: Report = match serde_json::from_value(call.arguments.clone()) {
            Ok(report) => report,
            Err(error) => return Ok(Err(format!("this is no report: {error}"))),
        };
        let goal = match self.goals.report(call.session, call.intent, report).await? {
            Ok(goal) => goal,
            Err(wrong) => return Ok(Err(wrong)),
        };
        // It stands whatever has become of the run: one that goes on later finds it.
        let message = match self.start.runs.state(&goal.site.run).await? {
            RunState::Ended { how, .. } if how != RunStatus::Succeeded => {
                "it is noted, but the workflow's run was cancelled or has failed: nothing comes of it now, so promise nothing"
            }
            _ => "the workflow knows; the goal is over. Go on with what the contact wants",
        };
        Ok(Ok(json!({ "goal": goal.id, "message": message })))
    }
}
