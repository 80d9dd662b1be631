//! A person gives parked messages another try.

use std::sync::Arc;

use super::{Intake, Receipt};
use crate::error::{Error, Kind};
use crate::session::{SessionKey, hash64};
use crate::transcript::{Outcomes, Transcripts, Verdict, conversation};

/// Accepts the messages of a parked turn again.
#[derive(Clone)]
pub struct Redrive {
    /// Takes messages in; brings sessions.
    pub intake: Intake,
    /// Keeps transcript items.
    pub transcripts: Arc<dyn Transcripts>,
    /// Keeps how turns ended.
    pub outcomes: Arc<dyn Outcomes>,
}

/// What became of the messages of a parked turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redriven {
    /// Messages that will be answered.
    pub accepted: usize,
    /// Messages that an earlier redrive of the same turn had accepted.
    pub duplicates: usize,
}

impl Redrive {
    /// Accepts the messages of `turn` again, each once however often this is called.
    ///
    /// # Errors
    /// `Invalid` when the turn is not parked, and what [`Intake::post`] says.
    pub async fn handle(&self, key: &SessionKey, turn: u64) -> Result<Redriven, Error> {
        let settlements = self.outcomes.settlements_since(key, turn).await?;
        let parked = settlements.get(&turn).is_some_and(|settlement| {
            matches!(settlement.verdict, Verdict::Failed | Verdict::Unconfirmed)
        });
        let not_parked = || {
            let message = format!("turn {turn} of {key} is not parked, so it cannot be redriven");
            Error::new(Kind::Invalid, message)
        };
        if !parked {
            return Err(not_parked());
        }
        let session = self.intake.accept.sessions.load(key).await?;
        let records = self.transcripts.since(key, turn).await?;
        let turns = conversation(&session, &records);
        let parked = turns
            .iter()
            .find(|found| found.last().turn == turn)
            .ok_or_else(not_parked)?;
        let mut redriven = Redriven::default();
        let messages = parked.messages().map(|(_, taken)| taken);
        for message in messages.filter(|taken| !taken.repeat && taken.origin.is_contact()) {
            let id = format!("redrive:{turn}:{:016x}", hash64(&[&message.id]));
            match self.intake.post(key, &id, &message.text).await? {
                Receipt::Accepted => redriven.accepted += 1,
                Receipt::Duplicate => redriven.duplicates += 1,
            }
        }
        Ok(redriven)
    }
}
