//! What calls come to: recorded once, and listed when nobody saw it.
//!
//! Whoever made a call first may be about to record that it failed, however late: paused, or with a slow store. Once
//! another makes the call again, that failure would be a lie. So of a call that must not be made twice it is first
//! written down that it is under way: either the failure stands then, and nothing is done, or it comes too late.

use super::Unknown;
use crate::document::Documents;
use crate::error::Error;
use crate::session::{InvocationId, SessionKey};
use crate::transcript::{PlannedCall, ToolResult, ToolResults, ToolStatus};

/// Records that a call is under way again; gives what stands, which is another's if that came first. `found` is what
/// stood: what an invocation that died had under way, or nothing.
///
/// # Errors
/// When a store failed.
pub(crate) async fn take_up(
    (results, documents): (&dyn ToolResults, &dyn Documents),
    (key, call): (&SessionKey, &PlannedCall),
    found: Option<InvocationId>,
    under_way: ToolResult,
) -> Result<ToolResult, Error> {
    let listed = Unknown::of(key, call, &under_way);
    if let Some(unknown) = &listed {
        unknown.open(documents).await?;
    }
    let standing = match found {
        Some(from) => results.conclude(key, &call.intent, from, under_way).await?,
        None => results.record(key, &call.intent, under_way).await?,
    };
    if let Some(unknown) = listed
        && Unknown::of(key, call, &standing).is_none()
    {
        unknown.close(documents).await?;
    }
    Ok(standing)
}

/// Records what a call came to; gives what stands.
///
/// # Errors
/// When a store failed.
pub(crate) async fn record(
    (results, documents): (&dyn ToolResults, &dyn Documents),
    (key, call): (&SessionKey, &PlannedCall),
    result: ToolResult,
) -> Result<ToolResult, Error> {
    let by = result.by;
    let mut listed = Unknown::of(key, call, &result);
    if let Some(unknown) = &listed {
        // Before the result, which ends the call: what nobody lists nobody finds out.
        unknown.open(documents).await?;
    }
    let mut standing = results.record(key, &call.intent, result.clone()).await?;
    if standing.by == by && standing.is_under_way() {
        listed = Unknown::of(key, call, &standing);
        standing = results.conclude(key, &call.intent, by, result).await?;
    }
    let is_known = match standing.status {
        ToolStatus::Succeeded => true,
        _ => standing.by == by && Unknown::of(key, call, &standing).is_none(),
    };
    if let Some(unknown) = listed.filter(|_| is_known) {
        unknown.close(documents).await?;
    }
    Ok(standing)
}
