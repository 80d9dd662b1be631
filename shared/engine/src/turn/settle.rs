//! Ends a turn: settles the outbox, forgets old message ids, lets go or goes round.

use std::sync::Arc;

use super::{DeliverOutput, Spill, Timing, TurnStart};
use crate::bus::Herald;
use crate::error::Error;
use crate::runtime::Runtime;
use crate::session::{
    Applied, Command, InvocationId, Next, Refusal, Rotate, SEEN_CAPACITY, Session, Sessions,
};

/// Settles outboxes.
#[derive(Clone)]
pub struct Settler {
    /// Time.
    pub runtime: Runtime,
    /// Keeps sessions.
    pub sessions: Arc<dyn Sessions>,
    /// Keeps message hashes that fall out of the session.
    pub spill: Arc<dyn Spill>,
    /// Leases.
    pub timing: Timing,
    /// Tells of turns that are over.
    pub herald: Herald,
}

/// Whose outbox is settled.
#[derive(Clone, Copy)]
pub(super) enum Sender {
    /// This invocation's.
    Me(InvocationId),
    /// A dead hold's.
    EarlierHold,
}

impl Settler {
    /// Settles `turn`, which stands in the outbox of `session`.
    pub(super) async fn settle(
        &self,
        start: &TurnStart,
        turn: u64,
        sender: Sender,
        session: &Session,
    ) -> Result<DeliverOutput, Error> {
        if let Some(out) = &session.out {
            let now = self.runtime.now();
            self.herald.turn_completed(&start.session, out, now).await?;
        }
        let rotate = self.make_room(start, session).await?;
        let round = Next::Round(self.runtime.now().plus(self.timing.lease));
        let first = if session.inbox.is_empty() {
            Next::Free
        } else {
            round
        };
        let applied = match self.apply(start, turn, sender, first, rotate).await? {
            Applied::Refused(Refusal::Waiting, _) => {
                self.apply(start, turn, sender, round, rotate).await?
            }
            applied => applied,
        };
        let session = match applied {
            Applied::Done(session) => session,
            // Only this invocation can settle its outbox: a write that seemed lost had succeeded.
            Applied::Refused(Refusal::NotInOutbox, session)
                if matches!(sender, Sender::Me(_)) && has_settled(&session, turn) =>
            {
                session
            }
            Applied::Refused(..) => return Ok(DeliverOutput::Stop),
        };
        Ok(if session.hold() == Some(start.hold) {
            DeliverOutput::Round {
                start: start.clone(),
                turn: turn + 1,
                previous: None,
            }
        } else {
            DeliverOutput::Stop
        })
    }

    /// Spills the older generation of message hashes when the younger one is full.
    async fn make_room(&self, start: &TurnStart, session: &Session) -> Result<Rotate, Error> {
        let Some(hashes) = session.to_spill(SEEN_CAPACITY) else {
            return Ok(Rotate::No);
        };
        if !hashes.is_empty() {
            self.spill.spill(&start.session, hashes).await?;
        }
        Ok(Rotate::Spilled)
    }

    async fn apply(
        &self,
        start: &TurnStart,
        turn: u64,
        sender: Sender,
        next: Next,
        rotate: Rotate,
    ) -> Result<Applied, Error> {
        let hold = start.hold;
        let command = match sender {
            Sender::Me(by) => Command::Finish {
                hold,
                turn,
                by,
                next,
                rotate,
            },
            Sender::EarlierHold => Command::Recover {
                hold,
                turn,
                next,
                rotate,
            },
        };
        self.sessions.apply(&start.session, command).await
    }
}

/// Whether `turn` is the last one that was settled, with nothing in the outbox since.
fn has_settled(session: &Session, turn: u64) -> bool {
    session.out.is_none() && session.last.is_some_and(|last| last.turn == turn)
}
