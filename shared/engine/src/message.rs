//! What arrives from a channel and what leaves through one.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::runtime::Time;
use crate::session::SessionKey;

/// The ways in and out.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Web chat, the HTTP surface and the terminal.
    Web,
    /// Twilio SMS.
    Sms,
    /// WhatsApp Cloud API.
    Whatsapp,
    /// None: a run of a workflow, to which nobody can write.
    Run,
}

impl Channel {
    /// Every channel that people write on.
    pub const ALL: [Self; 3] = [Self::Web, Self::Sms, Self::Whatsapp];

    /// The name used in session ids, configuration and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Sms => "sms",
            Self::Whatsapp => "whatsapp",
            Self::Run => "run",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Channel {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.name() == name)
            .ok_or(())
    }
}

/// What one webhook delivery holds, in the provider's order.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// A contact wrote.
    Message(Inbound),
    /// A carrier tells what became of something we sent.
    Status(DeliveryStatus),
}

/// A message from a contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Inbound {
    /// The provider's id of the message; the same for every delivery of it.
    pub id: String,
    /// Where it came in.
    pub channel: Channel,
    /// Who wrote: an E.164 number for phones.
    pub contact: String,
    /// What they wrote; media appear as placeholders such as `[image: a cat]`.
    pub text: String,
}

/// A carrier's report on one message of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryStatus {
    /// Our own reference, which we gave the carrier with the message.
    pub reference: Reference,
    /// The carrier's id of the message.
    pub provider_id: String,
    /// What became of it.
    pub state: DeliveryState,
    /// The carrier's error code and text, when it failed.
    pub error: Option<String>,
}

/// Names one part of one reply, in words a carrier hands back to us.
///
/// Written `<tenant>/<bot>/<channel>:<contact>#<turn>.<part>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The session replied in.
    pub session: SessionKey,
    /// The turn whose reply it is.
    pub turn: u64,
    /// Which part of a reply split for its channel, from 0.
    pub part: u32,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}.{}", self.session, self.turn, self.part)
    }
}

impl FromStr for Reference {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (session, place) = text.rsplit_once('#').ok_or(())?;
        let (turn, part) = place.split_once('.').ok_or(())?;
        Ok(Self {
            session: session.parse().map_err(|_| ())?,
            turn: turn.parse().map_err(|_| ())?,
            part: part.parse().map_err(|_| ())?,
        })
    }
}

/// How far a message of ours is known to have come. Later states are greater.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Handed to the carrier, or perhaps not: nobody saw the send finish.
    Unconfirmed,
    /// The carrier took it.
    Sent,
    /// It will not arrive.
    Failed,
    /// It reached the contact's device.
    Delivered,
    /// The contact opened it.
    Read,
}

/// What became of one part of a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Which part, from 0.
    pub part: u32,
    /// How far it came.
    pub state: DeliveryState,
    /// The carrier's id, when it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Why it failed or is unconfirmed, for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When this was learnt.
    pub at: Time,
}

/// The carrier's answer to a whole reply: every part that was tried, in order.
///
/// Parts after the first that was not `Sent` are not tried and not listed.
pub type SendReport = Vec<Delivery>;

/// Sends replies out through one channel account.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// Renders `text` for the channel and sends its parts in order, each with its own reference.
    /// `reference.part` is ignored. Bounded in time by the caller, who drops the future.
    async fn send(&self, reference: &Reference, text: &str) -> SendReport;
}
