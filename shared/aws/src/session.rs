//! The session machine on `DynamoDB`: each command is one conditional `UpdateItem` on one item.
//!
//! The item holds the fields of [`Session`](engine::session::Session) under their own names, and
//! `drained`, the count of messages that have left the inbox: a condition cannot subtract.

mod expression;
mod item;
#[cfg(test)]
mod tests;
mod update;

pub(crate) use item::{Stored, hash_set, hashes, read};
pub(crate) use update::update;
