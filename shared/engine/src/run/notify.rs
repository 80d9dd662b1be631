//! `step-notify`: tells people for a step. With `acknowledge` the machine waits for a sign; no function does.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Site, StepOutput};
use crate::bot::Bot;
use crate::error::{Error, Kind};
use crate::notify::{
    Acknowledge, Class, Escalations, Notice, NoticeStart, NoticeState, Recipient, Router,
};

/// Input of `step-notify`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotifyInput {
    /// The step.
    #[serde(flatten)]
    pub site: Site,
    /// Whom: a person, or everybody with a role.
    pub to: String,
    /// How much it matters.
    pub class: Class,
    /// What they are told.
    pub text: String,
    /// How long a sign is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<Acknowledge>,
    /// What the machine waits for, where a sign is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// Tells people for steps.
#[derive(Clone)]
pub struct StepNotify {
    /// Tells people.
    pub router: Router,
    /// See notices through.
    pub escalations: Arc<dyn Escalations>,
}

impl StepNotify {
    /// Tells people, each once, or keeps it until they may be disturbed. Gives `{"to": […], "held": false}`: who was
    /// told or will be, and whether it is kept.
    ///
    /// # Errors
    /// `NotFound` when there is nobody to tell, `ToolFailed` when nobody could be told, `Invalid` when there is
    /// nothing to tell, and when a store failed.
    pub async fn handle(&self, input: NotifyInput) -> Result<StepOutput, Error> {
        let site = input.site.clone();
        let (tenant, name) = (&site.run.tenant, &site.run.bot);
        let bots = &self.router.intake.accept.bots;
        let bot = bots.find(tenant, name).await?;
        let wanted = self.wanted(&bot, input)?;
        let (id, token) = (wanted.id.clone(), wanted.token.clone());
        let notices = &self.router.notices;
        let round = notices.open(wanted).await?.round;
        if let Some(at) = self.router.advance(tenant, &id, round).await? {
            let start = NoticeStart {
                tenant: tenant.clone(),
                notice: id.clone(),
                round,
                at,
            };
            self.escalations.start(start).await?;
        }
        self.router.intake.accept.sessions.durable().await?;
        let standing = notices.read(tenant, &id).await?;
        let standing = standing.ok_or_else(|| Error::new(Kind::Internal, "a notice is gone"))?;
        let outcome = match (standing.outcome(), token) {
            // The machine was told of the failure.
            (Err(_), Some(_)) => serde_json::Value::Null,
            (outcome, _) => outcome?,
        };
        Ok(StepOutput {
            item: site.item,
            ..StepOutput::new(outcome)
        })
    }

    fn wanted(&self, bot: &Bot, input: NotifyInput) -> Result<Notice, Error> {
        let NotifyInput {
            site,
            to,
            class,
            text,
            acknowledge,
            token,
        } = input;
        if text.trim().is_empty() {
            return Err(Error::new(
                Kind::Invalid,
                "there is nothing to tell: the text is empty",
            ));
        }
        let people: Vec<&str> = match bot.people.get(&to) {
            Some(_) => vec![to.as_str()],
            None => bot.people.with_role(&to).map(|(id, _)| id).collect(),
        };
        if people.is_empty() {
            let message = format!(
                "`{to}` is neither a person nor a role in people.toml of {}",
                bot.name
            );
            return Err(Error::new(Kind::NotFound, message));
        }
        let place = site.run.place()?;
        let recipient = |person: &str| Recipient {
            person: person.to_owned(),
            ..Recipient::default()
        };
        Ok(Notice {
            id: Notice::id_of(&place, &site.intent()),
            place,
            item: site.item,
            class,
            text,
            at: self.router.notices.runtime.now(),
            round: 0,
            acknowledge,
            recipients: people.into_iter().map(recipient).collect(),
            state: NoticeState::Open,
            token,
        })
    }
}
