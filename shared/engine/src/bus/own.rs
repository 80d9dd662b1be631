//! What Confab tells of itself. Names, versions and members are a stable contract: members are added, never changed.

use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::BusEvent;
use crate::error::{Error, Kind};
use crate::message::Channel;
use crate::runtime::Time;
use crate::session::SessionKey;
use crate::transcript::Verdict;
use crate::view::Role;

/// The names of all of them.
pub const OWN: [&str; 3] = [
    TurnCompleted::NAME,
    SessionClosed::NAME,
    ApprovalDecided::NAME,
];

/// Data of an event of Confab's own.
pub(super) trait Own: Serialize {
    const NAME: &'static str;
    const VERSION: u32 = 1;
}

/// A turn that took a contact's message is over.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TurnCompleted {
    /// The session.
    pub session: SessionKey,
    /// Its channel.
    pub channel: Channel,
    /// Who wrote.
    pub contact: String,
    /// The turn's number in the session.
    pub turn: u64,
    /// How it ended.
    pub verdict: Verdict,
    /// What the contact wrote in it, and what they were answered, oldest first.
    pub said: Vec<Said>,
}

/// A conversation was closed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SessionClosed {
    /// The session.
    pub session: SessionKey,
    /// Its channel.
    pub channel: Channel,
    /// Whom it was with.
    pub contact: String,
    /// Its turns so far, those of earlier conversations included.
    pub turns: u64,
    /// The end of the conversation, oldest first: at most 100 messages of at most 1,000 characters.
    pub said: Vec<Said>,
}

/// A question was answered, or ran out, or needs no answer any more.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ApprovalDecided {
    /// The approval.
    pub approval: String,
    /// Where it was asked: a session, or a run's place.
    pub session: SessionKey,
    /// The tool or the step that asked.
    pub tool: String,
    /// `granted`, `denied`, `expired` or `withdrawn`.
    pub answer: &'static str,
    /// Who said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in their words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Said {
    /// Who wrote it.
    pub role: Role,
    /// What.
    pub text: String,
    /// When.
    pub at: Time,
}

impl Own for TurnCompleted {
    const NAME: &'static str = "turn.completed";
}

impl Own for SessionClosed {
    const NAME: &'static str = "session.closed";
}

impl Own for ApprovalDecided {
    const NAME: &'static str = "approval.decided";
}

/// The data of every event of Confab's own, by the event's name, as JSON Schema.
#[must_use]
pub fn schema() -> Value {
    let mut schemas = SchemaGenerator::default();
    let data = [
        (
            TurnCompleted::NAME,
            schemas.subschema_for::<TurnCompleted>(),
        ),
        (
            SessionClosed::NAME,
            schemas.subschema_for::<SessionClosed>(),
        ),
        (
            ApprovalDecided::NAME,
            schemas.subschema_for::<ApprovalDecided>(),
        ),
    ];
    let properties: Map<String, Value> = data
        .into_iter()
        .map(|(name, data)| (name.to_owned(), data.to_value()))
        .collect();
    json!({
        "title": "Events",
        "description": "What `$trigger.data` holds, by the event's name; version 1 of each.",
        "type": "object",
        "properties": properties,
        "$defs": schemas.take_definitions(true),
    })
}

/// An event of Confab's own about `session`, named by what it tells of.
pub(super) fn event<D: Own>(
    session: &SessionKey,
    id: String,
    at: Time,
    data: &D,
) -> Result<BusEvent, Error> {
    let data = serde_json::to_value(data)
        .map_err(|error| Error::new(Kind::Internal, "an event cannot be written").because(error))?;
    Ok(BusEvent {
        id,
        name: D::NAME.to_owned(),
        version: D::VERSION,
        at,
        tenant: session.tenant().to_owned(),
        bot: Some(session.bot().to_owned()),
        data,
    })
}
