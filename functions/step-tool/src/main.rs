//! `step-tool`: steps of workflows that call a tool of the bot. Sample: `events/step-tool/lookup.json`.

use std::sync::Arc;

use engine::run::StepTool;
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let shelf = ground.shelf()?.checking_arguments();
    let step = StepTool {
        bots: shelf.clone(),
        effects: ground.effects(&store)?,
        desk: ground.desk(&store, &shelf),
    };
    lambda::serve(async |input| step.handle(input).await).await
}
