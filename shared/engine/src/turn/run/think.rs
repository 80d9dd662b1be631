//! One call of the brain and the transcript item it leads to.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use super::discretion::without_secrets;
use super::goals::present;
use super::planned::{output, planned_calls};
use super::purse::{Purse, usage};
use super::stream::Stream;
use super::{APOLOGY, Carried, Round, Run};
use crate::brain::{Conclusion, Context, Interrupt, Thought};
use crate::budget::Spent;
use crate::error::Error;
use crate::event::Event;
use crate::model::{ChatMessage, ModelCall, ModelError, ModelErrorKind};
use crate::overlap::{Overlap, WINDOWS};
use crate::runtime::{Runtime, Time};
use crate::session::{Applied, Command, Intended, PlanId, Refusal, Session, SessionKey, Terms};
use crate::tool::KnownSecrets;
use crate::transcript::{Decision, ToolResult, TurnRecord, Verdict, conversation as turns_of};
use crate::turn::{RunOutput, Staff, TurnStart, conversation, saga};
use futures::future::{Either, select};

/// A decision on its way into a transcript item.
pub(super) struct Decided {
    plan: PlanId,
    decision: Decision,
    model_calls: Vec<ModelCall>,
    /// Its verdict and whether it must be calm; the rest is filled in when it is written.
    pub(super) terms: Terms,
    at: Time,
}

impl Decided {
    /// A decision that took no thought.
    pub(super) fn now(runtime: &Runtime, decision: Decision) -> Self {
        Self {
            plan: PlanId::fresh(runtime),
            decision,
            model_calls: Vec::new(),
            terms: Terms::default(),
            at: runtime.now(),
        }
    }
}

/// What came of work done under a hold.
enum Work<T> {
    /// It is done.
    Done(T),
    /// A newer message came first.
    Overtaken(Arc<Session>),
    /// The hold is another's.
    Lost,
}

impl Run {
    pub(super) async fn think(
        &self,
        start: &TurnStart,
        session: Arc<Session>,
        mut round: Round,
    ) -> Result<RunOutput, Error> {
        let key = &start.session;
        let staff = round.staff.clone();
        let mut calm = self.is_calm(key, &session, &round, &staff);
        let budget = staff.bot.budget.of(key.tenant());
        let goals = self.goals(key, &staff.bot).await?;
        let (mut conversation, results) = self.conversation(key, &session, &round, &staff).await?;
        conversation::keep_in_sight(&mut conversation, &goals);
        if let Some(enough) = round.enough(&staff.bot.limits, &results) {
            enough.tell(&mut conversation);
            round.finish = true;
        }
        let seen = conversation.clone();
        let at = self.runtime.now();
        let secrets = staff.bot.secret_names();
        let known = KnownSecrets::read(&*self.secrets, key.tenant(), secrets).await;
        let dead = self.dead(key, &session, &round, &staff).await?;
        let purse = Purse::new(self, key, &session, (&round, dead), budget);
        let mut stream = Stream::new(&*self.events, (key, round.turn), purse, &known);
        let context = Context {
            bot: &staff.bot,
            conversation,
            round: round.number,
            present: present(&staff.bot, key, &goals, at),
            goals,
            finish: round.finish,
        };
        let work = self
            .runtime
            .timeout(self.timing.think, staff.brain.think(context, &mut stream));
        let done = {
            futures::pin_mut!(work);
            loop {
                let newest = (calm && session.commit != Some(round.turn)).then_some(round.upto);
                let done = self.while_held(start, newest, work.as_mut()).await?;
                let Work::Overtaken(newer) = &done else {
                    break done;
                };
                let at = Interrupt::Thinking;
                match self.choose(key, newer, &round, &staff, at).await {
                    Overlap::Supersede | Overlap::AbsorbRestart => break done,
                    // At the next tool boundary, if there is one.
                    Overlap::Queue | Overlap::Absorb | Overlap::ForceComplete => calm = false,
                }
            }
        };
        let dead = stream.purse.dead.take();
        if dead.is_some() {
            round.retries = 0;
        }
        let thought = match done {
            Work::Done(thought) => {
                stream.end();
                thought
            }
            Work::Overtaken(newer) => {
                let turn = round.turn;
                self.events.publish(key, Event::TextRestarted { turn });
                let abandoned = stream.purse.give_up("a newer message came");
                let bound = newer.plan.and(round.before.last());
                let bound = bound.map(|record| record.plan);
                let spent: Vec<ModelCall> = match bound {
                    // Its rounds are thought no more, and stand in their records.
                    Some(_) => round.given_up,
                    None => round.spent().cloned().collect(),
                };
                let carried = Carried {
                    waited: WINDOWS,
                    given_up: Some(spent.into_iter().chain(dead).chain(abandoned).collect()),
                    retries: round.retries,
                };
                return match bound {
                    Some(previous) => {
                        self.go_on(start, newer, Some(turn), previous, carried)
                            .await
                    }
                    None => self.begin(start, newer, carried).await,
                };
            }
            Work::Lost => {
                stream.purse.give_up("the turn was lost");
                return Ok(RunOutput::Stop);
            }
        };
        round.given_up.extend(dead);
        let thought = thought.unwrap_or_else(|_| too_long(stream.purse));
        let plan = PlanId::fresh(&self.runtime);
        let conclusion = without_secrets(&known, thought.conclusion);
        let decision = match conclusion {
            Conclusion::Reply(text) => Decision::Reply { text, by: None },
            Conclusion::Tools { text, calls } => Decision::Tools {
                text,
                calls: planned_calls(
                    &staff,
                    round.bounded(calls, &staff.bot.limits),
                    &results,
                    &seen,
                    key,
                    (round.turn, plan),
                ),
                undoing: None,
            },
            Conclusion::Stop(error) if error.kind == ModelErrorKind::Budget => Decision::Declined {
                verdict: Verdict::Refused,
                reason: error.to_string(),
                text: Some(staff.bot.notices.over_budget.clone()),
            },
            Conclusion::Stop(error) => Decision::Failed {
                reason: error.to_string(),
                apology: APOLOGY.to_owned(),
            },
        };
        let decision =
            saga::before_giving_up(&staff.bot, &session, &round.before, &results, decision);
        let verdict = match decision {
            Decision::Failed { .. } | Decision::Declined { .. } => Intended::Other,
            _ => Intended::Answered,
        };
        let terms = Terms {
            verdict,
            calm: calm && decision.undoing().is_none(),
            ..Terms::default()
        };
        let decided = Decided {
            plan,
            decision,
            model_calls: thought.model_calls,
            terms,
            at,
        };
        self.write(start, &session, round, decided).await
    }

    /// History, the messages of this turn and its rounds so far, with what their calls came to.
    async fn conversation(
        &self,
        key: &SessionKey,
        session: &Session,
        round: &Round,
        staff: &Staff,
    ) -> Result<(Vec<ChatMessage>, BTreeMap<String, ToolResult>), Error> {
        let limits = &staff.bot.limits;
        let first = round
            .turn
            .saturating_sub(u64::from(limits.history_turns))
            .max(session.closed.unwrap_or(0) + 1);
        if first == round.turn && round.before.is_empty() {
            let messages = conversation::of_messages(&round.messages)
                .into_iter()
                .collect();
            return Ok((messages, BTreeMap::new()));
        }
        let records = self.transcripts.since(key, first).await?;
        let uses_tools =
            |record: &Arc<TurnRecord>| matches!(record.decision, Decision::Tools { .. });
        let results = if records.iter().any(uses_tools) {
            self.results.known_since(key, first).await?
        } else {
            BTreeMap::new()
        };
        let mut turns = turns_of(session, &records);
        turns.retain(|turn| turn.last().turn >= first);
        let mut conversation = conversation::of_turns(&turns, &results, &staff.bot);
        conversation.extend(conversation::of_rounds(&round.before, &results, &staff.bot));
        conversation.extend(conversation::of_messages(&round.messages));
        Ok((conversation, results))
    }

    /// Does `work` and keeps extending the lease. With `newest`, looks now and then whether a later
    /// message has come, which makes the work useless.
    async fn while_held<T>(
        &self,
        start: &TurnStart,
        newest: Option<u64>,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> Result<Work<T>, Error> {
        let clock = &self.runtime.clock;
        let renewal = self.timing.lease / 3;
        let mut renewed = clock.monotonic();
        loop {
            let pause = match newest {
                Some(_) => self.timing.watch.min(renewal),
                None => renewal,
            };
            if let Either::Left((done, _)) = select(work.as_mut(), clock.sleep(pause)).await {
                return Ok(Work::Done(done));
            }
            if let Some(upto) = newest {
                let session = self.sessions.load(&start.session).await?;
                if session.hold() != Some(start.hold) {
                    return Ok(Work::Lost);
                }
                let committed = session.commit == Some(session.delivered + 1);
                if session.arrivals > upto && !committed {
                    return Ok(Work::Overtaken(session));
                }
            }
            if clock.monotonic() - renewed < renewal {
                continue;
            }
            renewed = clock.monotonic();
            let until = self.runtime.now().plus(self.timing.lease);
            let hold = start.hold;
            let renew = Command::Renew { hold, until };
            match self.sessions.apply(&start.session, renew).await? {
                Applied::Done(_) | Applied::Refused(Refusal::NotLater, _) => {}
                Applied::Refused(..) => return Ok(Work::Lost),
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
    ) -> Result<RunOutput, Error> {
        let decision = self
            .unasked(&start.session, &round, decided.decision)
            .await?;
        let spent = Spent::from(usage(round.spent().chain(&decided.model_calls)));
        let bot = Arc::clone(&round.staff.bot);
        let budget = bot.budget.of(start.session.tenant());
        // Dead attempts that were not counted: this one asked no model, and they may have.
        let unseen = session.tries.saturating_add(round.retries);
        let spent = spent.plus(budget.unseen(unseen));
        let model_calls = [round.given_up, decided.model_calls].concat();
        let terms = Terms {
            effects: session.intents.len() as u64,
            spent: spent.money,
            tokens: spent.tokens,
            ..decided.terms
        };
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
            finish: round.finish,
            decision,
            terms,
            bot: bot.version.clone(),
            soul: bot.soul.hash.clone(),
            model_calls,
            at: decided.at,
            millis: u64::try_from(self.runtime.now().since(decided.at).as_millis())
                .unwrap_or(u64::MAX),
        };
        self.transcripts.write(&start.session, &record).await?;
        Ok(output(start, &record, session.plan))
    }
}

/// What is left of a thought that was cut off.
fn too_long(purse: Purse<'_>) -> Thought {
    let error = ModelError {
        kind: ModelErrorKind::Timeout,
        detail: "the whole chain of models was cut off".to_owned(),
    };
    Thought {
        model_calls: purse.give_up(&error.detail),
        conclusion: Conclusion::Stop(error),
    }
}
