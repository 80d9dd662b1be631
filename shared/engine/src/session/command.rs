//! The commands on a session and the reasons to refuse them.

use serde::{Deserialize, Serialize};

use super::id::{InvocationId, OwnerId, PlanId};
use super::{Claim, Pending};
use crate::runtime::Time;

/// A hold as its holder knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hold {
    /// The holder.
    pub owner: OwnerId,
    /// How many holds had ended when this one began.
    pub fence: u64,
}

/// The running turn under a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The hold it runs under.
    pub hold: Hold,
    /// Its number.
    pub turn: u64,
}

/// The plan a turn acts on and the one it was bound to when that plan was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The transcript item that says what to do.
    pub plan: PlanId,
    /// The plan the session was bound to then; an earlier round of the same turn.
    pub previous: Option<PlanId>,
}

/// What must hold when a turn passes its gate, and what is written down with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// Whether a reply follows; only `answered` needs the bot to be in charge.
    #[serde(skip_serializing_if = "Intended::is_answered")]
    pub verdict: Intended,
    /// Whether a message that came after the answered ones stops a turn that has not reached its commit
    /// point: the policy `supersede`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub calm: bool,
    /// How many intents of the turn were seen settled: the gate is shut while one is open.
    #[serde(skip_serializing_if = "is_zero")]
    pub effects: u64,
    /// What thinking cost, in micro-dollars.
    #[serde(skip_serializing_if = "is_zero")]
    pub spent: u64,
    /// The tokens that were read and written for it.
    #[serde(skip_serializing_if = "is_zero")]
    pub tokens: u64,
    /// The contact opted in or out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
}

impl Terms {
    /// Whether nothing but the plain reply of a turn without effects is asked for.
    #[must_use]
    pub fn are_plain(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a contact has said of being written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// No more messages.
    OptOut,
    /// Messages again.
    OptIn,
}

/// Where the session goes when its outbox is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Next {
    /// Nobody waits: let go.
    Free,
    /// More messages wait: keep the hold until this time.
    Round(Time),
}

/// Whether `finish` moves the younger generation of seen messages to the older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rotate {
    /// Keep both.
    No,
    /// What was in the older generation has been spilled to an item of its own.
    Spilled,
}

/// One conditional write on a session item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Dedupe, append to the inbox, take a free session.
    Accept {
        /// The message.
        message: Pending,
        /// Who owns the session if it is free.
        owner: OwnerId,
        /// Until when.
        until: Time,
        /// The most messages that may wait.
        inbox_limit: usize,
    },
    /// Take a session whose lease has run out.
    Reclaim {
        /// The hold that ended without letting go.
        from: Hold,
        /// The time it must have ended before.
        now: Time,
        /// The new owner.
        owner: OwnerId,
        /// Until when.
        until: Time,
    },
    /// Extend the lease.
    Renew {
        /// The holder.
        hold: Hold,
        /// Until when.
        until: Time,
    },
    /// Bind the turn to its plan and open an intent, before a tool's effect.
    Claim {
        /// The running turn.
        step: Step,
        /// The plan it acts on.
        chain: Chain,
        /// The intent's key.
        intent: String,
        /// The invocation that will act.
        by: InvocationId,
        /// Until when the hold is extended.
        until: Time,
        /// Under the policy `supersede`: the last message the plan knows of. A later one stops a turn that
        /// has not reached its commit point.
        calm: Option<u64>,
        /// Whether the turn reaches its commit point with this effect; not when it can be undone.
        commits: bool,
    },
    /// Make an intent that an earlier hold opened this hold's own, before anything is done about it: of several
    /// invocations one does.
    TakeUp {
        /// The running turn.
        step: Step,
        /// The intent's key.
        intent: String,
        /// The claim as it was found.
        from: Claim,
        /// The invocation that will act.
        by: InvocationId,
        /// Until when the hold is extended.
        until: Time,
    },
    /// The commit point: drain the answered messages into the outbox.
    Gate {
        /// The running turn.
        step: Step,
        /// The plan it acts on.
        chain: Chain,
        /// The first message answered, by arrival number: the head of the inbox.
        from: u64,
        /// The last message answered.
        upto: u64,
        /// The invocation that will send.
        by: InvocationId,
        /// Until when the hold is extended.
        until: Time,
        /// What must hold, and what is written down.
        terms: Terms,
    },
    /// Settle the outbox after the send.
    Finish {
        /// The holder.
        hold: Hold,
        /// The turn in the outbox.
        turn: u64,
        /// The invocation that sent it.
        by: InvocationId,
        /// Let go or go round.
        next: Next,
        /// Whether the seen messages change generation.
        rotate: Rotate,
    },
    /// Settle an outbox that an earlier hold left behind.
    Recover {
        /// The holder.
        hold: Hold,
        /// The turn in the outbox.
        turn: u64,
        /// Let go or go round.
        next: Next,
        /// Whether the seen messages change generation.
        rotate: Rotate,
    },
    /// Drop messages at the head that were answered long ago.
    Skip {
        /// The running turn.
        step: Step,
        /// The first of them, by arrival number: the head of the inbox.
        from: u64,
        /// How many.
        count: usize,
    },
    /// Let go of a session with nothing to do.
    Free {
        /// The running turn.
        step: Step,
    },
    /// A person takes the session over: the bot neither acts nor speaks until it is handed back.
    TakeOver {
        /// The person.
        person: String,
    },
    /// The person hands the session back to the bot.
    HandBack,
    /// End the conversation: what was said until now is not shown to the bot again.
    Close {
        /// The last turn, which is settled.
        turn: u64,
    },
}

/// What a turn means to say of its messages when it passes its gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intended {
    /// The bot's reply follows.
    #[default]
    Answered,
    /// Another verdict, or a person's own words, which hold whoever is in charge.
    Other,
}

impl Intended {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn is_answered(&self) -> bool {
        *self == Self::Answered
    }
}

/// Why a command changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The message was accepted before.
    Seen,
    /// The inbox is full.
    Full,
    /// The session is held by another, or not at all.
    NotMine,
    /// The lease has not run out.
    NotExpired,
    /// The lease already reaches further.
    NotLater,
    /// The turn is not the running one, or its gate is passed.
    NotRunning,
    /// The turn is bound to a plan outside the chain.
    OtherPlan,
    /// A person has taken the session over.
    HandedOff,
    /// No person has taken the session over.
    NotHandedOff,
    /// A message came that the plan does not know of.
    Superseded,
    /// An effect of the turn is open.
    EffectOpen,
    /// The session is held.
    Held,
    /// The intent is open or settled already.
    Claimed(Claim),
    /// The outbox does not hold this turn, or not by this invocation.
    NotInOutbox,
    /// The outbox is of this very hold.
    OwnOutbox,
    /// The turn is bound to a plan.
    Bound,
    /// Messages wait.
    Waiting,
    /// The inbox begins with another message: another run has drained it.
    Moved,
    /// The inbox does not hold that many messages.
    TooFew,
}
