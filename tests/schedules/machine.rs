//! `statemachines/turn.asl.json`, its webhooks and its sweep.

use std::time::Duration;

use async_trait::async_trait;
use engine::error::Error;
use engine::session::SessionKey;
use engine::transcript::PlannedCall;
use engine::turn::{
    CallInput, Caught, DeliverOutput, FailInput, FailOutput, NumberedCall, Planned, RunInput,
    RunOutput, TurnStart, Turns,
};

use super::functions::{Functions, TIMING};
use super::stage::{Stage, draw, lost, point};
use super::tally::Event;

impl Functions {
    /// `statemachines/turn.asl.json` from its start.
    pub(crate) async fn turn(self, start: TurnStart) {
        let input = RunInput {
            start: start.clone(),
            turn: None,
            previous: None,
            waited: 0,
            retries: 0,
        };
        self.go(start, Next::Run(input)).await;
    }

    /// The same from where a plan was made.
    pub(crate) async fn carry_out(self, start: TurnStart, planned: RunOutput) {
        self.go(start, Next::Route(planned)).await;
    }

    async fn go(self, start: TurnStart, mut next: Next) {
        loop {
            let went = match next {
                Next::End => return,
                Next::Run(input) => self.run(input).await,
                Next::Route(output) => self.route(output).await,
            };
            next = match went {
                Ok(next) => next,
                Err(error) => match self.fail(&start, &error).await {
                    Ok(next) => next,
                    Err(_) => return,
                },
            };
        }
    }

    async fn run(&self, input: RunInput) -> Result<Next, Error> {
        let run = self.run.clone();
        let output = self
            .invoke(move |retries| {
                let (run, input) = (run.clone(), input.clone());
                async move { run.handle(RunInput { retries, ..input }).await }
            })
            .await?;
        Ok(Next::Route(output))
    }

    async fn route(&self, output: RunOutput) -> Result<Next, Error> {
        match output {
            RunOutput::Stop => Ok(Next::End),
            RunOutput::Wait {
                start,
                turn,
                waited,
            } => Ok(Next::Run(RunInput {
                start,
                turn: Some(turn),
                previous: None,
                waited,
                retries: 0,
            })),
            RunOutput::Tools { planned, calls } => {
                let calls = calls.into_iter().map(|call| self.call_once(&planned, call));
                for called in futures::future::join_all(calls).await {
                    called?;
                }
                Ok(Next::Run(RunInput {
                    start: planned.start,
                    turn: Some(planned.turn),
                    previous: Some(planned.plan),
                    waited: 0,
                    retries: 0,
                }))
            }
            RunOutput::Deliver(input) => {
                let deliver = self.deliver.clone();
                let output = self
                    .invoke(move |_| {
                        let (deliver, input) = (deliver.clone(), input.clone());
                        async move { deliver.handle(input).await }
                    })
                    .await?;
                Ok(delivered(output))
            }
        }
    }

    /// `tool-call`, as the state machine calls it.
    pub(crate) async fn call_once(
        &self,
        planned: &Planned,
        call: NumberedCall,
    ) -> Result<(), Error> {
        if let Some(made) = &call.planned {
            self.misuse(planned, &call, made);
        }
        let tool = self.call.clone();
        let input = CallInput {
            planned: planned.clone(),
            call,
        };
        self.invoke(move |_| {
            let (tool, input) = (tool.clone(), input.clone());
            async move { tool.handle(input).await }
        })
        .await
    }

    /// Another call is tried with the yes of this one: of other arguments, which nobody planned, or of the same,
    /// as a second call of the plan.
    fn misuse(&self, planned: &Planned, call: &NumberedCall, made: &PlannedCall) {
        if made.approval.is_none() || made.intent.contains('~') || draw(2) == 0 {
            return;
        }
        let mut other = made.clone();
        if draw(2) == 0 {
            other.intent.push_str("~altered");
            other.arguments["amount"] = 8000.into();
        } else {
            other.intent.push_str("~other");
            if !self.stage.plan_too(planned, &other) {
                return;
            }
        }
        self.stage.count(Event::Altered);
        let call = NumberedCall {
            number: 1,
            planned: Some(other),
            ..call.clone()
        };
        let (tool, planned) = (self.call.clone(), planned.clone());
        self.stage.begin(async move {
            drop(tool.handle(CallInput { planned, call }).await);
        });
    }

    async fn fail(&self, start: &TurnStart, error: &Error) -> Result<Next, Error> {
        self.stage.count(Event::FailedForGood);
        let (fail, start) = (self.fail.clone(), start.clone());
        let error = Caught {
            error: error.kind().name().to_owned(),
            cause: error.to_string(),
        };
        let input = FailInput { start, error };
        // The state machine tries this once.
        let done = self.stage.start(async move { fail.handle(input).await });
        match done.await {
            Ok(Some(Ok(FailOutput::Undo(output)))) => Ok(Next::Route(output)),
            Ok(Some(Ok(FailOutput::Parked(output)))) => Ok(delivered(output)),
            Ok(Some(Err(error))) => Err(error),
            Ok(None) | Err(_) => Err(lost()),
        }
    }

    /// Calls a function as a state machine does: three times at most, told how often before. It may be given up and go on.
    pub(super) async fn invoke<T, F>(&self, work: impl Fn(u32) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let mut last = lost();
        for attempt in 0..3 {
            let called = self.stage.start(work(attempt));
            if self.stage.fails(40, Event::GivenUp) {
                for _ in 0..draw(8) {
                    point().await;
                }
                continue;
            }
            match called.await {
                Ok(Some(Ok(done))) => return Ok(done),
                Ok(Some(Err(error))) if error.kind().is_retryable() => last = error,
                Ok(Some(Err(error))) => return Err(error),
                Ok(None) | Err(_) => {}
            }
        }
        Err(last)
    }

    /// A webhook brings a message until it is answered; nothing when it gives up.
    pub(crate) async fn deliver_message(self, key: SessionKey, id: String) {
        for attempt in 0..3 {
            let (intake, key, id) = (self.intake.clone(), key.clone(), id.clone());
            let message = id.clone();
            let posted = self
                .stage
                .start(async move { intake.post(&key, &id, "hello").await });
            if let Ok(Some(Ok(_))) = posted.await {
                self.stage.ledger().acknowledged.push(message);
                if !self.stage.fails(10, Event::DeliveredAgain) {
                    return;
                }
            } else if attempt > 0 {
                self.stage.count(Event::DeliveredAgain);
            }
        }
    }

    /// Time passes until the lease is over, and the sweep starts what nobody holds.
    pub(crate) async fn sweep(self) {
        self.stage.pass(TIMING.lease + Duration::from_millis(1));
        if let Ok(starts) = self.sweep.handle(10).await {
            for start in starts {
                self.stage.begin(self.clone().turn(start));
            }
        }
    }

    /// Everything that is left is done without faults.
    pub(crate) async fn come_to_rest(&self, key: &SessionKey) {
        self.stage.settle().await;
        self.stage.calm();
        for _ in 0..12 {
            if self.stage.session(key).owner.is_none() {
                break;
            }
            self.stage.begin(self.clone().sweep());
            self.stage.settle().await;
        }
    }
}

/// Where the state machine goes.
enum Next {
    Run(RunInput),
    Route(RunOutput),
    End,
}

fn delivered(output: DeliverOutput) -> Next {
    match output {
        DeliverOutput::Stop => Next::End,
        DeliverOutput::Round {
            start,
            turn,
            previous,
        } => Next::Run(RunInput {
            start,
            turn: Some(turn),
            previous,
            waited: 0,
            retries: 0,
        }),
    }
}

#[async_trait]
impl Turns for Stage {
    async fn start(&self, turn: TurnStart) -> Result<(), Error> {
        self.point().await;
        let functions = Functions::new(self);
        if self.fails(10, Event::StartedTwice) {
            self.begin(functions.clone().turn(turn.clone()));
        }
        self.begin(functions.turn(turn));
        Ok(())
    }
}
