//! `turn-run`: state `Run turn` of `statemachines/turn.asl.json`. Reads what was said, thinks once, writes
//! down what to do. Sample: `events/turn-run/start.json`.

use std::sync::Arc;
use std::time::Duration;

use engine::budget::Ledger;
use engine::switch::Switches;
use engine::turn::{Run, RunInput, Timing};
use lambda::{Crew, Ground};

/// What the function's time leaves for the model, with reading before and writing after it.
const THINK: Duration = Duration::from_secs(140);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let shelf = ground.shelf()?.checking_arguments();
    let secrets = ground.secrets()?;
    let sockets = ground.sockets()?;
    let history = shelf.iter().map(|bot| bot.limits.history_turns).max();
    let store = ground.store()?.parking(ground.parked()?);
    let store = store.telling(sockets.clone());
    let store = Arc::new(store.reading_ahead(history.unwrap_or_default()));
    let run = Run {
        runtime: ground.runtime.clone(),
        sessions: store.clone(),
        transcripts: store.clone(),
        results: store.clone(),
        outcomes: store.clone(),
        spill: store.clone(),
        carriers: ground.carriers(&shelf, &secrets, &ground.web()?),
        desk: ground.desk(&store, &shelf),
        secrets: secrets.clone(),
        crew: Arc::new(Crew::new(&ground, shelf, secrets)),
        ledger: Arc::new(Ledger::new(store.clone())),
        switches: Arc::new(Switches::new(ground.runtime.clone(), store.clone())),
        events: sockets,
        timing: Timing {
            think: THINK,
            ..Timing::default()
        },
        herald: ground.herald(&store)?,
    };
    lambda::serve(async |input: RunInput| {
        let session = input.start.session.clone();
        let output = run.handle(input).await;
        store.tell(&session).await;
        output
    })
    .await
}
