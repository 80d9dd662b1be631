//! `step-converse`: a bot talks with a contact until a goal is met or time is up. The machine waits; no function does.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Site, StepOutput};
use crate::bot::{Bot, misfit};
use crate::error::{Error, Kind};
use crate::goal::{self, Goal, Goals, MAX_TEXT, OPTED_OUT, State, TIME_UP};
use crate::message::Channel;
use crate::session::{Origin, SessionKey};
use crate::switch::Switches;
use crate::turn::{Intake, Letter};

/// Input of `step-converse`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConverseInput {
    /// The step.
    #[serde(flatten)]
    pub site: Site,
    /// What the machine waits for; absent when it has waited long enough, and asks what has become of the goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// With whom.
    pub with: With,
    /// What is to be reached.
    pub goal: String,
    /// JSON Schema of what is to be found out, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// How long the bot has.
    pub seconds: u64,
}

/// With whom a bot talks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum With {
    /// A person of people.toml.
    Person(String),
    /// Anybody, by the contact on a channel.
    Contact {
        /// The channel.
        channel: Channel,
        /// Their name or number there.
        contact: String,
    },
}

/// Has bots talk with contacts for steps.
#[derive(Clone)]
pub struct StepConverse {
    /// Keeps what is wanted.
    pub goals: Goals,
    /// Puts it into the contact's session.
    pub intake: Intake,
    /// Knows which bots are stopped.
    pub switches: Arc<Switches>,
}

impl StepConverse {
    /// Has the bot speak to the contact about the goal, once; the machine goes on at once where that cannot be. Gives
    /// nothing then; when time has passed it gives what has become of the goal, which is over from then on.
    ///
    /// # Errors
    /// `NotFound` when there is no such person, `Invalid` when nobody can be called so or there is no goal, `Forbidden`
    /// when the bot is stopped, `InboxFull` when the session has no room now, and when a store failed.
    pub async fn handle(&self, input: ConverseInput) -> Result<Option<StepOutput>, Error> {
        let ConverseInput {
            site,
            token,
            with,
            goal,
            answer,
            seconds,
        } = input;
        let place = site.run.place()?;
        let id = Goal::id_of(&place, &site.intent());
        let bots = &self.intake.accept.bots;
        let bot = bots.find(&site.run.tenant, &site.run.bot).await?;
        let session = session(&bot, &site, &with)?;
        let Some(token) = token else {
            return self.conclude(&session, &id, site).await.map(Some);
        };
        let now = self.goals.runtime.now();
        let goal = Goal {
            id,
            site,
            token,
            text: one_line(&goal)?,
            form: answer,
            opened_at: now,
            until: now.plus(Duration::from_secs(seconds)),
            reported_by: None,
            state: State::Open,
        };
        self.begin(&session, &goal).await?;
        Ok(None)
    }

    async fn begin(&self, session: &SessionKey, goal: &Goal) -> Result<(), Error> {
        let switch = self.switches.of(session.tenant()).await?;
        if switch.stopped(session.bot()).is_some() {
            let message = format!("{} is stopped by an operator", session.bot());
            return Err(Error::new(Kind::Forbidden, message));
        }
        let standing = self.goals.open(session, goal).await?;
        if let Some(why) = self.hindrance(session, &standing).await? {
            // Whatever has become of it by now is what the run is told.
            self.goals.end(session, &standing.id, &why).await?;
        } else {
            let letter = Letter {
                id: &format!("goal:{}", standing.id),
                text: &goal::letter(&standing),
                origin: Origin::Goal {
                    id: standing.id.clone(),
                },
            };
            self.intake.take(session, letter).await?;
        }
        self.intake.accept.sessions.durable().await
    }

    /// Why the contact is not spoken to.
    async fn hindrance(&self, session: &SessionKey, goal: &Goal) -> Result<Option<String>, Error> {
        if !goal.is_open() || self.goals.runtime.now() >= goal.until {
            return Ok(Some(TIME_UP.to_owned()));
        }
        let session = self.intake.accept.sessions.load(session).await?;
        let held = |person| format!("{person} has taken the conversation over");
        Ok(match &session.handoff {
            _ if session.opted_out => Some(OPTED_OUT.to_owned()),
            Some(person) => Some(held(person)),
            None => None,
        })
    }

    /// The machine has waited long enough: what the document says is the outcome, whoever wrote it first.
    async fn conclude(
        &self,
        session: &SessionKey,
        id: &str,
        site: Site,
    ) -> Result<StepOutput, Error> {
        let standing = self.goals.end(session, id, TIME_UP).await?;
        self.intake.accept.sessions.durable().await?;
        // One that was forgotten, or never written down, was not met in time either.
        let outcome = standing.map_or(State::Open, |goal| goal.state).outcome();
        Ok(StepOutput {
            item: site.item,
            ..StepOutput::new(outcome)
        })
    }
}

/// The contact's session with the run's bot.
fn session(bot: &Bot, site: &Site, with: &With) -> Result<SessionKey, Error> {
    let (channel, contact) = match with {
        With::Contact { channel, contact } => (*channel, contact.as_str()),
        With::Person(id) => {
            let person = bot.people.get(id).ok_or_else(|| {
                let message = format!("`{id}` is nobody in people.toml of {}", bot.name);
                Error::new(Kind::NotFound, message)
            })?;
            bot.way_to(person).ok_or_else(|| {
                let message = format!("{id} cannot be reached on a channel of {}", bot.name);
                Error::new(Kind::NotFound, message)
            })?
        }
    };
    if !bot.channels.has(channel) {
        let message = format!("{} does not answer on {channel}", bot.name);
        return Err(Error::new(Kind::Invalid, message));
    }
    let invalid = |what: String| Error::new(Kind::Invalid, what);
    if let Some(wrong) = misfit(channel, contact) {
        return Err(invalid(wrong));
    }
    let (tenant, name) = (&site.run.tenant, &site.run.bot);
    SessionKey::new(tenant, name, channel, contact).map_err(|bad| invalid(bad.to_string()))
}

/// A goal's text on one line, since the mark before it stands for all of it.
fn one_line(text: &str) -> Result<String, Error> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let invalid = |what: String| Err(Error::new(Kind::Invalid, what));
    if line.is_empty() {
        return invalid("there is no goal: its text is empty".to_owned());
    }
    if line.chars().nth(MAX_TEXT).is_some() {
        return invalid(format!("a goal has at most {MAX_TEXT} characters"));
    }
    Ok(line)
}
