//! A person's yes before a risky call: what is asked, who may answer, and that an answer is used once.
//!
//! [`Approval`] is a pure state machine kept as a document. `statemachines/approval.asl.json` waits for the
//! answer; its states are [`Ask`] and [`Tell`]. No session is held meanwhile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bot::{ApprovalRule, Risk, Tool};
use crate::runtime::Time;
use crate::session::{SessionKey, hash64};

mod ask;
mod chat;
mod desk;
mod tell;
#[cfg(test)]
mod tests;
mod transition;
mod withdraw;

pub use ask::{Ask, AskInput, AskOutput, Links, NoLinks};
pub use chat::ChatAnswer;
pub use desk::{ApprovalStart, Desk, Waits};
pub(crate) use tell::answer;
pub use tell::{Tell, TellInput};
pub use transition::{Approver, Command, GOOD_FOR, Refusal};
pub use withdraw::Moot;

/// A question to people, and what they said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Its name among the tenant's approvals.
    pub id: String,
    /// The session whose bot asks.
    pub session: SessionKey,
    /// What is asked.
    pub envelope: Envelope,
    /// When it was asked.
    pub requested_at: Time,
    /// When it runs out; from then on it is a no.
    pub expires_at: Time,
    /// The role that whoever decides must have.
    pub role: String,
    /// How many different people must say yes.
    pub needed: u32,
    /// The person who talks to the bot in the session, when it is a person of the house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// What people said, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Spoken>,
    /// What has become of it.
    #[serde(flatten)]
    pub state: State,
    /// What the execution waits for. Never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub token: Option<String>,
    /// What the run that asks waits for. Never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub tells: Option<String>,
}

/// What is asked. A yes is for exactly this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Envelope {
    /// What the call is for, at most 1,000 characters.
    pub intent: String,
    /// The tool.
    pub tool_name: String,
    /// Its arguments.
    pub inputs: Value,
    /// What the call leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_output: Option<String>,
    /// How bad it is when the call was wrong.
    pub risk_level: Risk,
    /// The arguments that tell of a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pii_fields: Vec<String>,
    /// How the call can be undone, at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_plan: Option<String>,
    /// SHA-256 of the canonical JSON of the session and all of the above, in hexadecimal.
    pub audit_hash: String,
}

/// What one person said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spoken {
    /// Their name in people.toml.
    pub person: String,
    /// Yes or no.
    pub answer: Answer,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at: Time,
}

/// What a person may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It may be done.
    Yes,
    /// It may not.
    No,
}

/// What has become of an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It waits for people.
    Pending,
    /// Enough people said yes; the call has not been made.
    Granted {
        /// When the last of them did.
        decided_at: Time,
    },
    /// Somebody said no.
    Denied {
        /// When.
        decided_at: Time,
    },
    /// Nobody answered in time, which is a no.
    Expired {
        /// When that was noticed.
        decided_at: Time,
    },
    /// The conversation ended before it was used; no answer counts.
    Withdrawn {
        /// When.
        decided_at: Time,
        /// Why.
        why: Moot,
    },
    /// The call was made with it; it is used up.
    Consumed {
        /// When.
        consumed_at: Time,
        /// The intent that used it.
        intent: String,
        /// The turn that did.
        turn: u64,
    },
}

impl State {
    /// Its name, as records write it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Granted { .. } => "granted",
            Self::Denied { .. } => "denied",
            Self::Expired { .. } => "expired",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Consumed { .. } => "consumed",
        }
    }
}

/// The most characters of an intent.
const MAX_INTENT: usize = 1000;

impl Envelope {
    /// What `tool` is asked for with `arguments` in `session`.
    #[must_use]
    pub fn new(session: &SessionKey, tool: &Tool, rule: &ApprovalRule, arguments: &Value) -> Self {
        let envelope = Self {
            intent: tool.offer.description.chars().take(MAX_INTENT).collect(),
            tool_name: tool.offer.name.clone(),
            inputs: arguments.clone(),
            expected_output: rule.expected_output.clone(),
            risk_level: rule.risk,
            pii_fields: rule.pii_fields.clone(),
            rollback_plan: rule.rollback_plan.clone(),
            audit_hash: String::new(),
        };
        envelope.sealed(session)
    }

    /// What a step of a workflow asks, in its own words.
    #[must_use]
    pub fn of_step(
        session: &SessionKey,
        step: &str,
        question: &str,
        details: Value,
        risk: Risk,
    ) -> Self {
        let envelope = Self {
            intent: question.chars().take(MAX_INTENT).collect(),
            tool_name: step.to_owned(),
            inputs: details,
            expected_output: None,
            risk_level: risk,
            pii_fields: Vec::new(),
            rollback_plan: None,
            audit_hash: String::new(),
        };
        envelope.sealed(session)
    }

    fn sealed(self, session: &SessionKey) -> Self {
        let audit_hash = self.hash(session);
        Self { audit_hash, ..self }
    }

    /// What [`audit_hash`](Self::audit_hash) must be.
    fn hash(&self, session: &SessionKey) -> String {
        let hashed = serde_json::json!({
            "session": session,
            "intent": self.intent,
            "tool_name": self.tool_name,
            "inputs": self.inputs,
            "expected_output": self.expected_output,
            "risk_level": self.risk_level,
            "pii_fields": self.pii_fields,
            "rollback_plan": self.rollback_plan,
        });
        sha256(&crate::tool::canonical(&hashed))
    }

    /// Whether a call of `tool` with `arguments` is what was asked for.
    #[must_use]
    pub fn allows(&self, session: &SessionKey, tool: &str, arguments: &Value) -> bool {
        let made = Self {
            tool_name: tool.to_owned(),
            inputs: arguments.clone(),
            ..self.clone()
        };
        made.hash(session) == self.audit_hash
    }
}

impl Approval {
    /// The name of the question whether `tool` may be called with `arguments` in a turn: the same however
    /// often the turn is thought.
    #[must_use]
    pub fn id_of(session: &SessionKey, turn: u64, tool: &str, arguments: &Value) -> String {
        let turn = turn.to_string();
        let canonical = crate::tool::canonical(arguments);
        let parts = ["approval", session.as_str(), &turn, tool, &canonical];
        let mut id = sha256(&parts.join("\0"));
        id.truncate(24);
        id
    }

    /// The four digits that an approver's reply names it by.
    #[must_use]
    pub fn code(&self) -> String {
        format!("{:04}", hash64(&["code", &self.id]) % 10_000)
    }

    /// The last words of a no, or of the last yes.
    #[must_use]
    pub fn last_words(&self) -> Option<&Spoken> {
        self.decisions.last()
    }
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
