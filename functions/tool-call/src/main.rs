//! `tool-call`: state `Call tool` of `statemachines/turn.asl.json`. Claims an intent, runs it, records what
//! it came to. Sample: `events/tool-call/lookup.json`.

use std::sync::Arc;

use engine::switch::Switches;
use engine::tool::Toolbox;
use engine::turn::{CallInput, CallTool, Timing};
use lambda::Ground;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let sockets = ground.sockets()?;
    let store = Arc::new(ground.store()?.telling(sockets.clone()));
    let shelf = ground.shelf()?.checking_arguments();
    let call_tool = CallTool {
        runtime: ground.runtime.clone(),
        sessions: store.clone(),
        transcripts: store.clone(),
        results: store.clone(),
        documents: store.clone(),
        bots: shelf.clone(),
        toolbox: Toolbox {
            http: ground.web()?,
            records: store.clone(),
            secrets: ground.secrets()?,
            errands: Arc::new(ground.clerk(&store, &shelf)?),
        },
        desk: ground.asking_desk(&store, &shelf)?,
        switches: Arc::new(Switches::new(ground.runtime.clone(), store.clone())),
        events: sockets,
        timing: Timing::default(),
    };
    lambda::serve(async |input: CallInput| {
        let session = input.planned.start.session.clone();
        let output = call_tool.handle(input).await;
        store.tell(&session).await;
        output
    })
    .await
}
