//! Runs engine code in AWS Lambda.
//!
//! A function opens its [`Ground`] while it starts, takes from it what it needs, and hands one of [`serve`],
//! [`serve_http`] and [`serve_queue`] a call into the engine. What all functions share is here: payloads
//! that do not parse are `Invalid`, errors carry the names that state machines match, no work outlives the
//! deadline, and a failure is one line in the log, with its causes and without its payload.

mod access;
mod assemble;
#[cfg(feature = "models")]
mod crew;
mod failure;
mod ground;
mod http;
mod invoke;
mod queue;
mod shelf;
pub mod socket;
mod workflows;

pub use crate::ground::{Ground, NotReady, variable};
pub use access::Accesses;
#[cfg(feature = "models")]
pub use crew::Crew;
pub use failure::Failure;
pub use http::serve_http;
pub use invoke::serve;
pub use queue::serve_queue;
pub use shelf::Shelf;
pub use workflows::Workflows;

/// Why a function could not start or go on.
pub type Error = lambda_runtime::Error;
