//! `tool-call`: claims an intent, runs it, records what it came to.

use std::sync::Arc;
use std::time::Duration;

use super::{Bots, CallInput, Planned, Timing};
use crate::approval::Desk;
use crate::bot::{Bot, Tool};
use crate::document::Documents;
use crate::error::{Error, Kind};
use crate::event::{Event, Events};
use crate::runtime::{Runtime, Stopwatch};
use crate::session::{Applied, Claim, Command, Hold, InvocationId, Refusal, SessionKey, Sessions};
use crate::switch::Switches;
use crate::tool::{
    Call, Evidence, MAX_ANSWER, SideEffectPolicy, ToolOutcome, Toolbox, provider_key,
};
use crate::transcript::{PlannedCall, ToolResult, ToolResults, ToolStatus, Transcripts};
use crate::unknown;

mod consent;
mod doubt;
mod orphan;

use consent::asks;

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
    /// Keeps the list of what a person has to find out.
    pub documents: Arc<dyn Documents>,
    /// Finds bots.
    pub bots: Arc<dyn Bots>,
    /// Runs tools.
    pub toolbox: Toolbox,
    /// Asks people, and knows what they said.
    pub desk: Desk,
    /// Knows which bots are stopped.
    pub switches: Arc<Switches>,
    /// Tells watchers.
    pub events: Arc<dyn Events>,
    /// Leases and the longest effect.
    pub timing: Timing,
}

/// Whether a call may run, after it asked for its intent.
enum Leave {
    /// Run it.
    Granted,
    /// An earlier hold claimed it so, and nobody saw what came of it.
    Orphaned(Claim),
    /// Another invocation of this hold runs it.
    Elsewhere,
    /// The run is not the session's any more.
    Lost,
}

impl Leave {
    /// What the answer to asking for an intent comes to.
    fn of(applied: &Applied, by: InvocationId, hold: Hold) -> Self {
        match applied {
            Applied::Done(_) => Self::Granted,
            // The answer to an earlier try of the write was lost.
            Applied::Refused(Refusal::Claimed(claim), _) if claim.by == by => Self::Granted,
            Applied::Refused(Refusal::Claimed(claim), _) if claim.fence < hold.fence => {
                Self::Orphaned(*claim)
            }
            Applied::Refused(Refusal::Claimed(_), _) => Self::Elsewhere,
            Applied::Refused(..) => Self::Lost,
        }
    }
}

/// Leave to begin: what led here is durable, and nobody has stopped the bot.
struct Go(());

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
        let begun = Stopwatch::start(&self.runtime);
        let tool = match self.admitted(&bot, planned, &call).await? {
            Ok(tool) => tool,
            Err(outcome) => return self.record(planned, &call, by, begun, outcome).await,
        };
        let asks = asks(tool, &call);
        let leave = if tool.side_effect.is_pure() && asks.is_none() {
            Leave::Granted
        } else {
            // A question, what can be undone, and undoing itself leave the turn open to be superseded or to fail.
            let undoable =
                tool.side_effect == SideEffectPolicy::Compensatable || call.undoes.is_some();
            let commits = asks.is_none() && !undoable;
            self.claim(planned, &call, by, input.call.calm, commits)
                .await?
        };
        let outcome = match leave {
            Leave::Granted | Leave::Orphaned(_) if let Some(rule) = asks => {
                self.ask(&bot, (tool, rule), planned, &call).await?
            }
            Leave::Granted => match self.go(key, tool).await? {
                Ok(go) => {
                    self.run(go, (&bot, tool), key, (&call, planned.turn), begun)
                        .await?
                }
                // It is ours, and has not begun.
                Err(why) if self.has_time(begun) => ToolOutcome::failed(why),
                Err(_) => return Ok(()),
            },
            Leave::Orphaned(from) => match self.take_up(tool, planned, &call, (from, by)).await? {
                Leave::Granted => {
                    let taken_up = self.go_on((&bot, tool), planned, &call, begun).await?;
                    let Some(outcome) = taken_up else {
                        return Ok(());
                    };
                    outcome
                }
                Leave::Elsewhere => return self.wait_for(key, &call.intent).await,
                Leave::Orphaned(_) | Leave::Lost => return Ok(()),
            },
            Leave::Elsewhere => return self.wait_for(key, &call.intent).await,
            Leave::Lost => return Ok(()),
        };
        self.record(planned, &call, by, begun, outcome).await
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
        commits: bool,
    ) -> Result<Leave, Error> {
        let command = Command::Claim {
            step: planned.step(),
            chain: planned.chain(),
            intent: call.intent.clone(),
            by,
            until: self.runtime.now().plus(self.timing.lease),
            calm,
            commits,
        };
        let applied = self.sessions.apply(&planned.start.session, command).await?;
        Ok(Leave::of(&applied, by, planned.start.hold))
    }

    /// Whether nobody can have taken the call over since `begun`. Whoever has not begun it by then says nothing of it:
    /// another hold may have.
    fn has_time(&self, begun: Stopwatch) -> bool {
        begun.spent(&self.runtime) < self.timing.effect
    }

    /// Whether a call may begin now, or why not. What cannot be asked counts as stopped.
    async fn go(&self, key: &SessionKey, tool: &Tool) -> Result<Result<Go, &'static str>, Error> {
        if tool.side_effect.is_pure() {
            return Ok(Ok(Go(())));
        }
        // Waiting for it comes first, so that what is known when the effect begins is a second old at most.
        self.sessions.durable().await?;
        Ok(match self.switches.of(key.tenant()).await {
            Ok(switch) => match switch.stopped(key.bot()) {
                None => Ok(Go(())),
                Some(_) => Err("not done: stopped by an operator"),
            },
            Err(_) => Err("not done: nobody could tell whether it may be"),
        })
    }

    async fn run(
        &self,
        _: Go,
        (bot, tool): (&Bot, &Tool),
        key: &SessionKey,
        (call, turn): (&PlannedCall, u64),
        begun: Stopwatch,
    ) -> Result<ToolOutcome, Error> {
        let left = self
            .timing
            .effect
            .saturating_sub(begun.spent(&self.runtime));
        let limit = tool.timeout.min(left);
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
            turn,
            tool,
            arguments: &call.arguments,
            intent: provider_key(tool, &call.intent),
            limit,
            max_answer: MAX_ANSWER,
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
        if outcome.status != ToolStatus::Unknown {
            return Ok(outcome);
        }
        // That it did not happen yet proves nothing: it may still be on its way.
        Ok(match self.inquire(tool, (key, turn), call).await? {
            Evidence::Happened(content) => ToolOutcome::succeeded(content),
            Evidence::DidNot | Evidence::None => outcome,
        })
    }

    async fn record(
        &self,
        planned: &Planned,
        call: &PlannedCall,
        by: InvocationId,
        begun: Stopwatch,
        outcome: ToolOutcome,
    ) -> Result<(), Error> {
        let (key, turn) = (&planned.start.session, planned.turn);
        let took = begun.spent(&self.runtime);
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let status = outcome.status;
        let result = ToolResult {
            turn,
            tool: call.tool.clone(),
            status: outcome.status,
            content: outcome.content,
            by,
            at: self.runtime.now(),
            millis,
            settled: None,
        };
        unknown::record((&*self.results, &*self.documents), (key, call), result).await?;
        let (tool, call) = (call.tool.clone(), call.intent.clone());
        self.events.publish(
            key,
            Event::ToolFinished {
                turn,
                tool,
                call,
                ok: status == ToolStatus::Succeeded,
                status,
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
            let found = self.results.result(key, intent).await?;
            if found.is_some_and(|found| !found.is_under_way()) {
                return Ok(());
            }
            self.runtime.clock.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        Ok(())
    }
}
