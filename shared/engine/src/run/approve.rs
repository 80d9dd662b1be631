//! `step-approve`: puts a step's question to people. The machine waits; no function does.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Site;
use super::values::is_shown;
use crate::approval::{Approval, Desk, Envelope, State, answer};
use crate::bot::{Bot, Risk};
use crate::error::{Error, Kind};
use crate::session::SessionKey;

/// Input of `step-approve`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApproveInput {
    /// The step.
    #[serde(flatten)]
    pub site: Site,
    /// What the machine waits for.
    pub token: String,
    /// What is asked.
    #[serde(flatten)]
    pub question: Question,
}

/// What people are asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Question {
    /// Whether a tool may be called, if it needs a yes for that.
    Call {
        /// The tool.
        tool: String,
        /// Its arguments.
        with: Value,
    },
    /// Something of the workflow's own.
    Own {
        /// In words.
        question: String,
        /// What who answers should see.
        details: Value,
        /// The role of who may answer.
        role: String,
        /// How many different people must say yes.
        needed: u32,
        /// How long it stands.
        seconds: u64,
        /// How bad it is when the answer was wrong.
        #[serde(default)]
        risk: Risk,
    },
}

/// Puts questions of steps to people.
#[derive(Clone)]
pub struct StepApprove {
    /// Where approvals are kept.
    pub desk: Desk,
}

impl StepApprove {
    /// Asks, unless nobody needs to be asked, in which case the machine goes on at once.
    ///
    /// # Errors
    /// `NotFound` when there is no such tool, and when a store failed or the wait could not be started.
    pub async fn handle(&self, input: ApproveInput) -> Result<(), Error> {
        let ApproveInput {
            site,
            token,
            question,
        } = input;
        let place = site.run.place()?;
        let bot = self.desk.bots.find(&site.run.tenant, &site.run.bot).await?;
        let Some(asked) = self.asked(&bot, &site, &place, question)? else {
            let nothing = json!({ "output": { "approved": true, "approval": null } });
            return self.desk.waits.end(&token, Ok(nothing)).await;
        };
        let standing = self
            .desk
            .open(Approval {
                tells: Some(token.clone()),
                ..asked
            })
            .await?;
        if standing.state != State::Pending {
            // It was decided when an earlier try asked.
            return self.desk.waits.end(&token, answer(&standing)).await;
        }
        Ok(())
    }

    fn asked(
        &self,
        bot: &Bot,
        site: &Site,
        place: &SessionKey,
        question: Question,
    ) -> Result<Option<Approval>, Error> {
        let (envelope, role, needed, stands) = match question {
            Question::Call { tool: name, with } => {
                let Some(tool) = bot.tools.get(&name) else {
                    return Err(Error::new(
                        Kind::NotFound,
                        format!("{} has no tool `{name}`", bot.name),
                    ));
                };
                is_shown(tool, &with)?;
                match &tool.approval {
                    Some(rule) if tool.asks_for(&with) => {
                        let envelope = Envelope::new(place, tool, rule, &with);
                        (envelope, rule.role.clone(), rule.needed, rule.expires)
                    }
                    _ => return Ok(None),
                }
            }
            Question::Own {
                question,
                details,
                role,
                needed,
                seconds,
                risk,
            } => {
                let envelope = Envelope::of_step(place, &site.step, &question, details, risk);
                (envelope, role, needed, Duration::from_secs(seconds))
            }
        };
        let now = self.desk.runtime.now();
        Ok(Some(Approval {
            id: Approval::id_of(place, 0, &site.intent(), &envelope.inputs),
            session: place.clone(),
            envelope,
            requested_at: now,
            expires_at: now.plus(stands),
            role,
            needed,
            requester: None,
            decisions: Vec::new(),
            state: State::Pending,
            token: None,
            tells: None,
        }))
    }
}
