//! `statemachines/approval.asl.json`, and the people whom it waits for.

use std::time::Duration;

use async_trait::async_trait;
use engine::approval::{Answer, ApprovalStart, AskInput, Desk, TellInput, Waits};
use engine::error::Error;
use serde_json::Value;

use super::functions::Functions;
use super::stage::{Stage, draw};
use super::tally::Event;

/// Somebody answers, at once or just before or after it is too late.
async fn decide(stage: Stage, desk: Desk, approval: String, person: &'static str) {
    if draw(8) == 0 {
        let late = 3595 + 2 * draw(6);
        stage.nap(Duration::from_secs(late), None).await;
    }
    let answer = match draw(3) {
        0 => Answer::No,
        _ => Answer::Yes,
    };
    let call = ("local", approval.as_str());
    drop(desk.decide(call, person, answer, None).await);
}

#[async_trait]
impl Waits for Stage {
    /// `statemachines/approval.asl.json`.
    async fn start(&self, start: ApprovalStart) -> Result<(), Error> {
        self.point().await;
        if !self.asks(&start.approval) {
            return Ok(());
        }
        self.count(Event::Asked);
        let functions = Functions::new(self);
        let stage = self.clone();
        for person in ["ana", "ben"] {
            if draw(3) > 0 {
                let (desk, id) = (functions.desk.clone(), start.approval.clone());
                self.begin(decide(stage.clone(), desk, id, person));
            }
        }
        // The service keeps a Standard execution alive; only its functions may die.
        self.keep(async move {
            let ApprovalStart {
                session,
                approval,
                seconds,
            } = start;
            let wait = stage.nap(Duration::from_secs(seconds), Some(approval.clone()));
            let input = AskInput {
                session: session.clone(),
                approval: approval.clone(),
                token: approval.clone(),
            };
            let ask = functions.ask.clone();
            let asked = functions.invoke(move |_| {
                let (ask, input) = (ask.clone(), input.clone());
                async move { ask.handle(input).await }
            });
            if asked.await.is_ok() {
                wait.await;
            }
            let input = TellInput { session, approval };
            for _ in 0..7 {
                let (tell, input) = (functions.tell.clone(), input.clone());
                let told = functions.invoke(move |_| {
                    let (tell, input) = (tell.clone(), input.clone());
                    async move { tell.handle(input).await }
                });
                if told.await.is_ok() {
                    return;
                }
            }
            stage.must(false, "an answer was never told");
        });
        Ok(())
    }

    async fn go_on(&self, token: &str) -> Result<(), Error> {
        self.point().await;
        self.tell(token);
        Ok(())
    }

    async fn end(&self, _: &str, _: Result<Value, Error>) -> Result<(), Error> {
        Ok(())
    }
}
