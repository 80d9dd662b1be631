//! The session: one item, one pure state machine.
//!
//! Everything that touches the turn lock goes through [`Session::apply`]. A store either calls it inside
//! a transaction or states each [`Command`] as one conditional write; both must refuse alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::budget::Spent;
use crate::error::Error;
use crate::runtime::Time;

mod command;
mod id;
mod key;
mod lifecycle;
mod packed;
#[cfg(test)]
mod tests;
mod transition;

pub use command::{Chain, Command, Consent, Hold, Intended, Next, Refusal, Rotate, Step, Terms};
pub use id::{InvocationId, MessageHash, OwnerId, PlanId, hash64};
pub use key::{BadKey, SessionKey, is_slug};
pub use lifecycle::Lifecycle;

/// How many message hashes one generation holds before it may rotate. Two full generations of 8 bytes each
/// leave a session with a message of 500 bytes below 1,024, which is what one write unit covers.
pub const SEEN_CAPACITY: usize = 16;

/// An accepted message that no turn has settled yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The provider's id of the message, or ours.
    pub id: String,
    /// What the contact wrote.
    pub text: String,
    /// When it was accepted.
    pub at: Time,
    /// Who or what it comes from.
    #[serde(default, skip_serializing_if = "Origin::is_contact")]
    pub origin: Origin,
}

/// Who or what a message in the inbox comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// The contact wrote it.
    #[default]
    Contact,
    /// A person of the house wrote it to the contact, in the bot's place.
    Person {
        /// Their name in `people.toml`.
        name: String,
    },
    /// Confab tells the contact something as it stands, such as a question to an approver.
    Notice,
    /// An approval was decided, or ran out.
    Approval {
        /// Which.
        id: String,
    },
    /// A person, or the provider, told what came of an effect nobody had seen.
    Outcome {
        /// The effect's intent.
        intent: String,
    },
    /// What the bot meant to say at this time.
    Reminder {
        /// Which.
        id: String,
    },
    /// What a workflow wants of the conversation.
    Goal {
        /// Which.
        id: String,
    },
}

impl Origin {
    /// Whether the contact wrote it.
    #[must_use]
    pub fn is_contact(&self) -> bool {
        *self == Self::Contact
    }
}

impl Pending {
    /// The hash by which the session remembers it.
    #[must_use]
    pub fn hash(&self) -> MessageHash {
        MessageHash::of(&self.id)
    }
}

/// An open or settled intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The hold that claimed it.
    pub fence: u64,
    /// The invocation that claimed it.
    pub by: InvocationId,
}

/// The outbox of one, between gate and finish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Out {
    /// The turn that passed its gate.
    pub turn: u64,
    /// The plan it passed with.
    pub plan: PlanId,
    /// Arrival number of the first message it settles.
    pub from: u64,
    /// Arrival number of the last.
    pub upto: u64,
    /// The invocation that sends.
    pub by: InvocationId,
    /// The hold it passed under.
    pub fence: u64,
}

/// The last settled turn: the head of the chain of transcript items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// Its number.
    pub turn: u64,
    /// The plan that was carried out.
    pub plan: PlanId,
}

/// All that a turn needs to be safe. Absent is the same as [`Session::default`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Pending messages, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inbox: Vec<Pending>,
    /// How many messages were ever accepted.
    pub arrivals: u64,
    /// Hashes of message ids, the younger generation.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "packed")]
    pub seen: Vec<MessageHash>,
    /// The older generation.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "packed")]
    pub seen_old: Vec<MessageHash>,
    /// Who holds the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerId>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Time>,
    /// How many holds have ended.
    pub fence: u64,
    /// The last turn that passed its gate.
    pub delivered: u64,
    /// The plan the running turn is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
    /// The turn that reached its commit point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<u64>,
    /// Intents of the running turn, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub intents: BTreeMap<String, Claim>,
    /// The outbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<Out>,
    /// Reclaims since the last gate.
    #[serde(default)]
    pub tries: u32,
    /// The person who has taken the session over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff: Option<String>,
    /// The last settled turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Handled>,
    /// The contact wants no more messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opted_out: bool,
    /// The turn after which the conversation begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<u64>,
    /// What thinking cost since then, in micro-dollars.
    #[serde(default)]
    pub spent: u64,
    /// The tokens that were read and written for it.
    #[serde(default)]
    pub tokens: u64,
}

impl Session {
    /// What thinking cost since the conversation began, by either measure.
    #[must_use]
    pub fn all_spent(&self) -> Spent {
        Spent {
            tokens: self.tokens,
            money: self.spent,
        }
    }

    /// The hold in force, if any.
    #[must_use]
    pub fn hold(&self) -> Option<Hold> {
        self.owner.map(|owner| Hold {
            owner,
            fence: self.fence,
        })
    }

    /// Arrival number of the oldest pending message, or of the next to come.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.arrivals - self.inbox.len() as u64 + 1
    }

    /// The newest turn whose plan is known to have passed its gate.
    #[must_use]
    pub fn newest(&self) -> Option<Handled> {
        let gated = self.out.as_ref().map(|out| Handled {
            turn: out.turn,
            plan: out.plan,
        });
        gated.or(self.last)
    }
}

/// What a store answers to a command.
#[derive(Clone, Debug)]
pub enum Applied {
    /// The session as it is now.
    Done(Arc<Session>),
    /// Why not, and the session as it was and is.
    Refused(Refusal, Arc<Session>),
}

/// Keeps sessions. Each command is one atomic conditional write.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Carries `command` out on the session, or refuses it.
    ///
    /// # Errors
    /// When the store could not tell whether it did; the command may then have been carried out.
    async fn apply(&self, key: &SessionKey, command: Command) -> Result<Applied, Error>;

    /// The session as it is now.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn load(&self, key: &SessionKey) -> Result<Arc<Session>, Error>;

    /// The session as it is now or, at less cost, as it was a moment ago, provided that `hold` was in
    /// force then. A store with replicas may ask any that knows of the hold; what came in since is left
    /// to the next round, and every command is checked against the session itself.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn load_held(&self, key: &SessionKey, _hold: Hold) -> Result<Arc<Session>, Error> {
        self.load(key).await
    }

    /// At most `limit` sessions whose lease ended before `now`.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn expired(&self, now: Time, limit: usize) -> Result<Vec<SessionKey>, Error>;

    /// Resolves once every command that was answered before the call would survive a power cut.
    /// Nothing may be shown outside, sent or acknowledged before that.
    ///
    /// # Errors
    /// When the store failed; what was answered may be lost, and the caller must stop.
    async fn durable(&self) -> Result<(), Error>;

    /// Resolves once all that was answered of session `key` before the call survives a power cut: its
    /// state, transcript, results and outcomes.
    ///
    /// # Errors
    /// As [`Sessions::durable`].
    async fn durable_of(&self, _key: &SessionKey) -> Result<(), Error> {
        self.durable().await
    }
}
