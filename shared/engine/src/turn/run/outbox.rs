//! What to do with an outbox that a dead hold left behind.

use std::sync::Arc;

use super::Run;
use crate::error::Error;
use crate::message::{Delivery, DeliveryState};
use crate::session::{Out, Session, SessionKey};
use crate::transcript::{Decision, Settlement, Verdict};
use crate::turn::settle::{Sender, Settler};
use crate::turn::{DeliverOutput, TurnStart};

/// Characters that fit one part on every channel.
const ONE_PART: usize = 160;

impl Run {
    /// The session with an empty outbox, or nothing when the run is to end.
    pub(super) async fn clear_outbox(
        &self,
        start: &TurnStart,
        session: Arc<Session>,
    ) -> Result<Option<Arc<Session>>, Error> {
        let Some(out) = session.out.clone() else {
            return Ok(Some(session));
        };
        if out.fence >= start.hold.fence {
            return Ok(None);
        }
        self.judge(&start.session, &out).await?;
        let settler = Settler {
            runtime: self.runtime.clone(),
            sessions: Arc::clone(&self.sessions),
            spill: Arc::clone(&self.spill),
            timing: self.timing,
            herald: self.herald.clone(),
        };
        match settler
            .settle(start, out.turn, Sender::EarlierHold, &session)
            .await?
        {
            DeliverOutput::Round { .. } => Ok(Some(self.sessions.load(&start.session).await?)),
            DeliverOutput::Stop => Ok(None),
        }
    }

    /// Writes the verdict of a turn whose sender died, unless it is `answered` whatever happened: then the
    /// reply is a row of ours. What is decided by evidence is written even when it is `answered`, so that a
    /// second run that finds other evidence cannot decide otherwise.
    async fn judge(&self, key: &SessionKey, out: &Out) -> Result<(), Error> {
        let record = self.transcripts.read(key, out.turn, out.plan).await?;
        let (verdict, reason) = match record.as_ref().map(|record| &record.decision) {
            Some(Decision::Failed { reason, .. }) => (Verdict::Failed, reason.clone()),
            Some(Decision::Declined {
                verdict, reason, ..
            }) => (*verdict, reason.clone()),
            _ if matches!(self.carriers.carrier(key).await, Ok(None)) => return Ok(()),
            Some(Decision::Reply { text, .. }) => self.evidence(key, out, text).await?,
            Some(Decision::Tools { .. }) | None => self.unconfirmed(key, out).await?,
        };
        let settlement = Settlement {
            verdict,
            reason,
            at: self.runtime.now(),
        };
        self.outcomes.settle(key, out.turn, settlement).await?;
        Ok(())
    }

    /// What the carrier has told of a send that nobody saw finish.
    async fn evidence(
        &self,
        key: &SessionKey,
        out: &Out,
        text: &str,
    ) -> Result<(Verdict, String), Error> {
        let deliveries = self.outcomes.deliveries_since(key, out.turn).await?;
        let parts = deliveries
            .get(&out.turn)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if parts.iter().any(|part| part.state == DeliveryState::Failed) {
            let reason = "the carrier refused the reply";
            return Ok((Verdict::Failed, reason.to_owned()));
        }
        // Of a longer reply, later parts may not have been sent.
        let whole = text.chars().count() <= ONE_PART;
        let taken = |part: &Delivery| part.state > DeliveryState::Unconfirmed;
        if whole && parts.first().is_some_and(taken) {
            let reason = "the carrier says that it took the reply";
            return Ok((Verdict::Answered, reason.to_owned()));
        }
        self.unconfirmed(key, out).await
    }

    async fn unconfirmed(&self, key: &SessionKey, out: &Out) -> Result<(Verdict, String), Error> {
        let reason = "the process that sent the reply died before it saw the carrier's answer";
        let delivery = Delivery {
            part: 0,
            state: DeliveryState::Unconfirmed,
            provider_id: None,
            error: Some(reason.to_owned()),
            at: self.runtime.now(),
        };
        self.outcomes.deliver(key, out.turn, delivery).await?;
        Ok((Verdict::Unconfirmed, reason.to_owned()))
    }
}
