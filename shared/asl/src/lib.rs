//! Amazon States Language: parse, validate, run. The same files that AWS Step Functions runs.
//!
//! Data flows one way:
//!
//! ```text
//! text --substitute--> text --StateMachine::parse--> StateMachine (shared, immutable)
//!                                                        |
//!            Input (answer, token, tick, abort) --> Execution::on --> Reaction
//!                     ^                                               |  history events
//!                     |                                               v  effects
//!                  Runner: journal first, then call functions, start children, keep time
//! ```
//!
//! - [`StateMachine`] is a definition, compiled once: names resolved, expressions parsed. What AWS
//!   would refuse is refused with AWS's words, as [`Diagnostic`]s.
//! - [`Execution`] is one run, as plain data. It never waits, calls or writes: it takes an
//!   [`execution::Input`] and says what must be done as [`execution::Effect`]s. A run that waits
//!   costs a few hundred bytes and no task.
//! - [`runner::Runner`] does what executions ask for, on an [`engine::runtime::Runtime`]. An
//!   Express run is one future and leaves no trace. Every reaction of a Standard run is in the
//!   [`runner::Journal`] before anything follows from it, so a restart goes on where it stood.
//! - Queries (JSONata) are evaluated in one place, the module `query`. Time and chance come from
//!   the runtime, and every evaluation is bounded.
//!
//! What is absent: no clock, no randomness but the runtime's, no tokio, no polling, no panic.

mod diagnostic;
pub mod execution;
pub mod failure;
pub mod history;
mod machine;
mod query;
pub mod runner;
mod substitute;
mod uuid;
mod workflow;

pub use diagnostic::{Code, Diagnostic};
pub use execution::{Execution, Outcome};
pub use failure::Failure;
pub use history::HistoryEvent;
pub use machine::{Kind, StateMachine};
pub use substitute::{UnknownPlaceholder, substitute};
pub use workflow::{Evaluator, Jsonata};

#[cfg(test)]
mod recorded_tests;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod workflow_tests;
