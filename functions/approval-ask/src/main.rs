//! `approval-ask`: state `Ask` of `statemachines/approval.asl.json`. Notes what the execution waits for, and asks
//! those who may decide. Sample: `events/approval-ask/pending.json`.

use std::sync::Arc;

use engine::approval::{Ask, AskInput};
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let ask = Ask {
        desk: ground.desk(&store, &ground.shelf()?),
        intake: ground.intake()?,
        links: Arc::new(ground.accesses()?),
    };
    lambda::serve(async |input: AskInput| {
        let approval = input.approval.clone();
        let output = ask.handle(input).await?;
        for unasked in &output.unasked {
            tracing::warn!(approval, unasked, "an approver could not be asked");
        }
        Ok(output)
    })
    .await
}
