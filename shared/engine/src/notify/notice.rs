//! What people are told, and what came of it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Class;
use super::route::{Fate, Try};
use crate::error::{Error, Kind};
use crate::runtime::Time;
use crate::session::{SessionKey, hash64};

/// Something that people are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Its name among the tenant's notices.
    pub id: String,
    /// The run that tells it.
    pub place: SessionKey,
    /// The item of its step, if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// How much it matters.
    pub class: Class,
    /// What it says.
    pub text: String,
    /// When it was first to be told.
    pub at: Time,
    /// How often it is told anew because nobody had said that they know.
    pub round: u32,
    /// Whether somebody is to say that they know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<Acknowledge>,
    /// Who is to be told.
    pub recipients: Vec<Recipient>,
    /// How it stands.
    #[serde(flatten)]
    pub state: NoticeState,
    /// What the run waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// How long a sign is waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledge {
    /// Seconds from when the first was told.
    pub seconds: u64,
    /// Seconds before the next way is taken, way by way; the last one counts for all further ways.
    #[serde(default)]
    pub escalate: Vec<u64>,
}

/// Somebody who is to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Their name in `people.toml`.
    pub person: String,
    /// What was tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<Told>,
    /// What it is told together with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
}

/// A try, and how it is followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What was tried.
    #[serde(flatten)]
    pub tried: Try,
    /// The message's id in that person's session.
    pub letter: String,
    /// How often was looked what became of it.
    #[serde(default)]
    pub looks: usize,
}

/// What waits for the end of quiet hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Whose.
    pub person: String,
    /// The batch that is told then.
    pub batch: String,
}

/// How a notice stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum NoticeState {
    /// Something may yet be done.
    Open,
    /// Whoever wanted to be told was, for all that is known.
    Told,
    /// Nobody could be told.
    Unreached,
    /// Somebody said that they know.
    Acknowledged {
        /// Who.
        by: String,
        /// When.
        acknowledged_at: Time,
    },
    /// Nobody said so in time.
    Unacknowledged,
}

impl NoticeState {
    /// Its name, as records write it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Told => "told",
            Self::Unreached => "unreached",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Unacknowledged => "unacknowledged",
        }
    }
}

/// When is looked whether a message is known to have failed, after it was sent.
pub(super) const LOOKS: [Duration; 3] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(300),
];

impl Notice {
    /// The name of what the step `intent` of a run tells.
    #[must_use]
    pub fn id_of(place: &SessionKey, intent: &str) -> String {
        let parts = ["notice", place.as_str(), intent];
        format!("{:016x}", hash64(&parts))
    }

    /// The four digits that a reply names it by.
    #[must_use]
    pub fn code(&self) -> String {
        format!("{:04}", hash64(&["code", &self.id]) % 10_000)
    }

    /// Whether something may yet be done.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == NoticeState::Open
    }

    /// The ladder that is climbed while nobody gives a sign.
    pub(super) fn ladder(&self) -> Vec<Duration> {
        let escalate = self.acknowledge.iter().flat_map(|wanted| &wanted.escalate);
        escalate.copied().map(Duration::from_secs).collect()
    }

    /// When nobody waits for a sign any longer: so long after the first was told.
    pub(super) fn deadline(&self) -> Option<Time> {
        let wanted = self.acknowledge.as_ref()?;
        let first = self.sent().map(|told| told.tried.at).min()?;
        Some(first.plus(Duration::from_secs(wanted.seconds)))
    }

    fn sent(&self) -> impl Iterator<Item = &Told> {
        let all = self
            .recipients
            .iter()
            .flat_map(|recipient| &recipient.tries);
        all.filter(|told| told.tried.fate == Fate::Sent)
    }

    /// Who was told, and who will be.
    #[must_use]
    pub fn told(&self) -> BTreeSet<&str> {
        let waiting = self.recipients.iter();
        let waiting = waiting.filter(|recipient| recipient.tries.is_empty());
        let held = waiting.filter_map(|recipient| recipient.held.as_ref());
        let held = held.map(|held| held.person.as_str());
        self.sent()
            .map(|told| told.tried.person.as_str())
            .chain(held)
            .collect()
    }

    /// Everybody for whom a try was made.
    pub(super) fn tried(&self) -> BTreeSet<&str> {
        let all = self
            .recipients
            .iter()
            .flat_map(|recipient| &recipient.tries);
        all.map(|told| told.tried.person.as_str()).collect()
    }

    /// What the step gives.
    ///
    /// # Errors
    /// `Unacknowledged` when nobody said that they know, `ToolFailed` when nobody could be told.
    pub fn outcome(&self) -> Result<Value, Error> {
        let told = self.told();
        let held = self
            .recipients
            .iter()
            .any(|recipient| recipient.held.is_some());
        let mut output = json!({ "to": told, "held": held });
        match &self.state {
            NoticeState::Acknowledged {
                by,
                acknowledged_at,
            } => {
                output["by"] = json!(by);
                output["at"] = json!(acknowledged_at);
            }
            NoticeState::Unacknowledged => {
                let whom: Vec<&str> = told.into_iter().collect();
                let message = match whom.as_slice() {
                    [] => "nobody could be told, or wants to be".to_owned(),
                    whom => format!("nobody gave a sign in time; told: {}", whom.join(", ")),
                };
                return Err(Error::new(Kind::Unacknowledged, message));
            }
            NoticeState::Unreached => {
                let whom = self
                    .recipients
                    .iter()
                    .map(|recipient| recipient.person.as_str());
                let whom: Vec<&str> = whom.collect();
                let message = format!("nobody could be told: {}", whom.join(", "));
                return Err(Error::new(Kind::ToolFailed, message));
            }
            NoticeState::Open | NoticeState::Told => {}
        }
        Ok(output)
    }
}
