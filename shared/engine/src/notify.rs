//! Telling people: how much it matters, where they are told, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod quiet;
mod route;
#[cfg(test)]
mod tests;

pub use quiet::QuietHours;
pub use route::{Case, Decision, Fate, Try, decide};

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
