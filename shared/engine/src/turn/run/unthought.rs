//! What a turn decides without asking the brain.

use super::think::Decided;
use super::{APOLOGY, Round, Run};
use crate::approval::ChatAnswer;
use crate::error::Error;
use crate::session::{Intended, Origin, Pending, Session};
use crate::transcript::{Decision, Taken, Verdict};
use crate::turn::{RunOutput, TurnStart, saga};

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
            |message| is_together(message)
        };
        session.inbox.iter().take_while(together).count().max(1)
    }

    /// The decision that stands without a thought, if there is one.
    pub(super) async fn without_thought(
        &self,
        start: &TurnStart,
        session: &Session,
        round: &Round,
    ) -> Result<Option<Decision>, Error> {
        if let Some(decision) = self.forced(session, round) {
            return Ok(Some(decision));
        }
        let key = &start.session;
        match self.allowed(key, round).await? {
            Some(decision) => Ok(Some(decision)),
            None => self.decided(key, round).await,
        }
    }

    fn forced(&self, session: &Session, round: &Round) -> Option<Decision> {
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
        let decision = if round.before.is_empty() {
            decision
        } else {
            let results = self.results.results_since(key, round.turn).await?;
            saga::before_giving_up(&staff.bot, session, &round.before, &results, decision)
        };
        let mut decided = Decided::now(&self.runtime, decision);
        decided.terms.verdict = Intended::Other;
        self.write(start, session, round, decided, &staff).await
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
        Origin::Contact | Origin::Approval { .. } | Origin::Outcome { .. } => return None,
    };
    Some(Decision::Reply {
        text: message.text.clone(),
        by,
    })
}
