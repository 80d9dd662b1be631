//! The turn: from an accepted message to a settled one, as the functions that a state machine calls.
//!
//! `accept` takes a message in and says whether to start `statemachines/turn.asl.json`; its states are
//! [`Run`], [`CallTool`], [`Deliver`] and [`Fail`]. What passes between states are ids, never transcripts.
//! A function that finds the session is not its own any more ends the run silently: it never lets go.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::bot::Bot;
use crate::brain::Brain;
use crate::error::Error;
use crate::message::Carrier;
use crate::runtime::Time;
use crate::session::{Chain, Hold, MessageHash, PlanId, SessionKey, Step, Terms};
use crate::transcript::{Decision, PlannedCall, TurnRecord};

mod accept;
mod call_tool;
mod conversation;
mod deliver;
mod fail;
mod intake;
mod redrive;
mod run;
mod saga;
mod settle;
mod sweep;

pub use accept::{Accept, Accepted, Letter, Receipt};
pub use call_tool::CallTool;
pub(crate) use conversation::{REMINDED, WANTED};
pub use deliver::Deliver;
pub use fail::Fail;
pub use intake::{Intake, Turns};
pub use redrive::{Redrive, Redriven};
pub use run::Run;
pub use settle::Settler;
pub use sweep::Sweep;

/// How long things may take. Clocks decide when, never whether.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The time a worker may spend on one effect or send, from before it claims.
    pub effect: Duration,
    /// How long a hold lasts unless renewed: more than `effect` plus the skew between hosts.
    pub lease: Duration,
    /// The longest that one round may think, whatever models it asks.
    pub think: Duration,
    /// How often a turn that may be superseded looks for a newer message while it thinks.
    pub watch: Duration,
    /// How long a repeated message waits for its first delivery to start the turn before it does so itself.
    pub grace: Duration,
    /// Reclaims after which a message that kills its turns is parked.
    pub tries: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            effect: Duration::from_secs(60),
            lease: Duration::from_secs(75),
            think: Duration::from_secs(280),
            watch: Duration::from_millis(500),
            grace: Duration::from_secs(10),
            tries: 8,
        }
    }
}

/// Input of the state machine and of a first round.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TurnStart {
    /// The session.
    pub session: SessionKey,
    /// The hold to work under.
    #[serde(flatten)]
    pub hold: Hold,
    /// When to begin, if the contact may go on writing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// Input of `turn-run`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInput {
    /// The session and the hold.
    #[serde(flatten)]
    pub start: TurnStart,
    /// The turn, unless this is the first of the hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u64>,
    /// The plan whose tools have been called, in a later round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PlanId>,
    /// How often the turn has waited again for the contact to go on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waited: u32,
    /// How many attempts at this round under this hold have failed or died: `State.RetryCount` of the state machine.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// What a plan is called by in the states that carry it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// The session and the hold.
    #[serde(flatten)]
    pub start: TurnStart,
    /// The turn.
    pub turn: u64,
    /// The transcript item that says what to do.
    pub plan: PlanId,
    /// The plan the turn was bound to when this one was made. Always written: a state machine passes it on.
    #[serde(default)]
    pub bound: Option<PlanId>,
}

impl Planned {
    fn step(&self) -> Step {
        Step {
            hold: self.start.hold,
            turn: self.turn,
        }
    }

    fn chain(&self) -> Chain {
        Chain {
            plan: self.plan,
            previous: self.bound,
        }
    }
}

/// Output of `turn-run`: where the state machine goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum RunOutput {
    /// Call the tools of the plan, then run again.
    Tools {
        /// The plan.
        #[serde(flatten)]
        planned: Planned,
        /// Its calls.
        calls: Vec<NumberedCall>,
    },
    /// Deliver the plan's reply.
    Deliver(DeliverInput),
    /// Run again at `until`: the contact may go on writing.
    Wait {
        /// The session, the hold and when.
        #[serde(flatten)]
        start: TurnStart,
        /// The turn to come.
        turn: u64,
        /// How often it has waited so.
        waited: u32,
    },
    /// Nothing more to do here.
    Stop,
}

/// Input of `tool-call`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallInput {
    /// The plan.
    #[serde(flatten)]
    pub planned: Planned,
    /// Which of its calls.
    pub call: NumberedCall,
}

/// One call of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberedCall {
    /// Its place in the plan, from 0.
    pub number: usize,
    /// Where a newer message may stop the turn: the last message that the plan knows of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calm: Option<u64>,
    /// The call itself, when it is short enough to travel; else it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<PlannedCall>,
}

/// Input of `turn-deliver`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliverInput {
    /// The plan.
    #[serde(flatten)]
    pub planned: Planned,
    /// What to deliver, when it is short enough to travel; else it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parcel: Option<Parcel>,
}

/// What a plan says of its delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parcel {
    /// Arrival number of the first message it answers.
    pub from: u64,
    /// Arrival number of the last.
    pub upto: u64,
    /// What the brain decided.
    pub decision: Decision,
    /// Under what terms the gate is passed with it.
    #[serde(default, skip_serializing_if = "Terms::are_plain")]
    pub terms: Terms,
}

impl From<&TurnRecord> for Parcel {
    fn from(record: &TurnRecord) -> Self {
        Self {
            from: record.from,
            upto: record.upto,
            decision: record.decision.clone(),
            terms: record.terms,
        }
    }
}

/// Output of `turn-fail`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FailOutput {
    /// Undo first what the turn has done.
    Undo(RunOutput),
    /// Its messages are parked.
    Parked(DeliverOutput),
}

/// Output of `turn-deliver`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum DeliverOutput {
    /// More messages wait under the same hold, or the turn was overtaken before its gate: run again.
    Round {
        /// The session and the hold.
        #[serde(flatten)]
        start: TurnStart,
        /// The turn to come, or to think of again.
        turn: u64,
        /// The plan that the turn to think of again is bound to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<PlanId>,
    },
    /// Nothing more to do here.
    Stop,
}

/// Input of `turn-fail`: a function failed for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailInput {
    /// The session and the hold.
    #[serde(flatten)]
    pub start: TurnStart,
    /// What the state machine caught.
    pub error: Caught,
}

/// An error as Step Functions hands it to a catcher.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caught {
    /// The error's name.
    #[serde(rename = "Error", default)]
    pub error: String,
    /// Its cause.
    #[serde(rename = "Cause", default)]
    pub cause: String,
}

/// A bot with its brain.
#[derive(Clone)]
pub struct Staff {
    /// What the folder says.
    pub bot: Arc<Bot>,
    /// What thinks for it.
    pub brain: Arc<dyn Brain>,
}

/// Finds bots.
#[async_trait]
pub trait Bots: Send + Sync {
    /// The running version of a tenant's bot.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    async fn find(&self, tenant: &str, bot: &str) -> Result<Arc<Bot>, Error>;
}

/// Finds bots with what thinks for them.
#[async_trait]
pub trait Crew: Send + Sync {
    /// The running version of a tenant's bot and its brain.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    async fn staff(&self, tenant: &str, bot: &str) -> Result<Staff, Error>;
}

/// Finds the way out of a session.
#[async_trait]
pub trait Carriers: Send + Sync {
    /// The carrier that replies leave through; none where the reply is a row of ours (the web).
    ///
    /// # Errors
    /// When the channel is not configured.
    async fn carrier(&self, key: &SessionKey) -> Result<Option<Arc<dyn Carrier>>, Error>;
}

/// Remembers message hashes that fell out of the session item.
#[async_trait]
pub trait Spill: Send + Sync {
    /// Remembers `hashes` for at least a week.
    ///
    /// # Errors
    /// When the store failed.
    async fn spill(&self, key: &SessionKey, hashes: &[MessageHash]) -> Result<(), Error>;

    /// Which of `hashes` were spilled.
    ///
    /// # Errors
    /// When the store failed.
    async fn spilled(
        &self,
        key: &SessionKey,
        hashes: &[MessageHash],
    ) -> Result<Vec<MessageHash>, Error>;
}
