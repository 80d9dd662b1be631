//! Notices that are seen through as executions of a Step Functions state machine.

use async_trait::async_trait;
use engine::error::{Error, Kind};
use engine::notify::{Escalations, NoticeStart};
use serde::de::IgnoredAny;

use crate::approvals::{StartExecution, done};
use crate::call::Service;

/// The Standard state machine made of `statemachines/notify.asl.json`.
#[derive(Clone, Debug)]
pub struct NoticeMachine {
    pub(crate) service: Service,
    /// Its ARN.
    pub(crate) arn: String,
}

#[async_trait]
impl Escalations for NoticeMachine {
    async fn start(&self, start: NoticeStart) -> Result<(), Error> {
        let unstarted = || Error::new(Kind::Unavailable, "a notice could not be seen through");
        let request = StartExecution {
            state_machine_arn: &self.arn,
            name: &format!("{}-{}", start.notice, start.round),
            input: serde_json::to_string(&start).map_err(|error| unstarted().because(error))?,
        };
        let target = "AWSStepFunctions.StartExecution";
        let started = self.service.ask::<IgnoredAny>(target, &request).await;
        done(started, &["ExecutionAlreadyExists"], unstarted)
    }
}
