//! Telling people: how much it matters, where they are told, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod desk;
mod fate;
mod notice;
mod quiet;
mod route;
mod router;
#[cfg(test)]
mod tests;
mod tray;
mod words;

pub use desk::Notices;
pub use notice::{Acknowledge, Held, Notice, NoticeState, Recipient, Told};
pub use quiet::QuietHours;
pub use route::{Case, Decision, Fate, Try, decide};
pub use router::{Advanced, Escalations, NoticeStart, Router};
pub(crate) use words::sign;

/// How much a notification matters.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It is seen when somebody looks.
    Ambient,
    /// It can wait for a quiet moment.
    Informative,
    /// It should be seen soon.
    Important,
    /// It interrupts, quiet hours or not.
    Urgent,
}
