//! What a running turn does with messages that came after it began.

use super::unthought::is_together;
use super::{Round, Run};
use crate::error::Error;
use crate::overlap::Overlap;
use crate::session::{Session, SessionKey};
use crate::transcript::Taken;
use crate::turn::Staff;

/// What a turn does at a tool boundary.
pub(super) enum Meeting {
    /// Go on: nothing came, or it waits.
    Nothing,
    /// Think again from the start, with all messages.
    Again,
    /// Undo what the turn has done, then think again with all messages.
    Undo,
    /// Take the messages in and go on.
    Join {
        /// Without calling more tools.
        finish: bool,
    },
}

impl Run {
    /// Whether a newer message would stop the turn before its commit point.
    pub(super) fn is_patient(&self, key: &SessionKey, round: &Round, staff: &Staff) -> bool {
        let settings = &staff.bot.overlap;
        let waited = round.since().map(|since| self.runtime.now().since(since));
        !round.is_alone()
            && settings.policy(key.tenant(), key.channel()) == Overlap::Supersede
            && waited.is_some_and(|waited| waited < settings.patience)
    }

    pub(super) async fn meet(
        &self,
        key: &SessionKey,
        session: &Session,
        round: &Round,
    ) -> Result<Meeting, Error> {
        let joining = newer(session, round.upto).next().is_some();
        if !joining || round.is_alone() || session.commit == Some(round.turn) {
            return Ok(Meeting::Nothing);
        }
        let staff = self.crew.staff(key.tenant(), key.bot()).await?;
        let free = session.plan.is_none();
        let patient = self.is_patient(key, round, &staff);
        let policy = staff.bot.overlap.policy(key.tenant(), key.channel());
        Ok(match policy {
            Overlap::Supersede if patient && free => Meeting::Again,
            Overlap::AbsorbRestart if free => Meeting::Again,
            Overlap::Absorb | Overlap::AbsorbRestart => Meeting::Join { finish: false },
            Overlap::Supersede if patient => Meeting::Undo,
            Overlap::ForceComplete => Meeting::Join { finish: true },
            Overlap::Queue | Overlap::Supersede => Meeting::Nothing,
        })
    }
}

impl Round {
    /// Takes in what the contact wrote since.
    pub(super) fn join(&mut self, session: &Session, finish: bool) {
        let joining: Vec<Taken> = newer(session, self.upto).collect();
        self.upto += joining.len() as u64;
        self.messages.extend(joining);
        self.finish |= finish;
    }
}

/// The contact's messages after arrival number `upto`, up to the first that must be taken alone.
fn newer(session: &Session, upto: u64) -> impl Iterator<Item = Taken> + '_ {
    let taken = usize::try_from((upto + 1).saturating_sub(session.head())).unwrap_or(usize::MAX);
    let waiting = session.inbox.iter().skip(taken);
    waiting
        .take_while(|message| is_together(message))
        .map(|message| Taken::of(message, false))
}
