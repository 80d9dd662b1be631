//! Effects of steps: claimed, run, recorded, so that each happens at most once.
//!
//! As in a turn, but the claim is a document: a run has no owner, since Step Functions is the one who calls.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::values::{MAX_VALUE, Values, is_kept};
use super::{Site, StepOutput};
use crate::bot::{Bot, Tool};
use crate::document::{Amendment, DocumentKey, Documents, Topic, amend};
use crate::error::{Error, Kind};
use crate::runtime::{Runtime, Stopwatch, Time};
use crate::session::{InvocationId, SessionKey, Sessions};
use crate::switch::Switches;
use crate::tool::{Call, Evidence, ToolOutcome, Toolbox, provider_key};
use crate::transcript::{PlannedCall, ToolResult, ToolResults, ToolStatus};
use crate::unknown;

/// How long a claim is kept.
const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// How far clocks of hosts may differ, and how long a result takes to be written.
const MARGIN: Duration = Duration::from_secs(15);

/// The most often that one step of a run is tried.
const MAX_TRIES: u32 = 100;

/// Makes calls whose effects happen at most once.
#[derive(Clone)]
pub struct Effects {
    /// Time and ids.
    pub runtime: Runtime,
    /// Knows when what was written is durable.
    pub sessions: Arc<dyn Sessions>,
    /// Keeps claims, and the list of what a person has to find out.
    pub documents: Arc<dyn Documents>,
    /// Keeps what calls came to.
    pub results: Arc<dyn ToolResults>,
    /// Runs tools.
    pub toolbox: Toolbox,
    /// Knows which bots are stopped.
    pub switches: Arc<Switches>,
}

/// Who makes a call, and until when the effect may yet happen.
#[derive(Serialize, Deserialize)]
struct Claim {
    by: InvocationId,
    until: Time,
}

/// What a step does.
struct Work<'a> {
    bot: &'a Bot,
    site: &'a Site,
    place: SessionKey,
    tool: &'a Tool,
    /// With what is kept of them in its place, as calls are made; what is written down only names that.
    arguments: Value,
}

/// Whether a call may be made.
enum Leave {
    Granted,
    /// Another invocation may be making it.
    Elsewhere,
    /// Another invocation broke off while it made it.
    Orphaned,
}

impl Effects {
    /// Calls `tool` for a step, unless it was called before; gives what it answered.
    ///
    /// # Errors
    /// `ToolFailed` when it says that it did not do it, `Unknown` when nobody saw the end, `Unavailable` while
    /// another call of the same step may be under way or when a store failed, `Forbidden` when the bot is stopped.
    pub async fn once(
        &self,
        bot: &Bot,
        site: &Site,
        tool: &Tool,
        arguments: &Value,
    ) -> Result<Value, Error> {
        let work = Work {
            bot,
            site,
            place: site.run.place()?,
            tool,
            arguments: self.values().whole(&site.run, arguments.clone()).await?,
        };
        if tool.side_effect.is_pure() {
            let call = self.planned(site, tool, arguments, 1);
            let outcome = self.run(&work, &call, tool.timeout).await;
            return answer(tool, outcome.status, &outcome.content);
        }
        for attempt in 1..=MAX_TRIES {
            let call = self.planned(site, tool, arguments, attempt);
            match self.results.result(&work.place, &call.intent).await? {
                Some(result) if result.did_not_happen() => {}
                Some(result) if !result.is_under_way() => return standing(tool, &result),
                found => return self.claimed(&work, &call, found).await,
            }
        }
        Err(Error::new(
            Kind::Invalid,
            format!("`{}` was tried {MAX_TRIES} times", site.step),
        ))
    }

    /// Where long values are.
    pub(super) fn values(&self) -> Values {
        Values {
            runtime: self.runtime.clone(),
            results: self.results.clone(),
        }
    }

    /// `output` as the machine can be given it; what had to be kept for that is durable.
    pub(super) async fn fit(&self, site: &Site, output: StepOutput) -> Result<StepOutput, Error> {
        let output = self.values().fit(site, output).await?;
        if is_kept(&output.output) {
            self.sessions.durable().await?;
        }
        Ok(output)
    }

    /// The call of the `attempt`-th try: what is known not to have happened gets a name of its own.
    fn planned(&self, site: &Site, tool: &Tool, arguments: &Value, attempt: u32) -> PlannedCall {
        let intent = match attempt {
            1 => site.intent(),
            _ => format!("{}~{attempt}", site.intent()),
        };
        PlannedCall {
            id: intent.clone(),
            tool: tool.offer.name.clone(),
            arguments: arguments.clone(),
            intent,
            approval: None,
            undoes: None,
            tainted: false,
        }
    }

    /// Makes a call that nobody else makes; `found` is what an invocation that may have died has under way.
    async fn claimed(
        &self,
        work: &Work<'_>,
        call: &PlannedCall,
        found: Option<ToolResult>,
    ) -> Result<Value, Error> {
        let (site, tool) = (work.site, work.tool);
        let by = InvocationId::fresh(&self.runtime);
        let begun = Stopwatch::start(&self.runtime);
        let busy = || {
            Error::new(
                Kind::Unavailable,
                "another call of this step may be under way",
            )
        };
        let outcome = match self
            .claim(site, &call.intent, by, tool.timeout, false)
            .await?
        {
            Leave::Granted => {
                let fresh = (begun, true);
                self.begin(work, call, fresh).await?
            }
            Leave::Elsewhere => return Err(busy()),
            Leave::Orphaned => {
                let evidence = match tool.side_effect.is_repeatable() {
                    true => Evidence::DidNot,
                    false => self.inquire(work, call).await?,
                };
                if let Some(result) = self.take_up(work, call, by, found).await? {
                    return standing(tool, &result);
                }
                match evidence {
                    Evidence::Happened(content) => ToolOutcome::succeeded(content),
                    Evidence::None => ToolOutcome::unknown(),
                    Evidence::DidNot => {
                        let begun = Stopwatch::start(&self.runtime);
                        let leave = self.claim(site, &call.intent, by, tool.timeout, true);
                        match leave.await? {
                            Leave::Granted => {
                                let again = (begun, false);
                                self.begin(work, call, again).await?
                            }
                            Leave::Elsewhere | Leave::Orphaned => return Err(busy()),
                        }
                    }
                }
            }
        };
        let result = self.record(&work.place, call, by, outcome).await?;
        standing(tool, &result)
    }

    /// Writes down that a call is under way again, if it must not be made twice; gives what stands instead, if something
    /// came first.
    async fn take_up(
        &self,
        work: &Work<'_>,
        call: &PlannedCall,
        by: InvocationId,
        found: Option<ToolResult>,
    ) -> Result<Option<ToolResult>, Error> {
        if work.tool.side_effect.is_repeatable() {
            return Ok(None);
        }
        let under_way = ToolResult::under_way(call, 0, by, self.runtime.now());
        let stores = (&*self.results, &*self.documents);
        let found = found.map(|found| found.by);
        let standing = unknown::take_up(stores, (&work.place, call), found, under_way).await?;
        Ok((standing.by != by).then_some(standing))
    }

    /// Makes a call that was claimed at `begun`, by nobody before or not, unless the bot is stopped. Whoever comes to it
    /// too late says nothing of it: another may have taken it over.
    async fn begin(
        &self,
        work: &Work<'_>,
        call: &PlannedCall,
        (begun, is_first): (Stopwatch, bool),
    ) -> Result<ToolOutcome, Error> {
        let tool = work.tool;
        let stopped = self.stopped(&work.place, work.bot).await;
        let left = tool.timeout.saturating_sub(begun.spent(&self.runtime));
        if left.is_zero() {
            let message = "the call came too late; another may have been made";
            return Err(Error::new(Kind::Unavailable, message));
        }
        Ok(match stopped {
            // An earlier call of it may have happened.
            Some(_) if !is_first && tool.side_effect.is_repeatable() => ToolOutcome::unknown(),
            Some(why) => ToolOutcome::failed(why),
            None => self.run(work, call, left).await,
        })
    }

    /// Claims an intent; one whose claimer's time is over only when it is taken `over`.
    async fn claim(
        &self,
        site: &Site,
        intent: &str,
        by: InvocationId,
        limit: Duration,
        over: bool,
    ) -> Result<Leave, Error> {
        let now = self.runtime.now();
        let run = &site.run;
        let key = DocumentKey::new(&run.tenant, Topic::Effect, format!("{}#{intent}", run.id));
        let claim = || Amendment::Save {
            body: Claim {
                by,
                until: now.plus(limit).plus(MARGIN),
            },
            expires: Some(now.plus(KEPT)),
        };
        let leave = amend(&*self.documents, &key, |found: Option<Claim>| match found {
            None => (claim(), Leave::Granted),
            Some(standing) if standing.by == by => (Amendment::Keep, Leave::Granted),
            Some(standing) if now < standing.until => (Amendment::Keep, Leave::Elsewhere),
            Some(_) if over => (claim(), Leave::Granted),
            Some(_) => (Amendment::Keep, Leave::Orphaned),
        });
        leave.await
    }

    /// Why an effect must not begin, if it must not. What cannot be asked counts as stopped.
    async fn stopped(&self, place: &SessionKey, bot: &Bot) -> Option<&'static str> {
        match self.switches.of(place.tenant()).await {
            Ok(switch) => switch
                .stopped(&bot.name)
                .map(|_| "not done: stopped by an operator"),
            Err(_) => Some("not done: nobody could tell whether it may be"),
        }
    }

    async fn inquire(&self, work: &Work<'_>, call: &PlannedCall) -> Result<Evidence, Error> {
        self.sessions.durable().await?;
        let place = (&work.place, 0);
        let evidence = self.toolbox.inquire(&self.runtime, place, work.tool, call);
        Ok(evidence.await)
    }

    async fn run(&self, work: &Work<'_>, call: &PlannedCall, limit: Duration) -> ToolOutcome {
        let Work {
            bot,
            place,
            tool,
            arguments,
            ..
        } = work;
        if let Err(message) = tool.arguments.check(arguments) {
            return ToolOutcome::failed(message);
        }
        let secrets = self.toolbox.secrets_of(place.tenant(), bot.secret_names());
        if secrets.await.are_in(arguments) {
            return ToolOutcome::failed("the arguments hold a secret, which must not be passed on");
        }
        if !tool.side_effect.is_pure() && self.sessions.durable().await.is_err() {
            return ToolOutcome::failed(
                "not done: that it was to be done could not be written down",
            );
        }
        let call = Call {
            session: place,
            turn: 0,
            tool,
            arguments,
            intent: provider_key(tool, &call.intent),
            limit,
            max_answer: MAX_VALUE,
        };
        let outcome = self
            .runtime
            .while_there_is_time(limit, self.toolbox.run(bot, call))
            .await;
        match outcome {
            Ok(outcome) => outcome,
            Err(_) if tool.side_effect.is_repeatable() => {
                ToolOutcome::failed("the tool took too long")
            }
            Err(_) => ToolOutcome::unknown(),
        }
    }

    async fn record(
        &self,
        place: &SessionKey,
        call: &PlannedCall,
        by: InvocationId,
        outcome: ToolOutcome,
    ) -> Result<ToolResult, Error> {
        let result = ToolResult {
            turn: 0,
            tool: call.tool.clone(),
            status: outcome.status,
            content: outcome.content,
            by,
            at: self.runtime.now(),
            millis: 0,
            settled: None,
        };
        let stores = (&*self.results, &*self.documents);
        let standing = unknown::record(stores, (place, call), result).await?;
        self.sessions.durable().await?;
        Ok(standing)
    }
}

/// What a step is told of a result that stands.
fn standing(tool: &Tool, result: &ToolResult) -> Result<Value, Error> {
    match result.happened() {
        Some(content) => Ok(tool.answer(content).clone()),
        None if result.did_not_happen() => answer(tool, ToolStatus::Failed, &result.content),
        None => answer(tool, result.status, &result.content),
    }
}

fn answer(tool: &Tool, status: ToolStatus, content: &Value) -> Result<Value, Error> {
    let name = &tool.offer.name;
    let why = || match &content["error"] {
        Value::String(why) => why.clone(),
        _ => content.to_string().chars().take(500).collect(),
    };
    match status {
        ToolStatus::Succeeded => Ok(tool.answer(content).clone()),
        ToolStatus::Failed => Err(Error::new(Kind::ToolFailed, format!("{name}: {}", why()))),
        ToolStatus::Unknown | ToolStatus::Waiting => {
            let message = format!("nobody saw whether {name} did it; `confab unknown` lists it");
            Err(Error::new(Kind::Unknown, message))
        }
    }
}
