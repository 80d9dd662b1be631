//! The engine's ports on AWS: one `DynamoDB` table, one bucket, Step Functions, SQS, Secrets Manager and
//! the connections of a WebSocket API.

mod approvals;
mod bodies;
mod call;
mod cloud;
mod documents;
mod events;
mod holds;
mod item;
mod machine;
mod notices;
mod outcomes;
mod parked;
mod publish;
mod recent;
mod reminders;
mod runs;
mod secrets;
mod session;
mod sessions;
mod sockets;
mod store;
mod transcripts;

pub use approvals::ApprovalMachine;
pub use bodies::Bodies;
pub use cloud::{Cloud, Unset};
pub use events::EventBus;
pub use holds::{Image, OpenHolds};
pub use item::{BadItem, Item};
pub use machine::TurnMachine;
pub use notices::NoticeMachine;
pub use parked::{Parked, ParkedTurn};
pub use publish::PublishedMachines;
pub use reminders::ReminderMachine;
pub use runs::WorkflowMachines;
pub use secrets::{SecretsFile, Vault};
pub use sockets::{Connection, Sockets};
pub use store::Store;
