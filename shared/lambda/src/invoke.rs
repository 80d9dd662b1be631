//! One payload in, one answer out, before the deadline.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::error::{Error, Kind};
use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::failure::{Failure, log, parse};

/// Time left for the answer when work is cut off: Lambda kills what does not answer by itself.
const MARGIN: Duration = Duration::from_millis(500);

/// Serves payloads of the form `I` until Lambda ends the process.
///
/// # Errors
/// When the runtime API fails.
pub async fn serve<I: DeserializeOwned, O: Serialize>(
    handle: impl AsyncFn(I) -> Result<O, Error>,
) -> Result<(), crate::Error> {
    serve_raw(async |payload: &str| handle(parse(payload)?).await).await
}

/// Serves payloads as they come. A failure is logged once, here.
pub(crate) async fn serve_raw<O: Serialize>(
    handle: impl AsyncFn(&str) -> Result<O, Error>,
) -> Result<(), crate::Error> {
    let handle = &handle;
    let invoke = service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let left = time_left(&event.context);
        let handled = tokio::time::timeout(left, Box::pin(handle(event.payload.get()))).await;
        let answer = handled.unwrap_or_else(|_| {
            let message = "the function's time ran out before the work was done";
            Err(Error::new(Kind::Timeout, message))
        });
        answer.inspect_err(log).map_err(Failure)
    });
    Box::pin(lambda_runtime::run(invoke)).await
}

fn time_left(context: &Context) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let deadline = Duration::from_millis(context.deadline);
    // Lambda names a moment to come; `cargo lambda watch` a time from now.
    let left = deadline.checked_sub(now.unwrap_or_default());
    left.unwrap_or(deadline).saturating_sub(MARGIN)
}
