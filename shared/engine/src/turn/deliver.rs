//! `turn-deliver`: passes the gate, sends, settles.

use std::sync::Arc;

use super::settle::{Sender, Settler};
use super::{Carriers, DeliverInput, DeliverOutput, Parcel, Planned};
use crate::error::{Error, Kind};
use crate::event::{Event, Events};
use crate::goal::Unreached;
use crate::message::{Carrier, Delivery, DeliveryState, Reference, SendReport};
use crate::runtime::Stopwatch;
use crate::session::{Applied, Command, InvocationId, Refusal, Session};
use crate::transcript::{Decision, Outcomes, Settlement, Transcripts, Verdict};

/// Delivers the reply of a plan.
#[derive(Clone)]
pub struct Deliver {
    /// Settles the outbox after the send; brings runtime, sessions and leases.
    pub settler: Settler,
    /// Keeps transcript items.
    pub transcripts: Arc<dyn Transcripts>,
    /// Keeps how turns ended.
    pub outcomes: Arc<dyn Outcomes>,
    /// Finds the way out.
    pub carriers: Arc<dyn Carriers>,
    /// Tells watchers.
    pub events: Arc<dyn Events>,
    /// Ends goals that nobody heard of.
    pub unreached: Unreached,
}

/// What came of asking for the gate.
enum Gate {
    /// The turn is in the outbox of this session.
    Passed(Arc<Session>),
    /// A newer message, or a person, came first: the turn is to be thought of again.
    Overtaken,
    /// The run is not the session's any more.
    Lost,
}

impl Deliver {
    /// Delivers the reply of a plan unless the session is not ours any more.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn handle(&self, input: DeliverInput) -> Result<DeliverOutput, Error> {
        let DeliverInput { planned, parcel } = input;
        let key = &planned.start.session;
        let parcel = match parcel {
            Some(parcel) => parcel,
            None => self.read(&planned).await?,
        };
        let by = InvocationId::fresh(&self.settler.runtime);
        let begun = Stopwatch::start(&self.settler.runtime);
        let session = match self.pass_gate(&planned, &parcel, by).await? {
            Gate::Passed(session) => session,
            Gate::Overtaken => {
                return Ok(DeliverOutput::Round {
                    turn: planned.turn,
                    previous: planned.bound,
                    start: planned.start,
                });
            }
            Gate::Lost => return Ok(DeliverOutput::Stop),
        };
        let carrier = self.carriers.carrier(key).await;
        let (verdict, why) = match (&parcel.decision, carrier) {
            (Decision::Tools { .. }, _) => return Ok(DeliverOutput::Stop),
            (Decision::Failed { reason, apology }, carrier) => {
                self.settle(&planned, Verdict::Failed, reason).await?;
                if let Ok(Some(carrier)) = carrier {
                    self.send(&planned, &*carrier, apology, begun).await?;
                }
                (Verdict::Failed, reason.clone())
            }
            (
                Decision::Declined {
                    verdict,
                    reason,
                    text,
                },
                carrier,
            ) => {
                self.settle(&planned, *verdict, reason).await?;
                if let (Some(text), Ok(Some(carrier))) = (text, carrier) {
                    self.send(&planned, &*carrier, text, begun).await?;
                }
                (*verdict, reason.clone())
            }
            (Decision::Reply { .. }, Ok(None)) => (Verdict::Answered, String::new()),
            (Decision::Reply { text, .. }, Ok(Some(carrier))) => {
                let report = self.send(&planned, &*carrier, text, begun).await?;
                self.judge(&planned, &report).await?
            }
            (Decision::Reply { .. }, Err(error)) => {
                let why = error.to_string();
                self.settle(&planned, Verdict::Failed, &why).await?;
                (Verdict::Failed, why)
            }
        };
        if verdict == Verdict::Failed
            && let Err(error) = self.unreached.note(key, planned.turn, &why).await
        {
            // It then ends by time.
            tracing::warn!(error = %error.chain(), "a goal that nobody heard of could not be ended");
        }
        let output = self
            .settler
            .settle(&planned.start, planned.turn, Sender::Me(by), &session)
            .await?;
        self.settler.sessions.durable().await?;
        self.tell(&planned, &parcel, verdict);
        Ok(output)
    }

    async fn read(&self, planned: &Planned) -> Result<Parcel, Error> {
        let key = &planned.start.session;
        let record = self
            .transcripts
            .read(key, planned.turn, planned.plan)
            .await?;
        let record =
            record.ok_or_else(|| Error::new(Kind::Invalid, "the turn has no such plan"))?;
        Ok(Parcel::from(&*record))
    }

    /// Passes the gate on the parcel's terms.
    async fn pass_gate(
        &self,
        planned: &Planned,
        parcel: &Parcel,
        by: InvocationId,
    ) -> Result<Gate, Error> {
        let gate = Command::Gate {
            step: planned.step(),
            chain: planned.chain(),
            from: parcel.from,
            upto: parcel.upto,
            by,
            until: self.settler.runtime.now().plus(self.settler.timing.lease),
            terms: parcel.terms,
        };
        Ok(
            match self
                .settler
                .sessions
                .apply(&planned.start.session, gate)
                .await?
            {
                Applied::Done(session) => Gate::Passed(session),
                Applied::Refused(_, session)
                    if session.out.as_ref().is_some_and(|out| out.by == by) =>
                {
                    Gate::Passed(session)
                }
                Applied::Refused(Refusal::Superseded | Refusal::HandedOff, _) => Gate::Overtaken,
                Applied::Refused(..) => Gate::Lost,
            },
        )
    }

    /// Sends within the time an effect may take and writes down what became of each part.
    async fn send(
        &self,
        planned: &Planned,
        carrier: &dyn Carrier,
        text: &str,
        begun: Stopwatch,
    ) -> Result<SendReport, Error> {
        let runtime = &self.settler.runtime;
        let key = &planned.start.session;
        self.settler.sessions.durable().await?;
        let limit = self
            .settler
            .timing
            .effect
            .saturating_sub(begun.spent(runtime));
        let reference = Reference {
            session: key.clone(),
            turn: planned.turn,
            part: 0,
        };
        let sending = carrier.send(&reference, text);
        let report = match runtime.while_there_is_time(limit, sending).await {
            Ok(report) => report,
            Err(_) => vec![Delivery {
                part: 0,
                state: DeliveryState::Unconfirmed,
                provider_id: None,
                error: Some("the carrier did not answer in time".to_owned()),
                at: runtime.now(),
            }],
        };
        for delivery in &report {
            self.outcomes
                .deliver(key, planned.turn, delivery.clone())
                .await?;
        }
        Ok(report)
    }

    /// The verdict that a send report amounts to, and why; written down unless it is `answered`.
    async fn judge(
        &self,
        planned: &Planned,
        report: &SendReport,
    ) -> Result<(Verdict, String), Error> {
        let with = |state| report.iter().find(|delivery| delivery.state == state);
        let (verdict, delivery) = match (
            with(DeliveryState::Unconfirmed),
            with(DeliveryState::Failed),
        ) {
            (Some(delivery), _) => (Verdict::Unconfirmed, delivery),
            (None, Some(delivery)) => (Verdict::Failed, delivery),
            (None, None) => return Ok((Verdict::Answered, String::new())),
        };
        let reason = delivery
            .error
            .as_deref()
            .unwrap_or("the carrier gave no reason");
        self.settle(planned, verdict, reason).await?;
        Ok((verdict, reason.to_owned()))
    }

    async fn settle(&self, planned: &Planned, verdict: Verdict, reason: &str) -> Result<(), Error> {
        let settlement = Settlement {
            verdict,
            reason: reason.to_owned(),
            at: self.settler.runtime.now(),
        };
        self.outcomes
            .settle(&planned.start.session, planned.turn, settlement)
            .await?;
        Ok(())
    }

    fn tell(&self, planned: &Planned, parcel: &Parcel, verdict: Verdict) {
        let (key, turn) = (&planned.start.session, planned.turn);
        if let Some(text) = parcel.decision.words() {
            let seq = parcel.upto + turn;
            self.events.publish(
                key,
                Event::Reply {
                    turn,
                    seq,
                    text: text.to_owned(),
                    by: parcel.decision.person().map(str::to_owned),
                },
            );
        }
        self.events.publish(key, Event::TurnEnded { turn, verdict });
    }
}
