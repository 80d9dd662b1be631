//! One call of the brain and the transcript item it leads to.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::{Either, select};
use serde::Serialize;

use super::{APOLOGY, Round, Run};
use crate::brain::{Conclusion, Context, Thought};
use crate::error::Error;
use crate::event::{Event, Events};
use crate::model::{ChatMessage, Deltas, ModelCall, ModelError, ModelErrorKind, ToolCall};
use crate::runtime::{Runtime, Time};
use crate::session::{Applied, Command, PlanId, Refusal, Session, SessionKey};
use crate::tool::intent_key;
use crate::transcript::{
    Decision, PlannedCall, ToolResult, ToolStatus, TurnRecord, conversation as turns_of,
};
use crate::turn::{
    DeliverInput, NumberedCall, Parcel, Planned, RunOutput, Staff, TurnStart, conversation,
};

/// The most bytes of a plan that travel through the state machine: far below what a state may pass on.
const TRAVELS: usize = 16 * 1024;

/// A decision on its way into a transcript item.
pub(super) struct Decided {
    plan: PlanId,
    decision: Decision,
    model_calls: Vec<ModelCall>,
    at: Time,
}

impl Decided {
    /// A decision that took no thought.
    pub(super) fn now(runtime: &Runtime, decision: Decision) -> Self {
        Self {
            plan: PlanId::fresh(runtime),
            decision,
            model_calls: Vec::new(),
            at: runtime.now(),
        }
    }
}

impl Run {
    pub(super) async fn think(
        &self,
        start: &TurnStart,
        session: &Session,
        round: Round,
    ) -> Result<RunOutput, Error> {
        let key = &start.session;
        let staff = self.crew.staff(key.tenant(), key.bot()).await?;
        let Some((conversation, results)) = self.conversation(key, session, &round, &staff).await?
        else {
            return Ok(RunOutput::Stop);
        };
        let at = self.runtime.now();
        let mut stream = Stream {
            events: &*self.events,
            key,
            turn: round.turn,
        };
        let context = Context {
            bot: &staff.bot,
            conversation,
            round: round.number,
        };
        let work = self
            .runtime
            .timeout(self.timing.think, staff.brain.think(context, &mut stream));
        let Some(thought) = self.while_held(start, work).await? else {
            return Ok(RunOutput::Stop);
        };
        let thought = thought.unwrap_or_else(|_| too_long());
        let plan = PlanId::fresh(&self.runtime);
        let decision = match thought.conclusion {
            Conclusion::Reply(text) => Decision::Reply { text },
            Conclusion::Tools { text, calls } => Decision::Tools {
                text,
                calls: planned_calls(&staff, calls, &results, round.turn, plan),
            },
            Conclusion::Stop(error) => Decision::Failed {
                reason: error.to_string(),
                apology: APOLOGY.to_owned(),
            },
        };
        let decided = Decided {
            plan,
            decision,
            model_calls: thought.model_calls,
            at,
        };
        self.write(start, session, round, decided, &staff).await
    }

    /// History, the messages of this turn and its rounds so far, with what their calls came to; nothing
    /// when a result of this turn is missing.
    async fn conversation(
        &self,
        key: &SessionKey,
        session: &Session,
        round: &Round,
        staff: &Staff,
    ) -> Result<Option<(Vec<ChatMessage>, BTreeMap<String, ToolResult>)>, Error> {
        let limits = &staff.bot.limits;
        let first = round
            .turn
            .saturating_sub(u64::from(limits.history_turns))
            .max(1);
        if first == round.turn && round.before.is_empty() {
            let messages = conversation::of_messages(&round.messages)
                .into_iter()
                .collect();
            return Ok(Some((messages, BTreeMap::new())));
        }
        let records = self.transcripts.since(key, first).await?;
        let uses_tools =
            |record: &Arc<TurnRecord>| matches!(record.decision, Decision::Tools { .. });
        let results = if records.iter().any(uses_tools) {
            self.results.results_since(key, first).await?
        } else {
            BTreeMap::new()
        };
        let calls = round
            .before
            .iter()
            .filter_map(|record| match &record.decision {
                Decision::Tools { calls, .. } => Some(calls),
                Decision::Reply { .. } | Decision::Failed { .. } => None,
            });
        if calls
            .flatten()
            .any(|call| !results.contains_key(&call.intent))
        {
            return Ok(None);
        }
        let mut conversation =
            conversation::of_turns(&turns_of(session, &records), &results, limits);
        let messages = round
            .before
            .first()
            .map_or(&round.messages, |first| &first.messages);
        conversation.extend(conversation::of_messages(messages));
        conversation.extend(conversation::of_rounds(&round.before, &results, limits));
        Ok(Some((conversation, results)))
    }

    /// Does `work` and keeps extending the lease; nothing when the hold is lost meanwhile.
    async fn while_held<T>(
        &self,
        start: &TurnStart,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, Error> {
        futures::pin_mut!(work);
        loop {
            let pause = self.runtime.clock.sleep(self.timing.lease / 3);
            match select(work.as_mut(), pause).await {
                Either::Left((thought, _)) => return Ok(Some(thought)),
                Either::Right(_) => {
                    let until = self.runtime.now().plus(self.timing.lease);
                    let renew = Command::Renew {
                        hold: start.hold,
                        until,
                    };
                    match self.sessions.apply(&start.session, renew).await? {
                        Applied::Done(_) | Applied::Refused(Refusal::NotLater, _) => {}
                        Applied::Refused(..) => return Ok(None),
                    }
                }
            }
        }
    }

    /// Writes the transcript item and says where the state machine goes.
    pub(super) async fn write(
        &self,
        start: &TurnStart,
        session: &Session,
        round: Round,
        decided: Decided,
        staff: &Staff,
    ) -> Result<RunOutput, Error> {
        let record = TurnRecord {
            turn: round.turn,
            plan: decided.plan,
            previous: round.before.last().map(|record| record.plan),
            follows: session.last,
            round: round.number,
            fence: start.hold.fence,
            from: round.from,
            upto: round.upto,
            messages: round.messages,
            decision: decided.decision,
            bot: staff.bot.version.clone(),
            soul: staff.bot.soul.hash.clone(),
            model_calls: decided.model_calls,
            at: decided.at,
            millis: u64::try_from(self.runtime.now().since(decided.at).as_millis())
                .unwrap_or(u64::MAX),
        };
        self.transcripts.write(&start.session, &record).await?;
        Ok(output(start, &record, session.plan))
    }
}

/// What is left of a thought that was cut off; what its models cost until then is not known.
fn too_long() -> Thought {
    let error = ModelError {
        kind: ModelErrorKind::Timeout,
        detail: "the whole chain of models was cut off".to_owned(),
    };
    Thought {
        conclusion: Conclusion::Stop(error),
        model_calls: Vec::new(),
    }
}

/// Where the state machine goes with the plan of `record`.
pub(super) fn output(start: &TurnStart, record: &TurnRecord, bound: Option<PlanId>) -> RunOutput {
    let planned = Planned {
        start: start.clone(),
        turn: record.turn,
        plan: record.plan,
        bound,
    };
    match &record.decision {
        Decision::Tools { calls, .. } => {
            let travel = travels(calls);
            let numbered = |(number, call): (usize, &PlannedCall)| NumberedCall {
                number,
                planned: travel.then(|| call.clone()),
            };
            let calls = calls.iter().enumerate().map(numbered).collect();
            RunOutput::Tools { planned, calls }
        }
        Decision::Reply { .. } | Decision::Failed { .. } => {
            let parcel = travels(&record.decision).then(|| Parcel::from(record));
            RunOutput::Deliver(DeliverInput { planned, parcel })
        }
    }
}

/// Whether a part of a plan is short enough to be passed on, which saves the next state a read.
fn travels(part: &impl Serialize) -> bool {
    serde_json::to_vec(part).is_ok_and(|json| json.len() <= TRAVELS)
}

/// The calls with the keys under which they happen.
///
/// A call that changes nothing, or cannot run, is made afresh in every plan. One that does happens once in
/// the turn; only when it is known not to have happened may the model try it again, under a new key.
fn planned_calls(
    staff: &Staff,
    calls: Vec<ToolCall>,
    results: &BTreeMap<String, ToolResult>,
    turn: u64,
    plan: PlanId,
) -> Vec<PlannedCall> {
    let failed = |intent: &String| {
        results
            .get(intent)
            .is_some_and(|result| result.status == ToolStatus::Failed)
    };
    let key = |number: usize, call: &ToolCall| match staff.bot.tools.get(&call.name) {
        Some(tool)
            if !tool.side_effect.is_pure() && tool.arguments.check(&call.arguments).is_ok() =>
        {
            let intent = intent_key(tool, &call.arguments, turn);
            let retries = (2..).map(|attempt| format!("{intent}~{attempt}"));
            std::iter::once(intent.clone())
                .chain(retries)
                .find(|intent| !failed(intent))
                .unwrap_or(intent)
        }
        _ => format!(
            "{}#{turn}#{plan}.{number}",
            call.name.chars().take(64).collect::<String>()
        ),
    };
    calls
        .into_iter()
        .enumerate()
        .map(|(number, call)| PlannedCall {
            intent: key(number, &call),
            id: call.id,
            tool: call.name,
            arguments: call.arguments,
        })
        .collect()
}

/// Streams a thought to whoever watches.
struct Stream<'a> {
    events: &'a dyn Events,
    key: &'a SessionKey,
    turn: u64,
}

impl Deltas for Stream<'_> {
    fn text(&mut self, delta: &str) {
        if self.events.is_watched(self.key) {
            self.events.publish(
                self.key,
                Event::TextDelta {
                    turn: self.turn,
                    text: delta.to_owned(),
                },
            );
        }
    }

    fn restart(&mut self) {
        self.events
            .publish(self.key, Event::TextRestarted { turn: self.turn });
    }
}
