//! What a turn decides without asking the brain.

use super::reflex::{Answered, Reflex};
use super::think::Decided;
use super::{APOLOGY, Round, Run};
use crate::approval::{ChatAnswer, Moot};
use crate::error::Error;
use crate::goal::{self, Goals};
use crate::session::{Consent, Intended, Origin, Pending, Session, SessionKey};
use crate::transcript::{Decision, Taken, Verdict};
use crate::turn::{RunOutput, TurnStart, saga};

/// A decision that took no thought, and what it changes.
pub(super) struct Unthought {
    decision: Decision,
    consent: Option<Consent>,
}

impl From<Decision> for Unthought {
    fn from(decision: Decision) -> Self {
        Self {
            decision,
            consent: None,
        }
    }
}

impl Run {
    /// Whether the turn takes one message only: one that keeps killing its turns is parked alone.
    pub(super) fn takes_one(&self, session: &Session) -> bool {
        session.tries + 1 >= self.timing.tries
    }

    /// How many messages of the inbox the next turn takes.
    pub(super) fn batch(&self, session: &Session, reflex: Reflex<'_>) -> usize {
        if self.takes_one(session) {
            return 1;
        }
        let together = |message: &&Pending| match session.handoff {
            _ if reflex.is_word(session, message) => false,
            Some(_) => !is_relayed(&message.origin),
            None => is_together(message),
        };
        session.inbox.iter().take_while(together).count().max(1)
    }

    /// The decision that stands without a thought, if there is one.
    pub(super) async fn without_thought(
        &self,
        start: &TurnStart,
        session: &Session,
        round: &Round,
        reflex: Reflex<'_>,
    ) -> Result<Option<Unthought>, Error> {
        let key = &start.session;
        let thanks = self.signs(key, round).await?;
        if let Some(unthought) = self.forced(session, round, reflex) {
            return Ok(Some(unthought));
        }
        let decision = match self.allowed(key, round).await? {
            Some(decision) => Some(decision),
            None => self.decided(key, round).await?,
        };
        Ok(decision.or(thanks).map(Unthought::from))
    }

    fn forced(&self, session: &Session, round: &Round, reflex: Reflex<'_>) -> Option<Unthought> {
        let first = round.messages.first().filter(|_| round.before.is_empty());
        if let Some(Answered {
            reason,
            text,
            consent,
        }) = first.and_then(|first| reflex.answer(session, first))
        {
            let verdict = Verdict::Refused;
            return Some(Unthought {
                decision: Decision::Declined {
                    verdict,
                    reason,
                    text,
                },
                consent,
            });
        }
        if let Some(words) = first.and_then(relayed) {
            return Some(words.into());
        }
        if let Some(person) = &session.handoff {
            let declined = Decision::Declined {
                verdict: Verdict::HandedOff,
                reason: format!("{person} has taken the session over"),
                text: None,
            };
            return Some(declined.into());
        }
        let failed = || Decision::Failed {
            reason: format!("{} attempts to answer this died", session.tries),
            apology: APOLOGY.to_owned(),
        };
        (session.tries >= self.timing.tries).then(|| failed().into())
    }

    /// What a stopped bot does: it says so, and nothing else. A turn that was overtaken asks again.
    pub(super) async fn switched_off(
        &self,
        key: &SessionKey,
        round: &Round,
    ) -> Result<Option<Unthought>, Error> {
        let switch = self.switches.of(key.tenant()).await?;
        let declined = switch.stopped(key.bot()).map(|stopped| Decision::Declined {
            verdict: Verdict::Refused,
            reason: format!("stopped by {}: {}", stopped.by, stopped.reason),
            text: Some(round.staff.bot.notices.stopped.clone()),
        });
        Ok(declined.map(Into::into))
    }

    /// Writes down a decision that took no thought.
    pub(super) async fn decide(
        &self,
        start: &TurnStart,
        session: &Session,
        round: Round,
        unthought: Unthought,
    ) -> Result<RunOutput, Error> {
        let key = &start.session;
        if unthought.consent == Some(Consent::OptOut) {
            self.desk.withdraw(key, Moot::OptedOut).await?;
            Goals::from(&self.desk)
                .end_all(key, goal::OPTED_OUT)
                .await?;
        }
        let decision = if round.before.is_empty() {
            unthought.decision
        } else {
            let results = self.results.known_since(key, round.turn).await?;
            saga::before_giving_up(
                &round.staff.bot,
                session,
                &round.before,
                &results,
                unthought.decision,
            )
        };
        let mut decided = Decided::now(&self.runtime, decision);
        decided.terms.verdict = Intended::Other;
        decided.terms.consent = unthought.consent;
        self.write(start, session, round, decided).await
    }
}

/// Whether a message can be answered together with others: words of the contact that decide nothing.
pub(super) fn is_together(message: &Pending) -> bool {
    message.origin.is_contact() && ChatAnswer::read(&message.text).is_none()
}

/// Whether a message is passed on to the contact as it stands.
fn is_relayed(origin: &Origin) -> bool {
    matches!(origin, Origin::Person { .. } | Origin::Notice)
}

fn relayed(message: &Taken) -> Option<Decision> {
    let by = match &message.origin {
        Origin::Person { name } => Some(name.clone()),
        Origin::Notice => None,
        Origin::Contact
        | Origin::Approval { .. }
        | Origin::Outcome { .. }
        | Origin::Reminder { .. }
        | Origin::Goal { .. } => return None,
    };
    Some(Decision::Reply {
        text: message.text.clone(),
        by,
    })
}
