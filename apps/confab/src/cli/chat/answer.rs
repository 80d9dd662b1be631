//! One message and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use engine::event::Event;
use engine::session::SessionKey;
use engine::transcript::{Outcomes as _, Transcripts as _, Verdict};
use engine::view::{MessageVerdict, TurnTrace};

use super::voice::Voice;
use crate::cli::failure::Failure;
use crate::host::{Host, Watch};

/// How often the trace is read when the events could not be followed.
const PAUSE: Duration = Duration::from_millis(200);

/// One message and what comes of it.
pub(super) struct Exchange<'a> {
    pub(super) host: &'a Arc<Host>,
    pub(super) key: &'a SessionKey,
    pub(super) voice: &'a mut Voice,
}

impl Exchange<'_> {
    /// Says `text` and shows the answer; inside, why there is none.
    pub(super) async fn say(self, text: &str) -> Result<Result<(), String>, Failure> {
        let watch = self.host.hub().watch(self.key);
        let id = self.host.runtime().new_id().to_string();
        match self.host.intake().post(self.key, &id, text).await {
            Ok(_) => self.follow(watch, &id).await,
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    /// Shows what happens until the message `id` is settled; inside, why it was not answered.
    pub(super) async fn follow(
        mut self,
        mut watch: Watch,
        id: &str,
    ) -> Result<Result<(), String>, Failure> {
        while let Some(event) = watch.next().await {
            self.voice.hear(&event)?;
            if let Event::TurnEnded { turn, verdict } = event
                && self.has_taken(turn, id).await?
            {
                return self.judge(turn, verdict).await;
            }
        }
        self.catch_up(id).await?;
        Ok(Ok(()))
    }

    /// Whether `turn` settled the message.
    async fn has_taken(&self, turn: u64, id: &str) -> Result<bool, Failure> {
        let records = self.host.store().since(self.key, turn).await?;
        let mut taken = records
            .iter()
            .filter(|record| record.turn == turn)
            .flat_map(|record| &record.messages);
        Ok(taken.any(|message| message.id == id))
    }

    async fn judge(&self, turn: u64, verdict: Verdict) -> Result<Result<(), String>, Failure> {
        if verdict == Verdict::Answered {
            return Ok(Ok(()));
        }
        let mut settlements = self.host.store().settlements_since(self.key, turn).await?;
        let reason = settlements
            .remove(&turn)
            .map(|settlement| settlement.reason);
        Ok(Err(reason.unwrap_or_else(|| {
            "the message was not answered".to_owned()
        })))
    }

    /// Waits for the end of a turn whose events came faster than they could be shown.
    async fn catch_up(&mut self, id: &str) -> Result<(), Failure> {
        self.voice.end_line()?;
        loop {
            let trace = self.host.view().trace(self.key).await?;
            let settled = |turn: &&TurnTrace| {
                turn.verdict != MessageVerdict::Pending
                    && turn.messages.iter().any(|taken| taken == id)
            };
            if let Some(turn) = trace.turns.iter().find(settled) {
                if let Some(text) = turn.reply.clone() {
                    let event = Event::Reply {
                        turn: turn.turn,
                        seq: 0,
                        text,
                        by: None,
                    };
                    self.voice.hear(&event)?;
                }
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
