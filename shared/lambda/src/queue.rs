//! Batches of an SQS queue; what fails goes back to the queue, the rest does not.

use engine::error::Error;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::{log, parse};
use crate::invoke::serve_raw;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    records: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: String,
    body: String,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Handled {
    batch_item_failures: Vec<Failed>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: String,
}

/// Serves messages with bodies of the form `I`, in order, until Lambda ends the process.
///
/// # Errors
/// When the runtime API fails.
pub async fn serve_queue<I: DeserializeOwned>(
    handle: impl AsyncFn(I) -> Result<(), Error>,
) -> Result<(), crate::Error> {
    serve_raw(async |payload: &str| {
        let batch: Batch = parse(payload)?;
        let mut handled = Handled::default();
        for message in batch.records {
            let done = async { handle(parse(&message.body)?).await };
            if let Err(error) = done.await {
                log(&error);
                handled.batch_item_failures.push(Failed {
                    item_identifier: message.message_id,
                });
            }
        }
        Ok(handled)
    })
    .await
}
