//! Models that cost too much or never stop, and operators who stop them, on a whole host in virtual time.

mod attempts;
mod bounds;
mod budget;
mod command;
mod ledger;
mod secrets;
mod switch;
pub(crate) mod world;
