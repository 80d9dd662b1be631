//! What a bot sets going beside its conversation: runs of workflows, and reminders.

mod reminders;
mod runs;
mod world;
