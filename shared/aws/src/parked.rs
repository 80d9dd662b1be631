//! Parked turns in a queue, where people see them, are alarmed by them and give them another try.

use engine::error::{Error, Kind};
use engine::session::SessionKey;
use engine::transcript::Settlement;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::call::Service;

/// The queue of parked turns: the dead-letter queue of the one that accepts their messages again.
#[derive(Clone, Debug)]
pub struct Parked {
    pub(crate) service: Service,
    /// The queue's URL.
    pub(crate) queue: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage<'a> {
    queue_url: &'a str,
    message_body: String,
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
        let send = SendMessage {
            queue_url: &self.queue,
            message_body: body,
        };
        let target = "AmazonSQS.SendMessage";
        let sent = self.service.ask::<IgnoredAny>(target, &send).await;
        sent.map(drop).map_err(|error| unqueued().because(error))
    }
}
