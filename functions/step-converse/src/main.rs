//! `step-converse`: steps of workflows in which a bot talks with a contact. Sample: `events/step-converse/begins.json`.

use std::sync::Arc;

use engine::run::StepConverse;
use engine::switch::Switches;
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let step = StepConverse {
        goals: ground.goals(&store),
        intake: ground.intake()?,
        switches: Arc::new(Switches::new(ground.runtime.clone(), store)),
    };
    lambda::serve(async |input| step.handle(input).await).await
}
