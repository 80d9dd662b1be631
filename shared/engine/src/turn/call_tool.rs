//! `tool-call`: claims an intent, runs it, records what it came to.

use std::sync::Arc;
use std::time::Duration;

use super::{Bots, CallInput, Planned, Timing};
use crate::bot::{Bot, Tool};
use crate::error::{Error, Kind};
use crate::event::{Event, Events};
use crate::runtime::Runtime;
use crate::session::{Applied, Claim, Command, InvocationId, Refusal, SessionKey, Sessions};
use crate::tool::{Call, ToolOutcome, Toolbox, provider_key};
use crate::transcript::{PlannedCall, ToolResult, ToolResults, ToolStatus, Transcripts};

/// Calls one tool of a plan.
#[derive(Clone)]
pub struct CallTool {
    /// Time and ids.
    pub runtime: Runtime,
    /// Keeps sessions.
    pub sessions: Arc<dyn Sessions>,
    /// Keeps transcript items.
    pub transcripts: Arc<dyn Transcripts>,
    /// Keeps what tools came to.
    pub results: Arc<dyn ToolResults>,
    /// Finds bots.
    pub bots: Arc<dyn Bots>,
    /// Runs tools.
    pub toolbox: Toolbox,
    /// Tells watchers.
    pub events: Arc<dyn Events>,
    /// Leases and the longest effect.
    pub timing: Timing,
}

/// Whether a call may run, after it asked for its intent.
enum Leave {
    /// Run it.
    Granted,
    /// An earlier hold claimed it and nobody saw what came of it.
    Orphaned,
    /// Another invocation of this hold runs it.
    Elsewhere,
    /// The run is not the session's any more.
    Lost,
}

impl CallTool {
    /// Makes one call of a plan, once. Ends silently when the session is not ours any more.
    ///
    /// # Errors
    /// When a store failed. A tool's failure is a result, not an error.
    pub async fn handle(&self, input: CallInput) -> Result<(), Error> {
        let planned = &input.planned;
        let key = &planned.start.session;
        let call = self.planned_call(&input).await?;
        let bot = self.bots.find(key.tenant(), key.bot()).await?;
        let by = InvocationId::fresh(&self.runtime);
        let begun = self.runtime.clock.monotonic();
        let Some(tool) = bot.tools.get(&call.tool) else {
            let offered: Vec<&str> = bot.tools.keys().map(String::as_str).collect();
            let outcome = ToolOutcome::failed(format!(
                "there is no such tool; the tools are: {}",
                offered.join(", ")
            ));
            return self.record(planned, &call, by, begun, outcome).await;
        };
        if let Err(message) = tool.arguments.check(&call.arguments) {
            return self
                .record(planned, &call, by, begun, ToolOutcome::failed(message))
                .await;
        }
        let leave = if tool.side_effect.is_pure() {
            Leave::Granted
        } else {
            self.claim(planned, &call, by, input.call.calm).await?
        };
        match leave {
            Leave::Granted => self.run(&bot, tool, planned, &call, by, begun).await,
            Leave::Orphaned if self.results.result(key, &call.intent).await?.is_some() => Ok(()),
            Leave::Orphaned if tool.side_effect.is_repeatable() => {
                if self.kills(planned).await? {
                    let outcome = ToolOutcome::failed("this call broke off every time");
                    self.record(planned, &call, by, begun, outcome).await
                } else if self.still_mine(planned).await? {
                    self.run(&bot, tool, planned, &call, by, begun).await
                } else {
                    Ok(())
                }
            }
            Leave::Orphaned => {
                self.record(planned, &call, by, begun, ToolOutcome::unknown())
                    .await
            }
            Leave::Elsewhere => self.wait_for(key, &call.intent).await,
            Leave::Lost => Ok(()),
        }
    }

    async fn planned_call(&self, input: &CallInput) -> Result<PlannedCall, Error> {
        if let Some(call) = &input.call.planned {
            return Ok(call.clone());
        }
        let planned = &input.planned;
        let record = self
            .transcripts
            .read(&planned.start.session, planned.turn, planned.plan)
            .await?;
        let call = record.and_then(|record| {
            let calls = record.decision.calls();
            calls.get(input.call.number).cloned()
        });
        call.ok_or_else(|| Error::new(Kind::Invalid, "the plan has no such call"))
    }

    async fn claim(
        &self,
        planned: &Planned,
        call: &PlannedCall,
        by: InvocationId,
        calm: Option<u64>,
    ) -> Result<Leave, Error> {
        let command = Command::Claim {
            step: planned.step(),
            chain: planned.chain(),
            intent: call.intent.clone(),
            by,
            until: self.runtime.now().plus(self.timing.lease),
            calm,
            commits: true,
        };
        let hold = planned.start.hold;
        Ok(
            match self.sessions.apply(&planned.start.session, command).await? {
                Applied::Done(_) => Leave::Granted,
                Applied::Refused(Refusal::Claimed(Claim { by: claimer, .. }), _)
                    if claimer == by =>
                {
                    Leave::Granted
                }
                Applied::Refused(Refusal::Claimed(Claim { fence, .. }), _)
                    if fence < hold.fence =>
                {
                    Leave::Orphaned
                }
                Applied::Refused(Refusal::Claimed(_), _) => Leave::Elsewhere,
                Applied::Refused(..) => Leave::Lost,
            },
        )
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

    async fn run(
        &self,
        bot: &Bot,
        tool: &Tool,
        planned: &Planned,
        call: &PlannedCall,
        by: InvocationId,
        begun: Duration,
    ) -> Result<(), Error> {
        let key = &planned.start.session;
        if !tool.side_effect.is_pure() {
            self.sessions.durable().await?;
        }
        let turn = planned.turn;
        let spent = self.runtime.clock.monotonic().saturating_sub(begun);
        let limit = tool.timeout.min(self.timing.effect.saturating_sub(spent));
        let (name, intent) = (call.tool.clone(), call.intent.clone());
        self.events.publish(
            key,
            Event::ToolStarted {
                turn,
                tool: name,
                call: intent,
            },
        );
        let work = Call {
            session: key,
            tool,
            arguments: &call.arguments,
            intent: provider_key(tool, &call.intent),
            limit,
        };
        let outcome = match self
            .runtime
            .while_there_is_time(limit, self.toolbox.run(bot, work))
            .await
        {
            Ok(outcome) => outcome,
            Err(_) if tool.side_effect.is_repeatable() => {
                ToolOutcome::failed("the tool took too long")
            }
            Err(_) => ToolOutcome::unknown(),
        };
        self.record(planned, call, by, begun, outcome).await
    }

    async fn record(
        &self,
        planned: &Planned,
        call: &PlannedCall,
        by: InvocationId,
        begun: Duration,
        outcome: ToolOutcome,
    ) -> Result<(), Error> {
        let (key, turn) = (&planned.start.session, planned.turn);
        let took = self.runtime.clock.monotonic().saturating_sub(begun);
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let ok = outcome.status == ToolStatus::Succeeded;
        let result = ToolResult {
            turn,
            tool: call.tool.clone(),
            status: outcome.status,
            content: outcome.content,
            by,
            at: self.runtime.now(),
            millis,
        };
        self.results.record(key, &call.intent, result).await?;
        let (tool, call) = (call.tool.clone(), call.intent.clone());
        self.events.publish(
            key,
            Event::ToolFinished {
                turn,
                tool,
                call,
                ok,
                millis,
            },
        );
        Ok(())
    }

    /// Waits for another invocation's result as long as its effect may take; the next round finds out
    /// whether it came.
    async fn wait_for(&self, key: &SessionKey, intent: &str) -> Result<(), Error> {
        let mut pause = Duration::from_millis(50);
        let end = self.runtime.clock.monotonic() + self.timing.effect;
        while self.runtime.clock.monotonic() < end {
            if self.results.result(key, intent).await?.is_some() {
                return Ok(());
            }
            self.runtime.clock.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        Ok(())
    }
}
