//! Goals whose contact the bot's first words did not reach.

use std::sync::Arc;

use super::Goals;
use crate::error::Error;
use crate::session::{Origin, SessionKey};
use crate::transcript::Transcripts;

/// Ends goals that nobody heard of.
#[derive(Clone)]
pub struct Unreached {
    /// Keeps goals.
    pub goals: Goals,
    /// Knows what turns were about.
    pub transcripts: Arc<dyn Transcripts>,
}

impl Unreached {
    /// Ends the goal that a turn brought up, if it did: what it said came to nobody, and nobody will answer.
    ///
    /// # Errors
    /// When a store failed, or the run could not be told.
    pub async fn note(&self, session: &SessionKey, turn: u64, why: &str) -> Result<(), Error> {
        let records = self.transcripts.since(session, turn).await?;
        let records = records.iter().filter(|record| record.turn == turn);
        for taken in records.flat_map(|record| &record.messages) {
            if let Origin::Goal { id } = &taken.origin {
                let why = format!("the contact was not reached: {why}");
                self.goals.end(session, id, &why).await?;
            }
        }
        Ok(())
    }
}
