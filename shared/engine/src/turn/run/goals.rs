//! What a turn knows of the goals that workflows have in its session, and what it makes of one whose contact it does not
//! speak to.

use super::{Round, Run};
use crate::bot::Bot;
use crate::error::Error;
use crate::goal::{self, Goal, Goals};
use crate::reminder;
use crate::runtime::Time;
use crate::session::{Origin, SessionKey};
use crate::transcript::{Decision, Verdict};

impl Run {
    /// The goals of the session. Nothing is read for a bot that has none.
    pub(super) async fn goals(&self, key: &SessionKey, bot: &Bot) -> Result<Vec<Goal>, Error> {
        match goal::may_have(bot) {
            true => Goals::from(&self.desk).of(key).await,
            false => Ok(Vec::new()),
        }
    }

    /// The decision of a turn that was to speak about a goal, if it says nothing of its own: nobody pursues the goal
    /// then, so the run need not wait for it, and who asked nothing is told no excuse. Other decisions are as they were.
    pub(super) async fn unasked(
        &self,
        key: &SessionKey,
        round: &Round,
        decision: Decision,
    ) -> Result<Decision, Error> {
        let Some(Origin::Goal { id }) = round.origin() else {
            return Ok(decision);
        };
        let (verdict, reason) = match decision {
            Decision::Declined {
                verdict, reason, ..
            } => (verdict, reason),
            Decision::Failed { reason, .. } => (Verdict::Failed, reason),
            Decision::Reply { .. } | Decision::Tools { .. } => return Ok(decision),
        };
        let why = format!("the bot could not speak: {reason}");
        Goals::from(&self.desk).end(key, id, &why).await?;
        Ok(Decision::Declined {
            verdict,
            reason,
            text: None,
        })
    }
}

/// What the brain is told of the present: the time where it matters, and which goals are open.
pub(super) fn present(
    bot: &Bot,
    session: &SessionKey,
    goals: &[Goal],
    now: Time,
) -> Option<String> {
    let told = [reminder::present(bot, session, now), goal::present(goals)];
    let told: Vec<String> = told.into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join("\n"))
}
