//! What is written down of each turn: append-only items beside the hot session item.
//!
//! A turn may be thought more than once (a crash, two runs of one execution), so an item is named by turn
//! *and* plan. Which plan was carried out is told by a chain: the session names the newest, each item names
//! the round before it and the turn before that.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;
use crate::message::Delivery;
use crate::model::{ModelCall, Usage};
use crate::runtime::Time;
use crate::session::{Handled, InvocationId, Origin, Pending, PlanId, Session, SessionKey, Terms};

mod result;

pub use result::{Settled, ToolResult, ToolStatus, Truth};

/// One call of the brain and what it decided. Never changed once written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnRecord {
    /// The turn's number in the session, from 1.
    pub turn: u64,
    /// The name of this item within the turn.
    pub plan: PlanId,
    /// The round of the same turn that this one continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PlanId>,
    /// The turn before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Handled>,
    /// 0 for the first call of the brain in the turn.
    pub round: u32,
    /// The hold it was thought under.
    pub fence: u64,
    /// Arrival number of the first message it takes.
    pub from: u64,
    /// Arrival number of the last.
    pub upto: u64,
    /// Those messages in round 0; in a later round, the ones it absorbed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Taken>,
    /// Whether the turn was to answer without calling more tools.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finish: bool,
    /// What the brain decided.
    pub decision: Decision,
    /// Under what terms the turn may pass its gate with this decision.
    #[serde(default, skip_serializing_if = "Terms::are_plain")]
    pub terms: Terms,
    /// The version of the bot that decided it.
    pub bot: String,
    /// The hash of its soul.
    pub soul: String,
    /// Every try at a model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub model_calls: Vec<ModelCall>,
    /// When thinking began.
    pub at: Time,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// A message as a turn took it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Its id.
    pub id: String,
    /// What the contact wrote.
    pub text: String,
    /// When it was accepted.
    pub at: Time,
    /// An old message delivered again: taken out of the inbox, not shown to the brain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
    /// Who or what it came from.
    #[serde(default, skip_serializing_if = "Origin::is_contact")]
    pub origin: Origin,
}

impl Taken {
    /// A waiting message as a turn takes it.
    #[must_use]
    pub fn of(message: &Pending, repeat: bool) -> Self {
        Self {
            id: message.id.clone(),
            text: message.text.clone(),
            at: message.at,
            repeat,
            origin: message.origin.clone(),
        }
    }
}

/// What a call of the brain led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Decision {
    /// Say this.
    Reply {
        /// The text.
        text: String,
        /// The person who wrote it, when it was not the bot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Call these tools, then think again.
    Tools {
        /// What the model said beside its calls; not sent.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
        /// The calls, in order.
        calls: Vec<PlannedCall>,
        /// Why they undo what earlier ones did, if that is what they do; and what follows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undoing: Option<Undoing>,
    },
    /// Give up: park the messages and say so.
    Failed {
        /// Why, for the operator.
        reason: String,
        /// What the contact is told.
        apology: String,
    },
    /// Settle the messages without an answer of the bot.
    Declined {
        /// `handed_off` or `refused`.
        verdict: Verdict,
        /// Why, for the operator.
        reason: String,
        /// What the contact is told, if anything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
}

impl Decision {
    /// What the contact is told.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Reply { text, .. } | Self::Failed { apology: text, .. } => Some(text),
            Self::Declined { text, .. } => text.as_deref(),
            Self::Tools { .. } => None,
        }
    }

    /// Why its calls undo what earlier ones did, if they do.
    #[must_use]
    pub fn undoing(&self) -> Option<&Undoing> {
        match self {
            Self::Tools { undoing, .. } => undoing.as_ref(),
            Self::Reply { .. } | Self::Failed { .. } | Self::Declined { .. } => None,
        }
    }

    /// The person who wrote the words, when it was not the bot.
    #[must_use]
    pub fn person(&self) -> Option<&str> {
        match self {
            Self::Reply { by, .. } => by.as_deref(),
            Self::Tools { .. } | Self::Failed { .. } | Self::Declined { .. } => None,
        }
    }

    /// The tools it calls.
    #[must_use]
    pub fn calls(&self) -> &[PlannedCall] {
        match self {
            Self::Tools { calls, .. } => calls,
            Self::Reply { .. } | Self::Failed { .. } | Self::Declined { .. } => &[],
        }
    }
}

/// Why a turn undoes its effects, one round each, the latest first; and what follows when all are undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Undoing {
    /// The contact wrote again: think again, with all messages.
    Overtaken,
    /// No answer can be had: give up.
    Failed {
        /// Why, for the operator.
        reason: String,
        /// What the contact is told.
        apology: String,
    },
}

/// A tool call that a plan holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedCall {
    /// The model's id for it.
    pub id: String,
    /// The tool.
    pub tool: String,
    /// The arguments that will run.
    pub arguments: Value,
    /// The key under which it happens at most once.
    pub intent: String,
    /// The approval that allows it, when people were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// The intent of the effect that it undoes, if it was not the model that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// Whether its arguments hold what came from outside, by a tool, and nobody we trust has said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tainted: bool,
}

/// How an accepted message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A reply was given.
    Answered,
    /// It joined a running turn, whose reply answers it too.
    Absorbed,
    /// A person took the session over.
    HandedOff,
    /// Policy, budget or opt-out forbade an answer.
    Refused,
    /// The reply may or may not have left; it is never sent again unasked.
    Unconfirmed,
    /// Parked with its reason.
    Failed,
}

/// A verdict other than `answered`, which is derived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// How the turn's messages ended.
    pub verdict: Verdict,
    /// Why, for the operator.
    pub reason: String,
    /// When it was settled.
    pub at: Time,
}

/// Keeps transcript items.
#[async_trait]
pub trait Transcripts: Send + Sync {
    /// Writes an item; a second one of the same turn and plan is the same item.
    ///
    /// # Errors
    /// When the store failed.
    async fn write(&self, key: &SessionKey, record: &TurnRecord) -> Result<(), Error>;

    /// One item.
    ///
    /// # Errors
    /// When the store failed.
    async fn read(
        &self,
        key: &SessionKey,
        turn: u64,
        plan: PlanId,
    ) -> Result<Option<Arc<TurnRecord>>, Error>;

    /// Every item from turn `from` on, carried out or not, in turn order.
    ///
    /// # Errors
    /// When the store failed.
    async fn since(&self, key: &SessionKey, from: u64) -> Result<Vec<Arc<TurnRecord>>, Error>;
}

/// Keeps what tool calls came to.
#[async_trait]
pub trait ToolResults: Send + Sync {
    /// Records a result unless the intent has one, and gives the one that stands.
    ///
    /// # Errors
    /// When the store failed.
    async fn record(
        &self,
        key: &SessionKey,
        intent: &str,
        result: ToolResult,
    ) -> Result<ToolResult, Error>;

    /// Puts `result` in the place of what `from` recorded as under way, and gives what stands.
    ///
    /// # Errors
    /// When the store failed.
    async fn conclude(
        &self,
        key: &SessionKey,
        intent: &str,
        from: InvocationId,
        result: ToolResult,
    ) -> Result<ToolResult, Error>;

    /// The result of an intent.
    ///
    /// # Errors
    /// When the store failed.
    async fn result(&self, key: &SessionKey, intent: &str) -> Result<Option<ToolResult>, Error>;

    /// Writes down what a person said of an intent's result; the first to say it stands. Does nothing when
    /// the intent has no result.
    ///
    /// # Errors
    /// When the store failed.
    async fn settle_result(
        &self,
        key: &SessionKey,
        intent: &str,
        settled: &Settled,
    ) -> Result<(), Error>;

    /// The results of every intent from turn `from` on, by intent.
    ///
    /// # Errors
    /// When the store failed.
    async fn results_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<String, ToolResult>, Error>;

    /// The same, without what is under way: whoever asks may have to find out first what came of it.
    ///
    /// # Errors
    /// When the store failed.
    async fn known_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<String, ToolResult>, Error> {
        let mut results = self.results_since(key, from).await?;
        results.retain(|_, result| !result.is_under_way());
        Ok(results)
    }
}

/// Keeps how turns ended: verdicts other than `answered`, and what carriers say of each part.
#[async_trait]
pub trait Outcomes: Send + Sync {
    /// Settles a turn unless it is settled, and gives the settlement that stands.
    ///
    /// # Errors
    /// When the store failed.
    async fn settle(
        &self,
        key: &SessionKey,
        turn: u64,
        settlement: Settlement,
    ) -> Result<Settlement, Error>;

    /// Every settlement from turn `from` on.
    ///
    /// # Errors
    /// When the store failed.
    async fn settlements_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<u64, Settlement>, Error>;

    /// Notes what became of one part of a reply; a lesser state never replaces a greater one.
    ///
    /// # Errors
    /// When the store failed.
    async fn deliver(&self, key: &SessionKey, turn: u64, delivery: Delivery) -> Result<(), Error>;

    /// Every delivery from turn `from` on, by turn, in part order.
    ///
    /// # Errors
    /// When the store failed.
    async fn deliveries_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<u64, Vec<Delivery>>, Error>;
}

/// A turn that passed its gate: its rounds in order, the last of which was carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The rounds, first to last; never empty.
    pub rounds: Vec<Arc<TurnRecord>>,
}

impl Turn {
    /// The round that was carried out.
    #[must_use]
    pub fn last(&self) -> &TurnRecord {
        &self.rounds[self.rounds.len() - 1]
    }

    /// The messages it settled, with their arrival numbers.
    pub fn messages(&self) -> impl Iterator<Item = (u64, &Taken)> {
        let taken = self.rounds.iter().flat_map(|round| &round.messages);
        (self.last().from..).zip(taken)
    }

    /// Whether the message with arrival number `arrival` joined it after it had begun.
    #[must_use]
    pub fn absorbed(&self, arrival: u64) -> bool {
        arrival > self.rounds[0].upto
    }

    /// What the contact was told.
    #[must_use]
    pub fn reply(&self) -> Option<&str> {
        self.last().decision.words()
    }

    /// What it cost.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let calls = self.rounds.iter().flat_map(|round| &round.model_calls);
        calls.fold(Usage::default(), |sum, call| sum.plus(call.usage))
    }

    /// The place of its message with arrival number `arrival` in the conversation, from 1.
    ///
    /// Each turn has one place for its reply after its messages, used or not.
    #[must_use]
    pub fn seq_of_message(&self, arrival: u64) -> u64 {
        arrival + self.last().turn - 1
    }

    /// The place of its reply in the conversation.
    #[must_use]
    pub fn seq_of_reply(&self) -> u64 {
        self.last().upto + self.last().turn
    }
}

/// The rounds that led to `plan` of `turn`, first to last; empty when an item is missing.
#[must_use]
pub fn rounds_to(records: &[Arc<TurnRecord>], turn: u64, plan: PlanId) -> Vec<Arc<TurnRecord>> {
    let mut rounds = Vec::new();
    let mut next = Some(plan);
    while let Some(plan) = next {
        let Some(record) = records
            .iter()
            .find(|record| record.turn == turn && record.plan == plan)
        else {
            return Vec::new();
        };
        rounds.push(Arc::clone(record));
        next = record.previous;
    }
    rounds.reverse();
    rounds
}

/// The turns among `records` that passed their gate, oldest first, as the session's chain tells.
#[must_use]
pub fn conversation(session: &Session, records: &[Arc<TurnRecord>]) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut next = session.newest();
    while let Some(Handled { turn, plan }) = next {
        let rounds = rounds_to(records, turn, plan);
        let Some(first) = rounds.first() else { break };
        next = first.follows;
        turns.push(Turn { rounds });
    }
    turns.reverse();
    turns
}
