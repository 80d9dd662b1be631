//! Turns as executions of a Step Functions state machine.

use async_trait::async_trait;
use engine::error::{Error, Kind};
use engine::turn::{TurnStart, Turns};

/// The Express state machine made of `statemachines/turn.asl.json`.
#[derive(Clone, Debug)]
pub struct TurnMachine {
    /// Speaks with Step Functions.
    pub client: aws_sdk_sfn::Client,
    /// The machine's ARN.
    pub arn: String,
}

#[async_trait]
impl Turns for TurnMachine {
    async fn start(&self, turn: TurnStart) -> Result<(), Error> {
        let unstarted = || Error::new(Kind::Unavailable, "the turn could not be started");
        let input = serde_json::to_string(&turn).map_err(|error| unstarted().because(error))?;
        let start = self.client.start_execution().state_machine_arn(&self.arn);
        let started = start.input(input).send().await;
        started
            .map(drop)
            .map_err(|error| unstarted().because(error))
    }
}
