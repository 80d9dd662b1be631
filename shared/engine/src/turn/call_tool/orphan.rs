//! Calls that an earlier hold claimed and of which nobody saw the end.

use std::time::Duration;

use super::CallTool;
use crate::bot::{Bot, Tool};
use crate::error::Error;
use crate::session::{Applied, Command, Refusal};
use crate::tool::{Evidence, ToolOutcome};
use crate::transcript::PlannedCall;
use crate::turn::Planned;

impl CallTool {
    /// What such a call comes to, if that is this run's to say. The hold that claimed it has ended, and so has the time
    /// it had for the effect.
    pub(super) async fn take_up(
        &self,
        (bot, tool): (&Bot, &Tool),
        planned: &Planned,
        call: &PlannedCall,
        begun: Duration,
    ) -> Result<Option<ToolOutcome>, Error> {
        let key = &planned.start.session;
        if self.results.result(key, &call.intent).await?.is_some() {
            return Ok(None);
        }
        let did_not_happen = if tool.side_effect.is_repeatable() {
            false
        } else {
            match self.inquire(tool, (key, planned.turn), call).await? {
                Evidence::Happened(content) => return Ok(Some(ToolOutcome::succeeded(content))),
                Evidence::None => return Ok(Some(ToolOutcome::unknown())),
                Evidence::DidNot => true,
            }
        };
        if self.kills(planned).await? {
            if !self.has_time(begun) {
                return Ok(None);
            }
            let outcome = ToolOutcome::failed("this call broke off every time");
            return Ok(Some(outcome));
        }
        if !self.still_mine(planned).await? {
            return Ok(None);
        }
        Ok(Some(match self.go(key, tool).await? {
            Ok(go) => {
                let call = (call, planned.turn);
                self.run(go, (bot, tool), key, call, begun).await?
            }
            Err(_) if !self.has_time(begun) => return Ok(None),
            Err(why) if did_not_happen => ToolOutcome::failed(why),
            Err(_) => ToolOutcome::unknown(),
        }))
    }

    /// Whether the turn was reclaimed so often that its calls must be what kills it.
    async fn kills(&self, planned: &Planned) -> Result<bool, Error> {
        let session = self.sessions.load(&planned.start.session).await?;
        Ok(session.tries >= self.timing.tries)
    }

    /// Extends the hold before an effect that another claim opened: nothing begins under an old fence.
    async fn still_mine(&self, planned: &Planned) -> Result<bool, Error> {
        let hold = planned.start.hold;
        let until = self.runtime.now().plus(self.timing.lease);
        let renew = Command::Renew { hold, until };
        let applied = self.sessions.apply(&planned.start.session, renew).await?;
        Ok(matches!(
            applied,
            Applied::Done(_) | Applied::Refused(Refusal::NotLater, _)
        ))
    }
}
