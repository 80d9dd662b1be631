//! What reminders need of this host: executions that wait for their time.

use std::sync::Weak;

use asl::runner::StartError;
use async_trait::async_trait;
use engine::error::{Error, Kind};
use engine::reminder::{Alarms, ReminderStart};

use super::Host;

/// The executions of this process.
pub(super) struct Executions(pub(super) Weak<Host>);

#[async_trait]
impl Alarms for Executions {
    async fn set(&self, start: ReminderStart) -> Result<(), Error> {
        let failed = || Error::new(Kind::Unavailable, "the reminder could not be set");
        let host = self.0.upgrade().ok_or_else(failed)?;
        // A reminder's name says whose session and call it is of, so it is one in all tenants.
        let name = start.reminder.clone();
        let input = serde_json::to_value(start).map_err(|error| failed().because(error))?;
        match host.runner.start("reminder", Some(&name), input).await {
            Ok(_) | Err(StartError::ExecutionAlreadyExists(_)) => Ok(()),
            Err(error) => Err(failed().because(error)),
        }
    }
}
