//! What approvals need of this host: executions that wait, and what they call.

use std::sync::Weak;

use asl::runner::{ExecutionId, StartError, TokenError};
use async_trait::async_trait;
use engine::approval::{ApprovalStart, Ask, AskInput, AskOutput, Waits};
use engine::error::{Error, Kind};
use serde_json::Value;

use super::Host;

/// The executions of this process.
pub(super) struct Executions(pub(super) Weak<Host>);

#[async_trait]
impl Waits for Executions {
    async fn start(&self, start: ApprovalStart) -> Result<(), Error> {
        let Some(host) = self.0.upgrade() else {
            return Err(stopping());
        };
        let name = start.approval.clone();
        let input = serde_json::to_value(start).map_err(|error| {
            Error::new(Kind::Internal, "an approval's input cannot be written").because(error)
        })?;
        match host.runner.start("approval", Some(&name), input).await {
            Ok(_) | Err(StartError::ExecutionAlreadyExists(_)) => Ok(()),
            Err(error) => Err(failed("nobody could be asked").because(error)),
        }
    }

    async fn go_on(&self, token: &str) -> Result<(), Error> {
        self.end(token, Ok(Value::Null)).await
    }

    async fn end(&self, token: &str, with: Result<Value, Error>) -> Result<(), Error> {
        let Some(host) = self.0.upgrade() else {
            return Err(stopping());
        };
        let told = match with {
            Ok(output) => host.runner.send_task_success(token, output).await,
            Err(error) => {
                let (name, cause) = (error.kind().name(), error.to_string());
                host.runner
                    .send_task_failure(token, Some(name), Some(&cause))
                    .await
            }
        };
        match told {
            Ok(()) | Err(TokenError::TaskTimedOut) => Ok(()),
            Err(error) => Err(failed("the answer could not be passed on").because(error)),
        }
    }
}

/// The execution that waits for answers to an approval.
pub(super) fn execution(id: &str) -> ExecutionId {
    ExecutionId::new(&format!(
        "arn:aws:states:local:000000000000:execution:approval:{id}"
    ))
}

fn stopping() -> Error {
    failed("this host is stopping")
}

fn failed(message: &str) -> Error {
    Error::new(Kind::Unavailable, message)
}

/// Asks people, and says in the log who could not be asked.
pub(super) async fn ask(ask: &Ask, input: AskInput) -> Result<AskOutput, Error> {
    let approval = input.approval.clone();
    let output = ask.handle(input).await?;
    for unasked in &output.unasked {
        tracing::warn!(approval, unasked, "an approver could not be asked");
    }
    Ok(output)
}
