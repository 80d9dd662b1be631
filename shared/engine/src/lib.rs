//! What a session, a turn, a tool and a bot are.

pub mod approval;
pub mod attend;
pub mod bot;
pub mod brain;
pub mod budget;
pub mod document;
pub mod error;
pub mod event;
pub mod http;
pub mod message;
pub mod model;
pub mod notify;
pub mod overlap;
pub mod reminder;
pub mod run;
pub mod runtime;
pub mod schedule;
pub mod secret;
pub mod session;
pub mod switch;
pub mod tool;
pub mod transcript;
pub mod turn;
pub mod unknown;
pub mod view;
pub mod workflow;
mod yaml;
