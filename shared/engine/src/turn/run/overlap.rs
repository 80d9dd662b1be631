//! What a running turn does with messages that came after it began.

use super::reflex::Reflex;
use super::unthought::is_together;
use super::{Round, Run};
use crate::brain::{Interrupt, Meeting as Met};
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
    /// Whether a newer message would stop the turn before its commit point. A message that must wait for a
    /// turn of its own, and was there before this round began, does not.
    pub(super) fn is_calm(
        &self,
        key: &SessionKey,
        session: &Session,
        round: &Round,
        staff: &Staff,
    ) -> bool {
        let policy = staff.bot.overlap.policy(key.tenant(), key.channel());
        policy == Overlap::Supersede
            && !round.is_alone()
            && session.arrivals == round.upto
            && self.is_patient(round, staff)
    }

    /// Whether the oldest message of the turn may be kept waiting for newer ones.
    fn is_patient(&self, round: &Round, staff: &Staff) -> bool {
        let waited = round.since().map(|since| self.runtime.now().since(since));
        waited.is_some_and(|waited| waited < staff.bot.overlap.patience)
    }

    /// What becomes of a turn at a tool boundary.
    pub(super) async fn meet(
        &self,
        key: &SessionKey,
        session: &Session,
        round: &Round,
        staff: &Staff,
    ) -> Meeting {
        let reflex = Reflex::new(&staff.bot, key);
        let joining = newer(session, round.upto, reflex).next().is_some();
        let alone = round.is_alone() || self.takes_one(session);
        if !joining || alone || session.commit == Some(round.turn) {
            return Meeting::Nothing;
        }
        let free = session.plan.is_none();
        let patient = self.is_patient(round, staff);
        match self
            .choose(key, session, round, staff, Interrupt::ToolBoundary)
            .await
        {
            Overlap::Supersede | Overlap::AbsorbRestart if patient && free => Meeting::Again,
            Overlap::Absorb | Overlap::AbsorbRestart => Meeting::Join { finish: false },
            Overlap::Supersede if patient => Meeting::Undo,
            Overlap::ForceComplete => Meeting::Join { finish: true },
            Overlap::Queue | Overlap::Supersede => Meeting::Nothing,
        }
    }

    /// The policy, or what the brain prefers to it. A brain is not asked where messages queue.
    pub(super) async fn choose(
        &self,
        key: &SessionKey,
        session: &Session,
        round: &Round,
        staff: &Staff,
        at: Interrupt,
    ) -> Overlap {
        let policy = staff.bot.overlap.policy(key.tenant(), key.channel());
        if policy == Overlap::Queue {
            return policy;
        }
        let running = round.before.iter().flat_map(|record| &record.messages);
        let running: Vec<Taken> = running.chain(&round.messages).cloned().collect();
        let newer: Vec<Taken> = newer(session, round.upto, Reflex::new(&staff.bot, key)).collect();
        if newer.is_empty() {
            return policy;
        }
        let met = Met {
            bot: &staff.bot,
            running: &running,
            newer: &newer,
            at,
        };
        staff.brain.overlap(met).await.unwrap_or(policy)
    }
}

impl Round {
    /// Takes in what the contact wrote since.
    pub(super) fn join(&mut self, session: &Session, reflex: Reflex<'_>, finish: bool) {
        let joining: Vec<Taken> = newer(session, self.upto, reflex).collect();
        self.upto += joining.len() as u64;
        self.messages.extend(joining);
        self.finish |= finish;
    }
}

/// The contact's messages after arrival number `upto`, up to the first that must be taken alone.
fn newer<'a>(
    session: &'a Session,
    upto: u64,
    reflex: Reflex<'a>,
) -> impl Iterator<Item = Taken> + 'a {
    let taken = usize::try_from((upto + 1).saturating_sub(session.head())).unwrap_or(usize::MAX);
    let waiting = session.inbox.iter().skip(taken);
    waiting
        .take_while(move |message| is_together(message) && !reflex.is_word(session, message))
        .map(|message| Taken::of(message, false))
}
