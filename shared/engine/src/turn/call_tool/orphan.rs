//! Calls that an earlier hold claimed and of which nobody saw the end.

use super::{CallTool, Leave};
use crate::bot::{Bot, Tool};
use crate::error::Error;
use crate::runtime::Stopwatch;
use crate::session::{Claim, Command, InvocationId};
use crate::tool::{Evidence, ToolOutcome};
use crate::transcript::{PlannedCall, ToolResult};
use crate::turn::Planned;
use crate::unknown;

impl CallTool {
    /// Makes such a call this invocation's own, unless it was settled meanwhile, or is another's by now: a plan may hold
    /// the same call twice, and Step Functions may run a task twice.
    pub(super) async fn take_up(
        &self,
        tool: &Tool,
        planned: &Planned,
        call: &PlannedCall,
        (from, by): (Claim, InvocationId),
    ) -> Result<Leave, Error> {
        let key = &planned.start.session;
        let found = self.results.result(key, &call.intent).await?;
        if found.as_ref().is_some_and(|found| !found.is_under_way()) {
            return Ok(Leave::Lost);
        }
        let take_up = Command::TakeUp {
            step: planned.step(),
            intent: call.intent.clone(),
            from,
            by,
            until: self.runtime.now().plus(self.timing.lease),
        };
        let applied = self.sessions.apply(key, take_up).await?;
        let leave = Leave::of(&applied, by, planned.start.hold);
        if !matches!(leave, Leave::Granted) || tool.side_effect.is_repeatable() {
            return Ok(leave);
        }
        let under_way = ToolResult::under_way(call, planned.turn, by, self.runtime.now());
        let stores = (&*self.results, &*self.documents);
        let found = found.map(|found| found.by);
        let standing = unknown::take_up(stores, (key, call), found, under_way).await?;
        Ok(match standing.by == by {
            true => Leave::Granted,
            false => Leave::Lost,
        })
    }

    /// What a call comes to that was taken up, if that is this run's to say. The hold that claimed it has ended, and so
    /// has the time it had for the effect.
    pub(super) async fn go_on(
        &self,
        (bot, tool): (&Bot, &Tool),
        planned: &Planned,
        call: &PlannedCall,
        begun: Stopwatch,
    ) -> Result<Option<ToolOutcome>, Error> {
        let key = &planned.start.session;
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
}
