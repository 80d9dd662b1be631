//! Machines of versions of workflows that are published between deployments: one for each version, never changed.

use async_trait::async_trait;
use engine::error::{Error, Kind};
use engine::run::{Children, Machines};
use engine::session::hash64;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::call::refused_as;
use crate::runs::WorkflowMachines;

#[cfg(test)]
mod tests;

/// The longest name of a machine, in characters.
const MAX_NAME: usize = 80;

/// What the placeholders for workflows begin with, such as `${workflow-brief}`.
const WORKFLOW: &str = "workflow-";

/// What those for functions begin with.
const STEP: &str = "step-";

/// Makes machines beside those that were deployed.
#[derive(Clone, Debug)]
pub struct PublishedMachines {
    /// Those that were deployed.
    pub machines: WorkflowMachines,
    /// What the ARNs of the functions begin with: `arn:aws:lambda:<region>:<account>:function:<stack>-`.
    pub functions: String,
    /// The ARN of the role that they run under.
    pub role: String,
    /// The ARN of the log group that they log to, with `:*` at its end.
    pub logs: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateStateMachine<'a> {
    name: &'a str,
    definition: &'a str,
    role_arn: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    logging_configuration: Value,
    tracing_configuration: Value,
}

impl PublishedMachines {
    /// The definition with what it calls filled in.
    fn filled(&self, definition: &Value, children: &Children) -> Result<String, Error> {
        let definition = definition.to_string();
        let mut filled = String::with_capacity(definition.len());
        let mut rest = definition.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            let (name, behind) = after.split_once('}').unwrap_or((after, ""));
            rest = behind;
            if let Some(workflow) = name.strip_prefix(WORKFLOW) {
                let machine = children.get(workflow).ok_or_else(|| unfilled(name))?;
                filled.push_str(&self.machines.machine(workflow, machine.as_deref()));
            } else if name.starts_with(STEP) {
                filled.extend([self.functions.as_str(), name]);
            } else {
                // Somebody's own words.
                filled.push_str("${");
                rest = after;
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

#[async_trait]
impl Machines for PublishedMachines {
    async fn make(
        &self,
        workflow: &str,
        definition: &Value,
        children: &Children,
    ) -> Result<String, Error> {
        let definition = self.filled(definition, children)?;
        let machine = format!("{:016x}", hash64(&[&definition, &self.role, &self.logs]));
        let arn = self.machines.machine(workflow, Some(&machine));
        let name = arn.rsplit(':').next().unwrap_or_default();
        if name.len() > MAX_NAME {
            let message = format!(
                "the machine of {workflow} would be called {name}, and names have at most {MAX_NAME} characters: \
                 call the workflow shorter"
            );
            return Err(Error::new(Kind::Invalid, message));
        }
        // The same again is no error: the service gives what it made the first time.
        let request = CreateStateMachine {
            name,
            definition: &definition,
            role_arn: &self.role,
            kind: "STANDARD",
            // As those that were deployed: errors, without what people said.
            logging_configuration: json!({
                "level": "ERROR",
                "includeExecutionData": false,
                "destinations": [{ "cloudWatchLogsLogGroup": { "logGroupArn": self.logs } }],
            }),
            tracing_configuration: json!({ "enabled": true }),
        };
        let target = "AWSStepFunctions.CreateStateMachine";
        let service = &self.machines.service;
        match service.ask::<IgnoredAny>(target, &request).await {
            Ok(_) => Ok(machine),
            Err(error) if refused_as(&error, "InvalidDefinition") => {
                let message = "Step Functions does not take the machine that was made of it";
                Err(Error::new(Kind::Invalid, message).because(error))
            }
            Err(error) => {
                let message = "the machine of the workflow could not be made";
                Err(Error::new(Kind::Unavailable, message).because(error))
            }
        }
    }
}

fn unfilled(name: &str) -> Error {
    Error::new(
        Kind::Internal,
        format!("a definition calls {name}, which is nothing"),
    )
}
