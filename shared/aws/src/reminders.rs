//! Reminders whose time is waited for by executions of a Step Functions state machine.

use async_trait::async_trait;
use engine::error::{Error, Kind};
use engine::reminder::{Alarms, ReminderStart};
use serde::de::IgnoredAny;

use crate::approvals::{StartExecution, done};
use crate::call::Service;

/// The Standard state machine made of `statemachines/reminder.asl.json`.
#[derive(Clone, Debug)]
pub struct ReminderMachine {
    pub(crate) service: Service,
    /// Its ARN.
    pub(crate) arn: String,
}

#[async_trait]
impl Alarms for ReminderMachine {
    async fn set(&self, start: ReminderStart) -> Result<(), Error> {
        let unset = || Error::new(Kind::Unavailable, "the reminder could not be set");
        let request = StartExecution {
            state_machine_arn: &self.arn,
            name: &start.reminder,
            input: serde_json::to_string(&start).map_err(|error| unset().because(error))?,
        };
        let target = "AWSStepFunctions.StartExecution";
        let started = self.service.ask::<IgnoredAny>(target, &request).await;
        done(started, &["ExecutionAlreadyExists"], unset)
    }
}
