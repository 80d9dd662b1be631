//! `step-approve`: steps of workflows that wait for a person's yes. Sample: `events/step-approve/question.json`.

use std::sync::Arc;

use engine::run::StepApprove;
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let step = StepApprove {
        desk: ground.asking_desk(&store, &ground.shelf()?)?,
    };
    lambda::serve(async |input| step.handle(input).await).await
}
