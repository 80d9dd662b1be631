//! What a person of the house does with a session: takes it over, answers in it, hands it back, ends it.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::approval::{Desk, Moot};
use crate::bus::Herald;
use crate::error::Error;
use crate::goal::{self, Goals};
use crate::runtime::Time;
use crate::session::{Applied, Command, Lifecycle, Origin, Refusal, Session, SessionKey};
use crate::transcript::Transcripts;
use crate::turn::{Intake, Letter, Receipt};

/// How long nothing must have been heard of a contact for their session to be idle.
pub const IDLE: Duration = Duration::from_secs(30 * 60);

/// Turns read at first to find what the contact said last.
const WINDOW: u64 = 4;

/// Where persons work.
#[derive(Clone)]
pub struct Attend {
    /// Takes their words in; brings time and sessions.
    pub intake: Intake,
    /// Keeps transcript items.
    pub transcripts: Arc<dyn Transcripts>,
    /// Withdraws what an ended conversation asked.
    pub desk: Desk,
    /// Tells of conversations that were closed.
    pub herald: Herald,
}

/// Where a session stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// The session.
    pub session: SessionKey,
    /// Where it stands in its life.
    pub state: Lifecycle,
    /// The person who has taken it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// Whether the contact wants no more messages.
    pub opted_out: bool,
    /// Messages that no turn has settled yet.
    pub waiting: usize,
    /// Messages that were ever accepted.
    pub messages: u64,
    /// Turns so far.
    pub turns: u64,
    /// When the contact last wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_heard: Option<Time>,
}

/// Why a person could not do it.
#[derive(Debug, thiserror::Error)]
pub enum Objection {
    /// Another person has the session.
    #[error("{0} has taken the session over")]
    HeldBy(String),
    /// Nobody has taken it over.
    #[error("nobody has taken the session over")]
    NotTaken,
    /// A turn runs, or messages wait for one.
    #[error("a message is being answered; try again in a moment")]
    Working,
    /// Nothing was ever said in it.
    #[error("nothing was said in this session yet")]
    NothingSaid,
    /// The contact may not be written to.
    #[error("the contact has opted out; they are sent nothing until they write START")]
    OptedOut,
    /// A store failed, or the text may not be sent.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Attend {
    /// Where the session stands.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn standing(&self, key: &SessionKey) -> Result<Standing, Error> {
        let session = self.intake.accept.sessions.load(key).await?;
        let standing = self.stands(key, &session).await?;
        self.intake.accept.sessions.durable_of(key).await?;
        Ok(standing)
    }

    /// `person` takes the session over: the bot is silent until it is handed back, and what workflows want of the
    /// conversation is not met. Taking it over again does what is left of it.
    ///
    /// # Errors
    /// [`Objection::HeldBy`] another.
    pub async fn take_over(&self, key: &SessionKey, person: &str) -> Result<Standing, Objection> {
        let held = person.to_owned();
        let take = Command::TakeOver { person: held };
        let standing = self.carry_out(key, take).await?;
        // Whoever speaks in the bot's place pursues no goals.
        let why = format!("{person} has taken the conversation over");
        Goals::from(&self.desk).end_all(key, &why).await?;
        self.intake.accept.sessions.durable().await?;
        Ok(standing)
    }

    /// Hands the session back to the bot. Whoever may take one over may do so: nobody's absence keeps a contact
    /// waiting.
    ///
    /// # Errors
    /// [`Objection::NotTaken`].
    pub async fn hand_back(&self, key: &SessionKey) -> Result<Standing, Objection> {
        self.carry_out(key, Command::HandBack).await
    }

    /// Ends the conversation: what was said until now is not shown to the bot again, and what it asked people is
    /// withdrawn. Closing again does what is left of it.
    ///
    /// # Errors
    /// [`Objection::Working`] or [`Objection::NothingSaid`].
    pub async fn close(&self, key: &SessionKey) -> Result<Standing, Objection> {
        let session = self.intake.accept.sessions.load(key).await?;
        let turn = session.delivered;
        // Of one that was closed before nobody knows any more where it began.
        let before = session.closed.filter(|closed| *closed < turn);
        let standing = self.carry_out(key, Command::Close { turn }).await?;
        self.desk.withdraw(key, Moot::Closed).await?;
        Goals::from(&self.desk).end_all(key, goal::CLOSED).await?;
        let now = self.intake.accept.runtime.now();
        let before = before.unwrap_or_default();
        self.herald.session_closed(key, turn, before, now).await?;
        self.intake.accept.sessions.durable().await?;
        Ok(standing)
    }

    /// `person`, who has the session, says `text` to the contact. The same `id` is the same reply.
    ///
    /// # Errors
    /// [`Objection::NotTaken`], [`Objection::HeldBy`] another, [`Objection::OptedOut`].
    pub async fn reply(
        &self,
        key: &SessionKey,
        person: &str,
        id: &str,
        text: &str,
    ) -> Result<Receipt, Objection> {
        let session = self.intake.accept.sessions.load(key).await?;
        match &session.handoff {
            None => return Err(Objection::NotTaken),
            Some(holder) if holder != person => return Err(Objection::HeldBy(holder.clone())),
            Some(_) if session.opted_out => return Err(Objection::OptedOut),
            Some(_) => {}
        }
        let origin = Origin::Person {
            name: person.to_owned(),
        };
        Ok(self.intake.take(key, Letter { id, text, origin }).await?)
    }

    async fn carry_out(&self, key: &SessionKey, command: Command) -> Result<Standing, Objection> {
        let sessions = &self.intake.accept.sessions;
        let session = match sessions.apply(key, command).await? {
            Applied::Done(session) => session,
            Applied::Refused(refusal, session) => return Err(objection(&refusal, &session)),
        };
        let standing = self.stands(key, &session).await?;
        sessions.durable().await?;
        Ok(standing)
    }

    async fn stands(&self, key: &SessionKey, session: &Session) -> Result<Standing, Error> {
        let last_heard = self.last_heard(key, session).await?;
        let now = self.intake.accept.runtime.now();
        Ok(Standing {
            session: key.clone(),
            state: session.lifecycle(last_heard, now, IDLE),
            held_by: session.handoff.clone(),
            opted_out: session.opted_out,
            waiting: session.inbox.len(),
            messages: session.arrivals,
            turns: session.delivered,
            last_heard,
        })
    }

    async fn last_heard(&self, key: &SessionKey, session: &Session) -> Result<Option<Time>, Error> {
        let waiting = session.inbox.iter().rev();
        let mut waiting = waiting.filter(|message| message.origin.is_contact());
        if let Some(message) = waiting.next() {
            return Ok(Some(message.at));
        }
        if session.delivered == 0 {
            return Ok(None);
        }
        let mut window = WINDOW;
        loop {
            let from = (session.delivered + 1).saturating_sub(window).max(1);
            let records = self.transcripts.since(key, from).await?;
            let taken = records.iter().flat_map(|record| &record.messages);
            let heard = taken.filter(|taken| taken.origin.is_contact());
            let heard = heard.map(|taken| taken.at).max();
            if heard.is_some() || from == 1 {
                return Ok(heard);
            }
            window *= 8;
        }
    }
}

fn objection(refusal: &Refusal, session: &Session) -> Objection {
    match (refusal, &session.handoff) {
        (Refusal::HandedOff, Some(holder)) => Objection::HeldBy(holder.clone()),
        (Refusal::NotHandedOff, _) => Objection::NotTaken,
        _ if session.delivered == 0 && session.owner.is_none() => Objection::NothingSaid,
        _ => Objection::Working,
    }
}
