//! What a turn decides without asking the brain.

use super::think::Decided;
use super::{APOLOGY, Round, Run};
use crate::error::Error;
use crate::session::{Intended, Origin, Pending, Session, SessionKey};
use crate::transcript::{Decision, Taken, Verdict};
use crate::turn::{RunOutput, TurnStart};

impl Run {
    /// How many messages of the inbox the next turn takes.
    pub(super) fn batch(&self, session: &Session) -> usize {
        // A message that keeps killing its turns is taken alone, so that it is parked alone.
        if session.tries + 1 >= self.timing.tries {
            return 1;
        }
        let together: fn(&&Pending) -> bool = if session.handoff.is_some() {
            |message| !is_relayed(&message.origin)
        } else {
            |message| message.origin.is_contact()
        };
        session.inbox.iter().take_while(together).count().max(1)
    }

    /// The decision that stands without a thought, if there is one.
    pub(super) fn without_thought(&self, session: &Session, round: &Round) -> Option<Decision> {
        if let (Some(words), []) = (round.messages.first().and_then(relayed), &*round.before) {
            return Some(words);
        }
        if let Some(person) = &session.handoff {
            return Some(Decision::Declined {
                verdict: Verdict::HandedOff,
                reason: format!("{person} has taken the session over"),
                text: None,
            });
        }
        (session.tries >= self.timing.tries).then(|| Decision::Failed {
            reason: format!("{} attempts to answer this died", session.tries),
            apology: APOLOGY.to_owned(),
        })
    }

    /// What a stopped bot does: it says so, and nothing else.
    pub(super) async fn switched_off(
        &self,
        key: &SessionKey,
        round: &Round,
    ) -> Result<Option<Decision>, Error> {
        let Some(stopped) = &round.stopped else {
            return Ok(None);
        };
        let staff = self.crew.staff(key.tenant(), key.bot()).await?;
        Ok(Some(Decision::Declined {
            verdict: Verdict::Refused,
            reason: format!("stopped by {}: {}", stopped.by, stopped.reason),
            text: Some(staff.bot.notices.stopped.clone()),
        }))
    }

    /// Writes down a decision that took no thought.
    pub(super) async fn decide(
        &self,
        start: &TurnStart,
        session: &Session,
        round: Round,
        decision: Decision,
    ) -> Result<RunOutput, Error> {
        let key = &start.session;
        let staff = self.crew.staff(key.tenant(), key.bot()).await?;
        let mut decided = Decided::now(&self.runtime, decision);
        decided.terms.verdict = Intended::Other;
        self.write(start, session, round, decided, &staff).await
    }
}

/// Whether a message is passed on to the contact as it stands.
fn is_relayed(origin: &Origin) -> bool {
    matches!(origin, Origin::Person { .. } | Origin::Notice)
}

fn relayed(message: &Taken) -> Option<Decision> {
    let by = match &message.origin {
        Origin::Person { name } => Some(name.clone()),
        Origin::Notice => None,
        Origin::Contact | Origin::Approval { .. } | Origin::Outcome { .. } => return None,
    };
    Some(Decision::Reply {
        text: message.text.clone(),
        by,
    })
}
