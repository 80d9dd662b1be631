//! `approval-ask`: notes what the execution waits for, and asks those who may decide.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Approval, Command, Desk, Envelope, State};
use crate::bot::Bot;
use crate::error::{Error, Kind};
use crate::message::Channel;
use crate::notify::Notice;
use crate::session::{Origin, SessionKey};
use crate::turn::{Intake, Letter};

/// Input of `approval-ask`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskInput {
    /// The session whose bot asks.
    pub session: SessionKey,
    /// The approval.
    pub approval: String,
    /// What the execution waits for.
    pub token: String,
}

/// Output of `approval-ask`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskOutput {
    /// How many questions were put.
    pub asked: usize,
    /// Who could not be asked, and why, for the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unasked: Vec<String>,
}

/// Makes links by which one person can see and decide one approval.
#[async_trait]
pub trait Links: Send + Sync {
    /// A link for `person`, where approvers can reach this installation.
    ///
    /// # Errors
    /// When what signs it cannot be had.
    async fn link(
        &self,
        bot: &Bot,
        approval: &Approval,
        person: &str,
    ) -> Result<Option<String>, Error>;

    /// A link by which `person` says that they know what a notice says.
    ///
    /// # Errors
    /// When what signs it cannot be had.
    async fn notice_link(
        &self,
        _bot: &Bot,
        _notice: &Notice,
        _person: &str,
    ) -> Result<Option<String>, Error> {
        Ok(None)
    }
}

/// No links are made.
pub struct NoLinks;

#[async_trait]
impl Links for NoLinks {
    async fn link(&self, _: &Bot, _: &Approval, _: &str) -> Result<Option<String>, Error> {
        Ok(None)
    }
}

/// Asks people.
#[derive(Clone)]
pub struct Ask {
    /// Keeps approvals.
    pub desk: Desk,
    /// Puts the question into the approvers' own sessions.
    pub intake: Intake,
    /// Makes links for them.
    pub links: Arc<dyn Links>,
}

impl Ask {
    /// Asks everybody who may decide, each once per channel. Somebody who cannot be reached keeps nobody
    /// from deciding another way.
    ///
    /// # Errors
    /// When a store failed, `NotFound` when there is no such approval.
    pub async fn handle(&self, input: AskInput) -> Result<AskOutput, Error> {
        let AskInput {
            session,
            approval,
            token,
        } = input;
        let wait = Command::Wait { token: &token };
        let changed = self.desk.change(session.tenant(), &approval, &wait).await?;
        let approval =
            changed.map_err(|refusal| Error::new(Kind::Internal, refusal.to_string()))?;
        if approval.state != State::Pending {
            // It was decided before anything waited.
            self.desk.waits.go_on(&token).await?;
            return Ok(AskOutput::default());
        }
        let bot = self.desk.bots.find(session.tenant(), session.bot()).await?;
        let mut output = AskOutput::default();
        for (person, known) in bot.people.with_role(&approval.role) {
            for (channel, contact) in &known.contacts {
                let (tenant, name) = (session.tenant(), session.bot());
                let asked = match SessionKey::new(tenant, name, *channel, contact) {
                    Ok(key) => self.ask(&bot, &approval, person, &key).await,
                    Err(bad) => Err(Error::new(Kind::Invalid, bad.to_string())),
                };
                match asked {
                    Ok(()) => output.asked += 1,
                    Err(error) => {
                        let unasked = format!("{person} on {channel}: {}", error.chain());
                        output.unasked.push(unasked);
                    }
                }
            }
        }
        Ok(output)
    }

    async fn ask(
        &self,
        bot: &Bot,
        approval: &Approval,
        person: &str,
        key: &SessionKey,
    ) -> Result<(), Error> {
        let link = self.links.link(bot, approval, person).await?;
        let text: String = question(approval, link.as_deref());
        let text: String = text.chars().take(bot.limits.message_chars).collect();
        let letter = Letter {
            id: &format!("ask:{}:{person}", approval.id),
            text: &text,
            origin: Origin::Notice,
        };
        self.intake.take(key, letter).await.map(drop)
    }
}

/// What an approver is asked.
fn question(approval: &Approval, link: Option<&str>) -> String {
    let Envelope {
        tool_name,
        inputs,
        expected_output,
        rollback_plan,
        ..
    } = &approval.envelope;
    let what = arguments(inputs);
    let session = &approval.session;
    let mut text = match session.channel() {
        Channel::Run => format!(
            "{}\n{tool_name} of {}: {what}",
            approval.envelope.intent,
            session.contact()
        ),
        _ => format!("May I do this for {}?\n{tool_name}: {what}", session.id()),
    };
    for (title, words) in [("Then", expected_output), ("To undo it", rollback_plan)] {
        if let Some(words) = words {
            text.push_str(&format!("\n{title}: {words}"));
        }
    }
    let code = approval.code();
    let until = approval.expires_at;
    text.push_str(&format!(
        "\nReply \"yes {code}\", or \"no {code}\" and why. After {until} it is a no."
    ));
    if let Some(link) = link {
        text.push_str(&format!("\n{link}"));
    }
    text
}

/// A call's arguments as a person reads them.
pub(super) fn arguments(inputs: &serde_json::Value) -> String {
    let Some(members) = inputs.as_object() else {
        return inputs.to_string();
    };
    let told = members.iter().map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name} {text}"),
        None => format!("{name} {value}"),
    });
    told.collect::<Vec<_>>().join(", ")
}
