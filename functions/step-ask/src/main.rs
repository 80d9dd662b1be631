//! `step-ask`: steps of workflows that ask a model. Sample: `events/step-ask/question.json`.

use std::sync::Arc;

use engine::budget::Ledger;
use engine::run::StepAsk;
use lambda::{Crew, Ground};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let step = StepAsk {
        crew: Arc::new(Crew::new(&ground, ground.shelf()?, ground.secrets()?)),
        effects: ground.effects(&store)?,
        ledger: Arc::new(Ledger::new(store.clone())),
    };
    lambda::serve(async |input| step.handle(input).await).await
}
