//! Whether a turn waits for the contact to go on before it begins.

use super::{Round, Run};
use crate::error::Error;
use crate::overlap::{LONGEST, Said, WINDOWS, Window};
use crate::runtime::Time;
use crate::session::{Session, SessionKey};
use crate::transcript::{Turn, conversation};
use crate::turn::{Staff, TurnStart};

/// How many earlier turns tell of a contact's habits.
const REMEMBERED: u64 = 20;

impl Run {
    /// When the turn begins, if that is not now. The window that accepting a message opened is the first.
    pub(super) async fn until(
        &self,
        start: &TurnStart,
        session: &Session,
        round: &Round,
        staff: &Staff,
        waited: u32,
    ) -> Result<Option<Time>, Error> {
        let key = &start.session;
        let window = staff.bot.overlap.window(key.channel());
        let fresh = round
            .messages
            .iter()
            .filter(|taken| taken.origin.is_contact());
        let (Some(first), Some(latest)) = (fresh.clone().next(), fresh.clone().next_back()) else {
            return Ok(None);
        };
        if window == Window::Off || waited + 1 >= WINDOWS {
            return Ok(None);
        }
        let earlier = match window {
            Window::Adaptive => self.earlier(key, session).await?,
            Window::Off | Window::FixedMillis(_) => Vec::new(),
        };
        let last = earlier.last().and_then(Turn::reply);
        let said = Said {
            messages: fresh.count(),
            pauses: &earlier.iter().flat_map(pauses).collect::<Vec<_>>(),
            hint: last.and_then(|reply| staff.brain.hint(reply)),
            ..Said::alone(key.channel(), &latest.text)
        };
        let until = window.wait(said).map(|wait| latest.at.plus(wait));
        let until = until.map(|until| until.min(first.at.plus(LONGEST)));
        Ok(until.filter(|until| *until > self.runtime.now()))
    }

    async fn earlier(&self, key: &SessionKey, session: &Session) -> Result<Vec<Turn>, Error> {
        let Some(newest) = session.newest() else {
            return Ok(Vec::new());
        };
        let from = newest.turn.saturating_sub(REMEMBERED) + 1;
        let from = from.max(session.closed.unwrap_or(0) + 1);
        let records = self.transcripts.since(key, from).await?;
        Ok(conversation(session, &records))
    }
}

/// The pauses between messages that were taken together, in milliseconds.
fn pauses(turn: &Turn) -> Vec<u64> {
    let said = turn
        .messages()
        .filter(|(_, taken)| taken.origin.is_contact());
    let at: Vec<Time> = said.map(|(_, taken)| taken.at).collect();
    let pauses = at.windows(2).map(|pair| pair[1].since(pair[0]).as_millis());
    pauses
        .map(|millis| u64::try_from(millis).unwrap_or(u64::MAX))
        .collect()
}
