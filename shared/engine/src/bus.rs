//! Events that workflows wait for: Confab's own, and those that others post.
//!
//! ```text
//! Settler, Attend, Tell ──> Bus::put ──(EventBridge there, at once here)──> Dispatch ──> Fire: a run
//! POST …/events, a webhook ──┘                                                  └──> a step that waits
//! ```
//!
//! What is put is handled at least once, and has its effect once: an event's id names the runs that it starts, and a
//! step that waits is ended once. Confab puts its own before it lets go of what they tell of, so none is lost when a
//! process dies in between.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Kind};
use crate::runtime::{Runtime, Time};

mod dispatch;
mod herald;
mod own;
#[cfg(test)]
mod tests;

pub use dispatch::{Dispatch, Dispatched};
pub use herald::Herald;
pub use own::{ApprovalDecided, OWN, Said, SessionClosed, TurnCompleted, schema};

/// The first words of names that nobody else may post.
const OWN_WORDS: [&str; 6] = ["turn", "session", "approval", "run", "call", "confab"];

/// The longest name, in bytes.
const MAX_NAME: usize = 64;

/// The longest id, in bytes.
const MAX_ID: usize = 200;

/// The longest data, in bytes as JSON: an event of EventBridge is at most 256 KB, with all that is around it.
pub const MAX_DATA: usize = 120 * 1024;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BusEvent {
    /// The same id is the same event.
    pub id: String,
    /// Its name, such as `turn.completed`.
    pub name: String,
    /// The version of what `data` holds.
    pub version: u32,
    /// When it happened.
    pub at: Time,
    /// Whose it is.
    pub tenant: String,
    /// The bot it is about; only this bot's workflows see it. All of the tenant's do when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<String>,
    /// What is known of it.
    pub data: Value,
}

/// Carries events to what waits for them.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Whether anything may wait for events called `name`; others need not be made.
    fn is_wanted(&self, name: &str) -> bool;

    /// Takes an event in, to be handled at least once.
    ///
    /// # Errors
    /// When it may not have been taken in.
    async fn put(&self, event: BusEvent) -> Result<(), Error>;
}

/// A bus for hosts in which nothing waits for events.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBus;

#[async_trait]
impl Bus for NoBus {
    fn is_wanted(&self, _: &str) -> bool {
        false
    }

    async fn put(&self, _: BusEvent) -> Result<(), Error> {
        Ok(())
    }
}

/// What somebody wants to post.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// Its name: words of a-z, 0-9 and `_` with dots between, such as `order.shipped`.
    pub name: String,
    /// The same id is the same event, however often it is posted; a new one is made when absent.
    #[serde(default)]
    pub id: Option<String>,
    /// What is known of it.
    #[serde(default)]
    pub data: Value,
}

impl NewEvent {
    /// The event as it goes on the bus.
    ///
    /// # Errors
    /// `Invalid` when it is named as none can be, or is Confab's to tell, or too long.
    pub fn of(self, tenant: &str, runtime: &Runtime) -> Result<BusEvent, Error> {
        let Self { name, id, data } = self;
        let invalid = |message: String| Error::new(Kind::Invalid, message);
        if !is_name(&name) {
            return Err(invalid(format!(
                "an event cannot be called `{name}`: {NAME_RULE}"
            )));
        }
        if is_own(&name) {
            let words = OWN_WORDS.join(", ");
            return Err(invalid(format!(
                "`{name}` is for Confab to tell; do not begin an event's name with one of {words}"
            )));
        }
        let id = id.unwrap_or_else(|| runtime.new_id().simple().to_string());
        if id.is_empty() || id.len() > MAX_ID || id.chars().any(char::is_control) {
            return Err(invalid(format!(
                "an event's id is 1 to {MAX_ID} bytes without control characters"
            )));
        }
        if data.to_string().len() > MAX_DATA {
            return Err(invalid(format!(
                "the data is longer than {MAX_DATA} bytes; keep it elsewhere and send its address"
            )));
        }
        Ok(BusEvent {
            id,
            name,
            version: 1,
            at: runtime.now(),
            tenant: tenant.to_owned(),
            bot: None,
            data,
        })
    }
}

/// What events can be called.
pub(crate) const NAME_RULE: &str =
    "write words of a-z, 0-9 and `_` with dots between, such as `order.shipped`";

/// Whether an event can be called so.
pub(crate) fn is_name(name: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    name.len() <= MAX_NAME && name.contains('.') && name.split('.').all(word)
}

/// Whether only Confab tells of it.
pub(crate) fn is_own(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    OWN_WORDS.contains(&first)
}
