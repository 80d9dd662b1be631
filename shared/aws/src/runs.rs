//! Runs of workflows as executions of Step Functions state machines, one Standard machine for each workflow.

use async_trait::async_trait;
use aws_smithy_runtime_api::box_error::BoxError;
use engine::error::{Error, Kind};
use engine::run::record::Occurrence;
use engine::run::{Histories, RunRef, RunStart, RunState, RunStatus, Runs};
use engine::runtime::Time;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::{Service, refused_as};

#[cfg(test)]
mod tests;

/// How many events are read at once; as many as the service gives.
const PAGE: u32 = 1000;

/// The most pages: an execution has at most 25,000 events.
const PAGES: usize = 25;

/// The machines of workflows: `<prefix><workflow>`, and `<prefix><workflow>-<hash>` of versions published since.
#[derive(Clone, Debug)]
pub struct WorkflowMachines {
    pub(crate) service: Service,
    /// What their ARNs begin with: `arn:aws:states:<region>:<account>:stateMachine:<stack>-workflow-`.
    pub(crate) prefix: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StartExecution<'a> {
    state_machine_arn: &'a str,
    name: &'a str,
    input: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StopExecution<'a> {
    execution_arn: &'a str,
    error: &'a str,
    cause: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RedriveExecution<'a> {
    execution_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DescribeExecution<'a> {
    execution_arn: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    status: String,
    /// The input as JSON.
    #[serde(default)]
    input: Option<String>,
    /// When it ended, in seconds since 1970.
    #[serde(default)]
    stop_date: Option<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GetExecutionHistory<'a> {
    execution_arn: &'a str,
    max_results: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    events: Vec<Event>,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    /// Seconds since 1970.
    timestamp: f64,
    #[serde(rename = "type")]
    kind: String,
    /// Among others, `<kind of event>EventDetails`.
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl WorkflowMachines {
    /// The ARN of the machine that was deployed of a workflow, or that a published version has of its own.
    pub(crate) fn machine(&self, workflow: &str, published: Option<&str>) -> String {
        match published {
            // No workflow has a `-` in its name.
            Some(machine) => format!("{}{workflow}-{machine}", self.prefix),
            None => format!("{}{workflow}", self.prefix),
        }
    }

    fn machine_of(&self, run: &RunRef) -> String {
        self.machine(&run.workflow, run.machine.as_deref())
    }

    fn execution(&self, run: &RunRef) -> String {
        let machine = self
            .machine_of(run)
            .replacen(":stateMachine:", ":execution:", 1);
        format!("{machine}:{}", run.id)
    }

    /// What an execution was started with that has ended; none when it was taken up again since.
    ///
    /// # Errors
    /// When it is none of a workflow, or cannot be read.
    pub async fn ended_with(&self, execution: &str) -> Result<Option<RunStart>, Error> {
        let absent = || Error::new(Kind::NotFound, "there is no such execution");
        let described = self.describe(execution).await?.ok_or_else(absent)?;
        let input = described.input.ok_or_else(absent)?;
        let start = serde_json::from_str(&input).map_err(|error| unreadable().because(error))?;
        Ok(Some(start).filter(|_| described.status != "RUNNING"))
    }

    async fn describe(&self, execution: &str) -> Result<Option<Described>, Error> {
        let request = DescribeExecution {
            execution_arn: execution,
        };
        let target = "AWSStepFunctions.DescribeExecution";
        absent(self.service.ask(target, &request).await)
    }
}

#[async_trait]
impl Runs for WorkflowMachines {
    async fn start(&self, start: &RunStart) -> Result<(), Error> {
        let unstarted = || Error::new(Kind::Unavailable, "the run could not be started");
        let request = StartExecution {
            state_machine_arn: &self.machine_of(&start.run),
            name: &start.run.id,
            input: serde_json::to_string(start).map_err(|error| unstarted().because(error))?,
        };
        let target = "AWSStepFunctions.StartExecution";
        match self.service.ask::<IgnoredAny>(target, &request).await {
            Ok(_) => Ok(()),
            Err(error) if refused_as(&error, "ExecutionAlreadyExists") => Ok(()),
            Err(error) => Err(unstarted().because(error)),
        }
    }

    async fn cancel(&self, run: &RunRef, why: &str) -> Result<bool, Error> {
        // The service takes no notice of whether an execution had ended.
        if self.state(run).await? != RunState::Running {
            return Ok(false);
        }
        let request = StopExecution {
            execution_arn: &self.execution(run),
            error: "Cancelled",
            cause: why,
        };
        let target = "AWSStepFunctions.StopExecution";
        let stopped = self.service.ask::<IgnoredAny>(target, &request).await;
        let stopped = stopped.map_err(|error| {
            Error::new(Kind::Unavailable, "the run could not be cancelled").because(error)
        });
        stopped.map(|_| true)
    }

    async fn retry(&self, run: &RunRef) -> Result<bool, Error> {
        let request = RedriveExecution {
            execution_arn: &self.execution(run),
        };
        let target = "AWSStepFunctions.RedriveExecution";
        match self.service.ask::<IgnoredAny>(target, &request).await {
            Ok(_) => Ok(true),
            // It runs, has succeeded, or ended more than 14 days ago.
            Err(error) if refused_as(&error, "ExecutionNotRedrivable") => Ok(false),
            Err(error) if refused_as(&error, "ExecutionDoesNotExist") => Ok(false),
            Err(error) => {
                let message = "the run could not be retried";
                Err(Error::new(Kind::Unavailable, message).because(error))
            }
        }
    }

    async fn state(&self, run: &RunRef) -> Result<RunState, Error> {
        let Some(described) = self.describe(&self.execution(run)).await? else {
            return Ok(RunState::Absent);
        };
        let how = match described.status.as_str() {
            "SUCCEEDED" => RunStatus::Succeeded,
            "FAILED" => RunStatus::Failed,
            "TIMED_OUT" => RunStatus::TimedOut,
            "ABORTED" => RunStatus::Cancelled,
            _ => return Ok(RunState::Running),
        };
        let at = time(described.stop_date.unwrap_or_default());
        Ok(RunState::Ended { how, at })
    }
}

#[async_trait]
impl Histories for WorkflowMachines {
    async fn events(&self, run: &RunRef) -> Result<Vec<Occurrence>, Error> {
        let execution = self.execution(run);
        let mut events = Vec::new();
        let mut next_token = None;
        for _ in 0..PAGES {
            let request = GetExecutionHistory {
                execution_arn: &execution,
                max_results: PAGE,
                next_token,
            };
            let target = "AWSStepFunctions.GetExecutionHistory";
            let page: Option<Page> = absent(self.service.ask(target, &request).await)?;
            let Some(page) = page else { break };
            events.extend(page.events.into_iter().map(occurrence));
            next_token = page.next_token;
            if next_token.is_none() {
                break;
            }
        }
        Ok(events)
    }
}

fn absent<T>(answer: Result<T, BoxError>) -> Result<Option<T>, Error> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if refused_as(&error, "ExecutionDoesNotExist") => Ok(None),
        Err(error) => Err(unreadable().because(error)),
    }
}

fn unreadable() -> Error {
    Error::new(Kind::Unavailable, "the executions cannot be read")
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of a date")]
fn time(seconds: f64) -> Time {
    Time((seconds * 1000.0).round() as i64)
}

fn occurrence(event: Event) -> Occurrence {
    let mut members = event.members.into_iter();
    let details = members.find_map(|(name, details)| match details {
        Value::Object(details) if name.ends_with("EventDetails") => Some(details),
        _ => None,
    });
    let details = details.unwrap_or_default();
    let text = |name: &str| details.get(name)?.as_str().map(str::to_owned);
    // Values are JSON in texts.
    let value = |name: &str| serde_json::from_str(details.get(name)?.as_str()?).ok();
    Occurrence {
        kind: event.kind,
        at: time(event.timestamp),
        // An evaluation that failed calls its state so.
        name: text("name").or_else(|| text("state")),
        input: value("input").or_else(|| value("parameters")),
        output: value("output"),
        error: text("error"),
        cause: text("cause"),
    }
}
