//! Questions to people as executions of a Step Functions state machine.

use async_trait::async_trait;
use aws_smithy_runtime_api::box_error::BoxError;
use engine::approval::{ApprovalStart, Waits};
use engine::error::{Error, Kind};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::call::{Service, refused_as};

/// The Standard state machine made of `statemachines/approval.asl.json`.
#[derive(Clone, Debug)]
pub struct ApprovalMachine {
    pub(crate) service: Service,
    /// Its ARN, where questions are asked and not only answered.
    pub(crate) arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartExecution<'a> {
    pub(crate) state_machine_arn: &'a str,
    pub(crate) name: &'a str,
    pub(crate) input: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SendTaskSuccess<'a> {
    task_token: &'a str,
    output: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SendTaskFailure<'a> {
    task_token: &'a str,
    error: &'a str,
    cause: &'a str,
}

#[async_trait]
impl Waits for ApprovalMachine {
    async fn start(&self, start: ApprovalStart) -> Result<(), Error> {
        let unstarted = || Error::new(Kind::Unavailable, "nobody could be asked");
        let unset = || Error::new(Kind::Internal, "this function does not ask people");
        let request = StartExecution {
            state_machine_arn: self.arn.as_deref().ok_or_else(unset)?,
            name: &start.approval,
            input: serde_json::to_string(&start).map_err(|error| unstarted().because(error))?,
        };
        let target = "AWSStepFunctions.StartExecution";
        let started = self.service.ask::<IgnoredAny>(target, &request).await;
        done(started, &["ExecutionAlreadyExists"], unstarted)
    }

    async fn go_on(&self, token: &str) -> Result<(), Error> {
        self.end(token, Ok(Value::Null)).await
    }

    async fn end(&self, token: &str, with: Result<Value, Error>) -> Result<(), Error> {
        let told = match &with {
            Ok(output) => {
                let request = SendTaskSuccess {
                    task_token: token,
                    output: &output.to_string(),
                };
                let target = "AWSStepFunctions.SendTaskSuccess";
                self.service.ask::<IgnoredAny>(target, &request).await
            }
            Err(error) => {
                let request = SendTaskFailure {
                    task_token: token,
                    error: error.kind().name(),
                    cause: &error.to_string(),
                };
                let target = "AWSStepFunctions.SendTaskFailure";
                self.service.ask::<IgnoredAny>(target, &request).await
            }
        };
        let untold = || Error::new(Kind::Unavailable, "the answer could not be passed on");
        done(told, &["TaskTimedOut", "TaskDoesNotExist"], untold)
    }
}

/// What a refusal with one of the names `harmless` says has happened already.
pub(crate) fn done(
    answer: Result<IgnoredAny, BoxError>,
    harmless: &[&str],
    failed: impl Fn() -> Error,
) -> Result<(), Error> {
    match answer {
        Ok(_) => Ok(()),
        Err(error) if harmless.iter().any(|name| refused_as(&error, name)) => Ok(()),
        Err(error) => Err(failed().because(error)),
    }
}
