//! Tests of the whole, in one binary.

#![expect(
    clippy::unwrap_used,
    reason = "what cannot go on panics, in the tests' helpers too"
)]

mod afterwards;
mod approvals;
mod asked;
mod asl_on_ministack;
mod carrier;
mod client;
mod conversing;
mod deployed;
mod effects;
mod errands;
mod events;
mod failing_models;
mod house;
mod http;
mod kill;
mod lossy;
mod ministack;
mod misbehaviour;
mod names;
mod nobody;
mod notify;
mod process;
mod publishing;
mod results;
mod session_on_ministack;
mod signing;
mod simulated_host;
mod surface;
mod webhooks;
mod workflows;
mod workflows_on_ministack;
