//! A message comes in: one write decides whether it is new and who answers it.

use std::sync::Arc;

use super::{Bots, Timing, TurnStart};
use crate::error::{Error, Kind};
use crate::overlap::Said;
use crate::runtime::{Runtime, Time};
use crate::session::{
    Applied, Command, Hold, Origin, OwnerId, Pending, Refusal, Session, SessionKey, Sessions,
};

/// Takes messages in.
#[derive(Clone)]
pub struct Accept {
    /// Time and ids.
    pub runtime: Runtime,
    /// Keeps sessions.
    pub sessions: Arc<dyn Sessions>,
    /// Finds bots, for their limits.
    pub bots: Arc<dyn Bots>,
    /// Leases.
    pub timing: Timing,
}

/// A message on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter<'a> {
    /// The provider's id of it, or ours: the same for every delivery.
    pub id: &'a str,
    /// What it says.
    pub text: &'a str,
    /// Who or what it comes from.
    pub origin: Origin,
}

impl<'a> Letter<'a> {
    /// A message of the contact.
    #[must_use]
    pub fn of_contact(id: &'a str, text: &'a str) -> Self {
        Self {
            id,
            text,
            origin: Origin::Contact,
        }
    }
}

/// Whether a message was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It was, and will be settled.
    Accepted,
    /// It was accepted before.
    Duplicate,
}

/// What became of a message, before it is durable.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// Whether it was new.
    pub receipt: Receipt,
    /// The turn to start, when the message took the session.
    pub start: Option<TurnStart>,
}

impl Accept {
    /// Accepts a message into the session.
    ///
    /// The caller starts the turn, if one is given, and acknowledges only after
    /// [`Sessions::durable`].
    ///
    /// # Errors
    /// `Invalid` for an empty or too long text or id, `InboxFull`, `NotFound` for the bot, and what the store says.
    pub async fn handle(&self, key: &SessionKey, message: Letter<'_>) -> Result<Accepted, Error> {
        let Letter { id, text, origin } = message;
        let bot = self.bots.find(key.tenant(), key.bot()).await?;
        // What Confab itself tells a bot is bounded where it is written.
        let limit = match origin {
            Origin::Outcome { .. } | Origin::Reminder { .. } | Origin::Goal { .. } => usize::MAX,
            _ => bot.limits.message_chars,
        };
        check(id, text, limit)?;
        let owner = OwnerId::of_message(id);
        let now = self.runtime.now();
        let window = bot.overlap.window(key.channel());
        let wait = origin
            .is_contact()
            .then(|| window.wait(Said::alone(key.channel(), text)))
            .flatten();
        let command = Command::Accept {
            message: Pending {
                id: id.to_owned(),
                text: text.to_owned(),
                at: now,
                origin,
            },
            owner,
            until: now.plus(self.timing.lease),
            inbox_limit: bot.limits.inbox,
        };
        let (receipt, session) = match self.sessions.apply(key, command).await? {
            Applied::Done(session) => (Receipt::Accepted, session),
            Applied::Refused(Refusal::Seen, session) => (Receipt::Duplicate, session),
            Applied::Refused(_, _) => return Err(full()),
        };
        let being_started =
            receipt == Receipt::Duplicate && self.is_being_started(&session, id, now);
        let mut start = if being_started {
            None
        } else {
            self.start(key, owner, now, &session).await?
        };
        if let (Receipt::Accepted, Some(start)) = (receipt, &mut start) {
            start.until = wait.map(|wait| now.plus(wait));
        }
        Ok(Accepted { receipt, start })
    }

    /// Whether the delivery of message `id` that was accepted may still be about to start its turn, or
    /// has: a second start is harmless but thinks, and pays, again.
    fn is_being_started(&self, session: &Session, id: &str, now: Time) -> bool {
        let Some(message) = session.inbox.iter().find(|message| message.id == id) else {
            return false;
        };
        let retried_write = message.at == now;
        let extended = session.lease != Some(message.at.plus(self.timing.lease));
        let fresh = now.since(message.at) < self.timing.grace;
        session.owner == Some(OwnerId::of_message(id)) && !retried_write && (extended || fresh)
    }

    /// The turn to start: our own hold's, or that of an expired hold we take over.
    async fn start(
        &self,
        key: &SessionKey,
        owner: OwnerId,
        now: Time,
        session: &Session,
    ) -> Result<Option<TurnStart>, Error> {
        let Some(hold) = session.hold() else {
            return Ok(None);
        };
        if hold.owner == owner {
            return Ok(Some(TurnStart {
                session: key.clone(),
                hold,
                until: None,
            }));
        }
        if session.lease.is_some_and(|lease| lease < now) {
            return reclaim(
                &*self.sessions,
                key,
                hold,
                now,
                owner,
                now.plus(self.timing.lease),
            )
            .await;
        }
        Ok(None)
    }
}

/// Takes over `from` if its lease ended before `now`.
pub(super) async fn reclaim(
    sessions: &dyn Sessions,
    key: &SessionKey,
    from: Hold,
    now: Time,
    owner: OwnerId,
    until: Time,
) -> Result<Option<TurnStart>, Error> {
    let applied = sessions
        .apply(
            key,
            Command::Reclaim {
                from,
                now,
                owner,
                until,
            },
        )
        .await?;
    let taken = Hold {
        owner,
        fence: from.fence + 1,
    };
    // A refusal by our own hold: a write that seemed lost had succeeded.
    let (Applied::Done(session) | Applied::Refused(_, session)) = applied;
    Ok((session.hold() == Some(taken)).then(|| TurnStart {
        session: key.clone(),
        hold: taken,
        until: None,
    }))
}

fn check(id: &str, text: &str, limit: usize) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Err(Error::new(Kind::Invalid, "the message has no text"));
    }
    if text.chars().nth(limit).is_some() {
        return Err(Error::new(
            Kind::Invalid,
            format!("the message is longer than {limit} characters"),
        ));
    }
    if id.is_empty() || id.len() > 200 || id.chars().any(char::is_control) {
        return Err(Error::new(
            Kind::Invalid,
            "the message id must be 1 to 200 bytes without control characters",
        ));
    }
    Ok(())
}

fn full() -> Error {
    Error::new(
        Kind::InboxFull,
        "too many messages wait in this session; try again when one was answered",
    )
}
