//! `step-tool`: calls a tool of the bot for a step.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cache::{CacheKey, Cached};
use super::values::is_shown;
use super::{Effects, Site, StepOutput};
use crate::approval::{Command, Desk};
use crate::error::{Error, Kind};
use crate::turn::Bots;

/// Input of `step-tool`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolInput {
    /// The step.
    #[serde(flatten)]
    pub site: Site,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub with: Value,
    /// The approval under which it is called, where it needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// Where an earlier output may lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheKey>,
}

/// Calls tools for steps.
#[derive(Clone)]
pub struct StepTool {
    /// Finds bots.
    pub bots: Arc<dyn Bots>,
    /// Makes calls once.
    pub effects: Effects,
    /// Knows what people said.
    pub desk: Desk,
}

impl StepTool {
    /// Calls the tool, once.
    ///
    /// # Errors
    /// `NotFound` when there is no such tool, `Invalid` when a person could not see what it is called with, `Denied` when it needs a yes that is not there, and what
    /// [`Effects::once`] says.
    pub async fn handle(&self, input: ToolInput) -> Result<StepOutput, Error> {
        let ToolInput {
            site,
            tool: name,
            with,
            approval,
            cache,
        } = input;
        let bot = self.bots.find(&site.run.tenant, &site.run.bot).await?;
        let Some(tool) = bot.tools.get(&name) else {
            return Err(Error::new(
                Kind::NotFound,
                format!("{} has no tool `{name}`", bot.name),
            ));
        };
        is_shown(tool, &with)?;
        self.allowed(&site, tool, &with, approval.as_deref())
            .await?;
        let cached = Cached::new(&self.effects, &site, &name, cache);
        let called = self.effects.once(&bot, &site, tool, &with);
        let output = cached.or(async { Ok(StepOutput::new(called.await?)) });
        self.effects.fit(&site, output.await?).await
    }

    /// Uses the yes that the call needs, if it needs one.
    async fn allowed(
        &self,
        site: &Site,
        tool: &crate::bot::Tool,
        with: &Value,
        approval: Option<&str>,
    ) -> Result<(), Error> {
        if !tool.asks_for(with) {
            return Ok(());
        }
        let Some(approval) = approval else {
            let message = format!(
                "{} needs a person's yes, and none was asked for",
                tool.offer.name
            );
            return Err(Error::new(Kind::Denied, message));
        };
        let consume = Command::Consume {
            tool: &tool.offer.name,
            arguments: with,
            intent: &site.intent(),
            turn: 0,
        };
        let consumed = self
            .desk
            .change(&site.run.tenant, approval, &consume)
            .await?;
        let refused = |refusal| {
            Error::new(
                Kind::Denied,
                format!("{} was not called: {refusal}", tool.offer.name),
            )
        };
        consumed.map(drop).map_err(refused)
    }
}
