//! Turns as executions of a Step Functions state machine.

use async_trait::async_trait;
use engine::error::{Error, Kind};
use engine::turn::{TurnStart, Turns};
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::call::Service;

/// The Express state machine made of `statemachines/turn.asl.json`.
#[derive(Clone, Debug)]
pub struct TurnMachine {
    pub(crate) service: Service,
    pub(crate) arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StartExecution<'a> {
    state_machine_arn: &'a str,
    input: String,
}

#[async_trait]
impl Turns for TurnMachine {
    async fn start(&self, turn: TurnStart) -> Result<(), Error> {
        let unstarted = || Error::new(Kind::Unavailable, "the turn could not be started");
        let input = serde_json::to_string(&turn).map_err(|error| unstarted().because(error))?;
        let start = StartExecution {
            state_machine_arn: &self.arn,
            input,
        };
        let target = "AWSStepFunctions.StartExecution";
        let started = self.service.ask::<IgnoredAny>(target, &start).await;
        started
            .map(drop)
            .map_err(|error| unstarted().because(error))
    }
}
