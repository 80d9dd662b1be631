//! `reminder-tell`: state `Tell` of `statemachines/reminder.asl.json`. What a bot meant to say comes into the session as
//! a turn, unless it is not to be said any more. Sample: `events/reminder-tell/due.json`.

use std::sync::Arc;

use engine::reminder::{Tell, TellInput};
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = Arc::new(ground.store()?);
    let tell = Tell {
        documents: store.clone(),
        transcripts: store,
        intake: ground.intake()?,
    };
    lambda::serve(async |input: TellInput| tell.handle(input).await).await
}
