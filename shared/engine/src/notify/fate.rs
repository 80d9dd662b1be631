//! What became of a message that was put into a person's session.

use super::route::Fate;
use crate::error::Error;
use crate::message::DeliveryState;
use crate::session::SessionKey;
use crate::transcript::{Verdict, conversation};
use crate::view::View;

/// The latest turns among which the message is looked for.
const REMEMBERED: u64 = 40;

/// Whether the message `letter` is known to have failed.
pub(super) async fn fate_of(view: &View, key: &SessionKey, letter: &str) -> Result<Fate, Error> {
    let session = view.sessions.load(key).await?;
    let from = (session.delivered + 1).saturating_sub(REMEMBERED).max(1);
    let turns = conversation(&session, &view.transcripts.since(key, from).await?);
    let carried = turns.iter().find_map(|turn| {
        let mut messages = turn.messages();
        let found = messages.any(|(_, taken)| taken.id == letter);
        found.then(|| turn.last().turn)
    });
    let Some(turn) = carried else {
        return Ok(Fate::Sent);
    };
    let settled = view.outcomes.settlements_since(key, turn).await?;
    let refused = settled
        .get(&turn)
        .is_some_and(|settled| match settled.verdict {
            Verdict::Failed | Verdict::Refused | Verdict::HandedOff => true,
            Verdict::Answered | Verdict::Absorbed | Verdict::Unconfirmed => false,
        });
    let parts = view.outcomes.deliveries_since(key, turn).await?;
    let failed = parts
        .get(&turn)
        .is_some_and(|parts| parts.iter().any(|part| part.state == DeliveryState::Failed));
    Ok(if refused || failed {
        Fate::Failed
    } else {
        Fate::Sent
    })
}
