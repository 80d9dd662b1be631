//! What a bot sets going beside its conversation: runs of workflows, and reminders; and what one wants of it.

mod checkin;
mod reminders;
mod runs;
mod world;
