//! Parked turns in a queue, where people see them, are alarmed by them and give them another try.

use engine::error::{Error, Kind};
use engine::session::SessionKey;
use engine::transcript::Settlement;
use serde::{Deserialize, Serialize};

/// The queue of parked turns: the dead-letter queue of the one that accepts their messages again.
#[derive(Clone, Debug)]
pub struct Parked {
    /// Speaks with SQS.
    pub client: aws_sdk_sqs::Client,
    /// The queue's URL.
    pub queue: String,
}

/// A message of the queue: which turn is parked. What was said lies in the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedTurn {
    /// The session.
    pub session: SessionKey,
    /// The turn.
    pub turn: u64,
    /// Why, for the operator.
    #[serde(default)]
    pub reason: String,
}

impl Parked {
    pub(crate) async fn park(
        &self,
        key: &SessionKey,
        turn: u64,
        settlement: &Settlement,
    ) -> Result<(), Error> {
        let unqueued = || Error::new(Kind::Unavailable, "a parked turn could not be queued");
        let parked = ParkedTurn {
            session: key.clone(),
            turn,
            reason: settlement.reason.clone(),
        };
        let body = serde_json::to_string(&parked).map_err(|error| unqueued().because(error))?;
        let send = self.client.send_message().queue_url(&self.queue);
        let sent = send.message_body(body).send().await;
        sent.map(drop).map_err(|error| unqueued().because(error))
    }
}
