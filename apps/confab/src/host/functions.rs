//! The functions under the names that state machines call.

use asl::runner::{FunctionError, Functions};
use async_trait::async_trait;
use engine::approval::{Ask, Tell};
use engine::error::{Error, Kind};
use engine::reminder;
use engine::run::{StepApprove, StepAsk, StepConverse, StepHttp, StepNotify, StepTool, StepWait};
use engine::turn::{CallTool, Deliver, Fail, Run};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::approvals;

/// The functions that state machines call, by name.
pub const FUNCTIONS: [&str; 15] = [
    "turn-run",
    "tool-call",
    "turn-deliver",
    "turn-fail",
    "approval-ask",
    "approval-tell",
    "step-tool",
    "step-ask",
    "step-converse",
    "step-http",
    "step-approve",
    "step-wait",
    "step-notify",
    "notify-advance",
    "reminder-tell",
];

/// The address of the function `name` on this machine.
fn arn(name: &str) -> String {
    format!("arn:aws:lambda:local:000000000000:function:{name}")
}

/// What a placeholder in a state machine stands for here: a function, or the machine of a workflow.
pub(super) fn address(called: &str) -> String {
    match called.strip_prefix("workflow-") {
        Some(_) => called.to_owned(),
        None => arn(called),
    }
}

/// What `statemachines/*.asl.json` call.
pub(super) struct HostFunctions {
    pub(super) run: Run,
    pub(super) call_tool: CallTool,
    pub(super) deliver: Deliver,
    pub(super) fail: Fail,
    pub(super) ask: Ask,
    pub(super) tell: Tell,
    pub(super) remind: reminder::Tell,
    pub(super) step_tool: StepTool,
    pub(super) step_ask: StepAsk,
    pub(super) step_converse: StepConverse,
    pub(super) step_http: StepHttp,
    pub(super) step_approve: StepApprove,
    pub(super) step_wait: StepWait,
    pub(super) step_notify: StepNotify,
}

#[async_trait]
impl Functions for HostFunctions {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, FunctionError> {
        let name = function.rsplit(':').next().unwrap_or_default();
        let answer = match name {
            "turn-run" => call(payload, |input| self.run.handle(input)).await,
            "tool-call" => call(payload, |input| self.call_tool.handle(input)).await,
            "turn-deliver" => call(payload, |input| self.deliver.handle(input)).await,
            "turn-fail" => call(payload, |input| self.fail.handle(input)).await,
            "approval-ask" => call(payload, |input| approvals::ask(&self.ask, input)).await,
            "approval-tell" => call(payload, |input| self.tell.handle(input)).await,
            "step-tool" => call(payload, |input| self.step_tool.handle(input)).await,
            "step-ask" => call(payload, |input| self.step_ask.handle(input)).await,
            "step-converse" => call(payload, |input| self.step_converse.handle(input)).await,
            "step-http" => call(payload, |input| self.step_http.handle(input)).await,
            "step-approve" => call(payload, |input| self.step_approve.handle(input)).await,
            "step-wait" => call(payload, |input| self.step_wait.handle(input)).await,
            "step-notify" => call(payload, |input| self.step_notify.handle(input)).await,
            "notify-advance" => call(payload, |input| self.step_notify.router.handle(input)).await,
            "reminder-tell" => call(payload, |input| self.remind.handle(input)).await,
            _ => return Err(FunctionError::not_found(function)),
        };
        answer.map_err(|error| {
            tracing::warn!(function = name, error = %error.chain(), "a function failed");
            FunctionError::raised(error.kind().name(), error.to_string())
        })
    }
}

async fn call<I, O, F>(payload: Value, handle: impl FnOnce(I) -> F) -> Result<Value, Error>
where
    I: DeserializeOwned,
    O: Serialize,
    F: Future<Output = Result<O, Error>>,
{
    let invalid = |error: serde_json::Error| {
        Error::new(Kind::Invalid, "the payload is not of this function's form").because(error)
    };
    let input = serde_json::from_value(payload).map_err(invalid)?;
    serde_json::to_value(handle(input).await?).map_err(invalid)
}
