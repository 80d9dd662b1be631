//! `reminder-tell`: a reminder's time has come; it is said, unless what has happened since speaks against it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Disarmed, Reminder, State, key, missing, settle};
use crate::document::{Documents, parse};
use crate::error::Error;
use crate::session::{Origin, Session};
use crate::transcript::Transcripts;
use crate::turn::{Intake, Letter};

/// How many turns are read at first when the contact's last words are looked for.
const WINDOW: u64 = 8;

/// Input of `reminder-tell`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TellInput {
    /// Whose reminder.
    pub tenant: String,
    /// Which.
    pub reminder: String,
}

/// Tells bots what they meant to say.
#[derive(Clone)]
pub struct Tell {
    /// Keeps reminders.
    pub documents: Arc<dyn Documents>,
    /// Knows what was said since.
    pub transcripts: Arc<dyn Transcripts>,
    /// Puts the letter into the session; brings time and sessions.
    pub intake: Intake,
}

impl Tell {
    /// Puts the reminder into its session, once, or notes why not.
    ///
    /// # Errors
    /// `NotFound` when there is no such reminder, `InboxFull` when the session has no room now, and when a store
    /// failed.
    pub async fn handle(&self, input: TellInput) -> Result<(), Error> {
        let TellInput { tenant, reminder } = input;
        let found = self.documents.read(&key(&tenant, &reminder)).await?;
        let found: Reminder = parse(found.ok_or_else(|| missing(&reminder))?.body)?;
        let why = self.disarmed(&found).await?;
        let at = self.intake.accept.runtime.now();
        // What is decided comes first: whoever tries again does not decide anew.
        let settled = settle(&*self.documents, &tenant, &reminder, || match why {
            None => State::Told { at },
            Some(why) => State::Disarmed { at, why },
        });
        let settled = settled.await?;
        if let State::Told { .. } = settled.state {
            let letter = Letter {
                id: &format!("reminder:{reminder}"),
                text: &words(&settled),
                origin: Origin::Reminder {
                    id: reminder.clone(),
                },
            };
            self.intake.take(&settled.session, letter).await?;
        }
        self.intake.accept.sessions.durable().await
    }

    async fn disarmed(&self, reminder: &Reminder) -> Result<Option<Disarmed>, Error> {
        let session = self.intake.accept.sessions.load(&reminder.session).await?;
        Ok(if session.handoff.is_some() {
            Some(Disarmed::HandedOff)
        } else if session.opted_out {
            Some(Disarmed::OptedOut)
        } else if session.closed.is_some_and(|turn| turn >= reminder.turn) {
            Some(Disarmed::Closed)
        } else if reminder.unless_reply && self.has_written(reminder, &session).await? {
            Some(Disarmed::Replied)
        } else {
            None
        })
    }

    /// Whether the contact has written since the reminder was asked for. Reads back from the end.
    async fn has_written(&self, reminder: &Reminder, session: &Session) -> Result<bool, Error> {
        let later = |at| at > reminder.asked_at;
        let mut waiting = session.inbox.iter();
        if waiting.any(|message| message.origin.is_contact() && later(message.at)) {
            return Ok(true);
        }
        let next = session.delivered + 1;
        let mut window = WINDOW;
        loop {
            let from = next.saturating_sub(window).max(reminder.turn);
            let records = self.transcripts.since(&reminder.session, from).await?;
            let written = records.iter().any(|record| {
                let mut taken = record.messages.iter();
                let since = |at| record.turn > reminder.turn || later(at);
                taken.any(|taken| taken.origin.is_contact() && !taken.repeat && since(taken.at))
            });
            if written || from == reminder.turn {
                return Ok(written);
            }
            window *= 4;
        }
    }
}

/// What the bot is told, on one line: its mark stands for all of it.
fn words(reminder: &Reminder) -> String {
    let text = reminder.text.split_whitespace();
    let text = text.collect::<Vec<_>>().join(" ");
    let asked = reminder.asked_at;
    if reminder.unless_reply {
        format!(
            "The contact has not written since {asked}, and this is what you meant to come back to them with: {text}"
        )
    } else {
        format!("It is time for what you were asked on {asked} to remind the contact of: {text}")
    }
}
