//! What notices need of this host: executions that see them through.

use std::sync::Weak;

use asl::runner::StartError;
use async_trait::async_trait;
use engine::error::{Error, Kind};
use engine::notify::{Escalations, NoticeStart};

use super::Host;

/// The executions of this process.
pub(super) struct Executions(pub(super) Weak<Host>);

#[async_trait]
impl Escalations for Executions {
    async fn start(&self, start: NoticeStart) -> Result<(), Error> {
        let failed = || Error::new(Kind::Unavailable, "a notice could not be seen through");
        let host = self.0.upgrade().ok_or_else(failed)?;
        // A notice's name says whose run and step it is of, so it is one in all tenants.
        let name = format!("{}-{}", start.notice, start.round);
        let input = serde_json::to_value(start).map_err(|error| failed().because(error))?;
        match host.runner.start("notify", Some(&name), input).await {
            Ok(_) | Err(StartError::ExecutionAlreadyExists(_)) => Ok(()),
            Err(error) => Err(failed().because(error)),
        }
    }
}
