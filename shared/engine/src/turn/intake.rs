//! What reaches a bot: a message starts a turn, a carrier's report becomes a delivery record.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Accept, Letter, Receipt, TurnStart};
use crate::error::{Error, Kind};
use crate::message::{Arrival, Delivery, DeliveryStatus};
use crate::session::SessionKey;
use crate::transcript::Outcomes;

/// Starts `statemachines/turn.asl.json`.
#[async_trait]
pub trait Turns: Send + Sync {
    /// Starts a turn and returns without waiting for it. One that runs already may be started again: what
    /// it does is fenced.
    ///
    /// # Errors
    /// When it could not be started; its hold then ends with its lease.
    async fn start(&self, turn: TurnStart) -> Result<(), Error>;
}

/// Takes in messages and reports.
#[derive(Clone)]
pub struct Intake {
    /// Takes messages in; brings time and sessions.
    pub accept: Accept,
    /// Keeps what carriers say of each part.
    pub outcomes: Arc<dyn Outcomes>,
    /// Starts turns.
    pub turns: Arc<dyn Turns>,
}

impl Intake {
    /// Takes a message of the contact in; returns once it is durable. Its turn runs beside the caller.
    ///
    /// # Errors
    /// What [`Accept::handle`] says, then nothing is stored; or when the turn could not be started: the
    /// message is stored then, and the same one sent again starts it.
    pub async fn post(&self, key: &SessionKey, id: &str, text: &str) -> Result<Receipt, Error> {
        self.take(key, Letter::of_contact(id, text)).await
    }

    /// Takes in a message from whomever; returns once it is durable. Its turn runs beside the caller.
    ///
    /// # Errors
    /// As [`Intake::post`].
    pub async fn take(&self, key: &SessionKey, message: Letter<'_>) -> Result<Receipt, Error> {
        let accepted = self.accept.handle(key, message).await?;
        if let Some(turn) = accepted.start {
            self.turns.start(turn).await?;
        }
        self.accept.sessions.durable().await?;
        Ok(accepted.receipt)
    }

    /// Takes in what a carrier's webhook held; returns once it is durable.
    ///
    /// # Errors
    /// The first failure; the carrier then delivers the webhook again, and what was taken is recognised.
    pub async fn receive(
        &self,
        tenant: &str,
        bot: &str,
        arrivals: Vec<Arrival>,
    ) -> Result<(), Error> {
        for arrival in arrivals {
            match arrival {
                Arrival::Message(message) => {
                    let key = SessionKey::new(tenant, bot, message.channel, &message.contact)
                        .map_err(|bad| Error::new(Kind::Invalid, bad.to_string()))?;
                    self.post(&key, &message.id, &message.text).await?;
                }
                Arrival::Status(status) => self.note(status).await?,
            }
        }
        self.accept.sessions.durable().await
    }

    async fn note(&self, status: DeliveryStatus) -> Result<(), Error> {
        let delivery = Delivery {
            part: status.reference.part,
            state: status.state,
            provider_id: Some(status.provider_id),
            error: status.error,
            at: self.accept.runtime.now(),
        };
        let reference = status.reference;
        self.outcomes
            .deliver(&reference.session, reference.turn, delivery)
            .await
    }
}
