//! What a session looks like from outside: the conversation, and the trace behind it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::runtime::Time;
use crate::session::{Session, SessionKey, Sessions};
use crate::transcript::{Outcomes, ToolResults, Transcripts, Turn, TurnRecord, conversation};

mod trace;

pub use trace::{MessageTrace, MessageVerdict, RoundTrace, ToolTrace, Trace, TurnTrace};

/// Reads sessions for people and programs.
#[derive(Clone)]
pub struct View {
    /// Keeps sessions.
    pub sessions: Arc<dyn Sessions>,
    /// Keeps transcript items.
    pub transcripts: Arc<dyn Transcripts>,
    /// Keeps what tools came to.
    pub results: Arc<dyn ToolResults>,
    /// Keeps how turns ended.
    pub outcomes: Arc<dyn Outcomes>,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The contact.
    User,
    /// The bot.
    Assistant,
    /// A person of the house, in the bot's place.
    Person,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Its place in the conversation, from 1. Later messages have greater places; places may be skipped.
    pub seq: u64,
    /// The id a contact's message was accepted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who wrote it.
    pub role: Role,
    /// The person's name, when a person wrote in the bot's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What they wrote.
    pub text: String,
    /// The turn it belongs to.
    pub turn: u64,
    /// When it was accepted or, for a reply, decided on.
    pub at: Time,
}

/// Turns read at first when the end of a conversation is wanted.
const WINDOW: u64 = 8;

/// The latest turns whose messages are compared with repeated ones.
const REMEMBERED: u64 = 40;

impl View {
    /// The messages after place `after`, oldest first.
    ///
    /// Messages that no turn has settled yet come when their place is certain: the oldest of them at once,
    /// the others with the turn that takes them. So a reader who goes on from the last place it saw misses none.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn messages(&self, key: &SessionKey, after: u64) -> Result<Vec<Message>, Error> {
        let session = self.sessions.load(key).await?;
        let turns = self.turns_after(key, &session, after).await?;
        let mut messages: Vec<Message> = turns.iter().flat_map(messages_of).collect();
        let head = session.inbox.first();
        if let Some(head) = head.filter(|head| head.origin.is_contact()) {
            messages.push(Message {
                seq: session.head() + session.delivered,
                id: Some(head.id.clone()),
                role: Role::User,
                by: None,
                text: head.text.clone(),
                turn: session.delivered + 1,
                at: head.at,
            });
        }
        messages.retain(|message| message.seq > after);
        self.sessions.durable_of(key).await?;
        Ok(messages)
    }

    /// What was said under message id `id`, if that waits or one of the latest turns took it.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn text_of(&self, key: &SessionKey, id: &str) -> Result<Option<String>, Error> {
        let session = self.sessions.load(key).await?;
        if let Some(waiting) = session.inbox.iter().find(|message| message.id == id) {
            return Ok(Some(waiting.text.clone()));
        }
        let from = (session.delivered + 1).saturating_sub(REMEMBERED).max(1);
        let records = self.transcripts.since(key, from).await?;
        let mut taken = records.iter().flat_map(|record| &record.messages);
        let found = taken.find(|taken| taken.id == id);
        Ok(found.map(|taken| taken.text.clone()))
    }

    /// The turns that may hold a place after `after`; reads back from the end.
    async fn turns_after(
        &self,
        key: &SessionKey,
        session: &Session,
        after: u64,
    ) -> Result<Vec<Turn>, Error> {
        let Some(newest) = session.newest() else {
            return Ok(Vec::new());
        };
        // The newest turn holds the last place: nothing to read when the reader has seen it.
        let last = (session.head() - 1) + newest.turn;
        let mut window = if after >= last {
            return Ok(Vec::new());
        } else {
            WINDOW
        };
        loop {
            let from = (newest.turn + 1).saturating_sub(window).max(1);
            let turns = conversation(session, &self.transcripts.since(key, from).await?);
            let reaches_back = turns
                .first()
                .is_none_or(|turn| turn.rounds[0].from + turn.rounds[0].turn - 1 <= after + 1);
            if from == 1 || reaches_back {
                return Ok(turns);
            }
            window *= 4;
        }
    }
}

impl Message {
    /// What the contact wrote in `turn`, and the reply.
    pub(crate) fn of(turn: &Turn) -> Vec<Self> {
        messages_of(turn)
    }
}

fn messages_of(turn: &Turn) -> Vec<Message> {
    let record = turn.last();
    let taken = turn
        .messages()
        .filter(|(_, taken)| !taken.repeat && taken.origin.is_contact())
        .map(|(arrival, taken)| Message {
            seq: turn.seq_of_message(arrival),
            id: Some(taken.id.clone()),
            role: Role::User,
            by: None,
            text: taken.text.clone(),
            turn: record.turn,
            at: taken.at,
        });
    let by = record.decision.person().map(str::to_owned);
    let reply = turn.reply().map(|text| Message {
        seq: turn.seq_of_reply(),
        id: None,
        role: if by.is_some() {
            Role::Person
        } else {
            Role::Assistant
        },
        by,
        text: text.to_owned(),
        turn: record.turn,
        at: decided(record),
    });
    taken.chain(reply).collect()
}

fn decided(record: &TurnRecord) -> Time {
    record
        .at
        .plus(std::time::Duration::from_millis(record.millis))
}
