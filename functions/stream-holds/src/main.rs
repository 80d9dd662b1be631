//! `stream-holds`: batches of the table's stream. Notes the holds that are open at the end of each, so that
//! the sweep finds those whose holder is gone. Sample: `events/stream-holds/batch.json`.

use aws::{Image, OpenHolds};
use lambda::Ground;
use serde::Deserialize;

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    dynamodb: Change,
}

#[derive(Deserialize)]
struct Change {
    /// Absent when the item was removed.
    #[serde(rename = "NewImage")]
    new: Option<Image>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    let ground = Ground::open().await?;
    let store = ground.store()?;
    lambda::serve(async |batch: Batch| {
        let mut holds = OpenHolds::default();
        for image in batch
            .records
            .iter()
            .filter_map(|record| record.dynamodb.new.as_ref())
        {
            holds.see(image);
        }
        store.note(&holds).await
    })
    .await
}
