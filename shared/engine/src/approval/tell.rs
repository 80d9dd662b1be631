//! `approval-tell`: what people said comes back into the session, as a turn of its own.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ask::arguments;
use super::{Answer, Approval, Command, Desk, Moot, State};
use crate::bot::Bot;
use crate::bus::Herald;
use crate::error::{Error, Kind};
use crate::session::{Origin, SessionKey};
use crate::turn::{Intake, Letter};

/// Input of `approval-tell`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TellInput {
    /// The session whose bot asked.
    pub session: SessionKey,
    /// The approval.
    pub approval: String,
}

/// Brings answers back.
#[derive(Clone)]
pub struct Tell {
    /// Keeps approvals.
    pub desk: Desk,
    /// Puts the answer into the session.
    pub intake: Intake,
    /// Tells of what was decided.
    pub herald: Herald,
}

impl Tell {
    /// Puts the answer into the session once, and starts a turn for it. Where nobody answered, that is a no; of what
    /// was withdrawn, those who were asked are told.
    ///
    /// # Errors
    /// When a store failed, `InboxFull` when the session has no room now.
    pub async fn handle(&self, input: TellInput) -> Result<(), Error> {
        let TellInput { session, approval } = input;
        let tenant = session.tenant();
        let approval = match self
            .desk
            .change(tenant, &approval, &Command::Expire)
            .await?
        {
            Ok(expired) => expired,
            Err(_) => self.desk.read(tenant, &approval).await?,
        };
        let now = self.desk.runtime.now();
        self.herald.approval_decided(&approval, now).await?;
        if let Some(token) = &approval.tells {
            return self.desk.waits.end(token, answer(&approval)).await;
        }
        let bot = self.desk.bots.find(tenant, session.bot()).await?;
        if let State::Withdrawn { why, .. } = approval.state {
            return self.recall(&bot, &approval, why).await;
        }
        let text: String = news(&approval);
        let text: String = text.chars().take(bot.limits.message_chars).collect();
        let letter = Letter {
            id: &format!("approval:{}", approval.id),
            text: &text,
            origin: Origin::Approval {
                id: approval.id.clone(),
            },
        };
        self.intake.take(&session, letter).await.map(drop)
    }
}

/// What a run is told: a no is an error, so that whoever does not look for it does not go on.
pub(crate) fn answer(approval: &Approval) -> Result<Value, Error> {
    let spoken = approval.last_words();
    let who = spoken.map(|spoken| spoken.person.as_str());
    let why = spoken.and_then(|spoken| spoken.reason.as_deref());
    match (&approval.state, who) {
        (State::Granted { .. } | State::Consumed { .. }, by) => Ok(
            json!({ "output": { "approved": true, "by": by, "reason": why, "approval": approval.id } }),
        ),
        (State::Denied { .. }, Some(by)) => {
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            Err(Error::new(Kind::Denied, format!("{by} said no{why}")))
        }
        _ => Err(Error::new(Kind::Denied, "nobody said yes in time")),
    }
}

impl Tell {
    /// Tells those who were asked that no answer is needed, each once per channel. Somebody who cannot be reached finds
    /// out by answering.
    async fn recall(&self, bot: &Bot, approval: &Approval, why: Moot) -> Result<(), Error> {
        if approval.token.is_none() {
            return Ok(());
        }
        let text = format!(
            "No answer is needed any more: {}, so {} is not done. The question was {}.",
            why.told(),
            approval.envelope.tool_name,
            approval.code()
        );
        let session = &approval.session;
        for (person, known) in bot.people.with_role(&approval.role) {
            let id = format!("recall:{}:{person}", approval.id);
            let letter = Letter {
                id: &id,
                text: &text,
                origin: Origin::Notice,
            };
            for (channel, contact) in &known.contacts {
                let (tenant, name) = (session.tenant(), session.bot());
                let Ok(key) = SessionKey::new(tenant, name, *channel, contact) else {
                    continue;
                };
                match self.intake.take(&key, letter.clone()).await {
                    Err(error) if error.kind() != Kind::InboxFull => return Err(error),
                    Ok(_) | Err(_) => {}
                }
            }
        }
        Ok(())
    }
}

/// What the bot is told.
fn news(approval: &Approval) -> String {
    let call = format!(
        "{} with {}",
        approval.envelope.tool_name,
        arguments(&approval.envelope.inputs)
    );
    let spoken = approval.last_words();
    let who = spoken.map_or("nobody", |spoken| spoken.person.as_str());
    let why = spoken.and_then(|spoken| spoken.reason.as_deref());
    let why = why
        .map(|why| format!(", saying: {why}"))
        .unwrap_or_default();
    match (&approval.state, spoken.map(|spoken| spoken.answer)) {
        (State::Granted { .. } | State::Consumed { .. }, _) => {
            format!("{who} said yes to {call}{why}. It is done now; tell the contact how it ended.")
        }
        (State::Denied { .. }, Some(Answer::No)) => format!(
            "{who} said no to {call}{why}. It was not done. Tell the contact, and do not ask for it again."
        ),
        _ => format!(
            "Nobody said yes to {call} in time, so it was not done. Tell the contact, and do not ask for it again."
        ),
    }
}
