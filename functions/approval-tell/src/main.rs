//! `approval-tell`: state `Tell` of `statemachines/approval.asl.json`. What people said, or that nobody did, comes
//! back into the session as a turn. Sample: `events/approval-tell/denied.json`.

use std::sync::Arc;

use engine::approval::{Tell, TellInput};
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let tell = Tell {
        desk: ground.desk(&store, &ground.shelf()?),
        intake: ground.intake()?,
        herald: ground.herald(&store)?,
    };
    lambda::serve(async |input: TellInput| tell.handle(input).await).await
}
