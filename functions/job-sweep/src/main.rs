//! `job-sweep`: every few minutes, by EventBridge Scheduler. Takes over holds whose holder is gone and
//! starts their turns. Sample: `events/job-sweep/scheduled.json`.

use std::sync::Arc;

use engine::turn::{Sweep, Timing, Turns};
use lambda::Ground;
use serde::{Deserialize, Serialize};

/// The most holds one sweep takes over; the next takes the rest.
const MOST: usize = 200;

/// The schedule's payload says nothing that matters here.
#[derive(Deserialize)]
struct Scheduled {}

#[derive(Serialize)]
struct Swept {
    started: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let turns = ground.turns()?;
    let sweep = Sweep {
        runtime: ground.runtime.clone(),
        sessions: Arc::new(ground.store()?),
        timing: Timing::default(),
    };
    lambda::serve(async |_: Scheduled| {
        let left = sweep.handle(MOST).await?;
        let started = left.len();
        for turn in left {
            turns.start(turn).await?;
        }
        Ok(Swept { started })
    })
    .await
}
