//! The engine's ports on SQLite: one file, one process, durable and offline.
//!
//! Sessions and the latest transcript items are answered from memory; everything else runs on one connection
//! inside an open transaction. A [`Flush`] writes what memory has answered, commits and syncs the log:
//! everything answered before is durable then, in one sync for all sessions (group commit).
//! [`Sessions::durable`](engine::session::Sessions::durable) waits for it.
//! What was answered but not yet synced is lost in a power cut, together and in order, never in parts.

mod cache;
mod disk;
mod documents;
mod durability;
mod executions;
mod flush;
mod memory;
mod outcomes;
mod records;
mod schema;
mod sessions;
mod store;
mod transcripts;

#[cfg(test)]
mod tests;

pub use disk::{Disk, FileDisk, VolatileDisk};
pub use flush::{Flush, FlushTask, FlushThread};
pub use records::StoredRecord;
pub use sessions::SessionSummary;
pub use store::Store;
