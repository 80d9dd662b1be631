//! `turn-run`: reads what was said, thinks once, writes down what to do.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::{Carriers, Crew, RunInput, RunOutput, Spill, Timing, TurnStart};
use crate::approval::Desk;
use crate::budget::Ledger;
use crate::bus::Herald;
use crate::error::Error;
use crate::event::{Event, Events};
use crate::overlap::WINDOWS;
use crate::runtime::Runtime;
use crate::session::{
    Applied, Command, MessageHash, Pending, PlanId, Refusal, Session, Sessions, Step,
};
use crate::switch::Switches;
use crate::tool::Secrets;
use crate::transcript::{
    Outcomes, Taken, ToolResults, Transcripts, TurnRecord, Undoing, rounds_to,
};

mod bounds;
mod consent;
mod dead;
mod discretion;
mod goals;
mod outbox;
mod overlap;
mod planned;
mod purse;
mod reflex;
mod round;
mod sign;
mod stream;
mod think;
mod unthought;
mod unwind;
mod window;

use overlap::Meeting;
pub(super) use planned::output;
use purse::given_up;
use reflex::Reflex;
use round::{Carried, Round};

/// What a contact is told when no answer can be had.
pub(super) const APOLOGY: &str =
    "Sorry, I can't answer right now. Your message is kept and a person can pick it up.";

/// Runs one round of a turn.
#[derive(Clone)]
pub struct Run {
    /// Time and ids.
    pub runtime: Runtime,
    /// Keeps sessions.
    pub sessions: Arc<dyn Sessions>,
    /// Keeps transcript items.
    pub transcripts: Arc<dyn Transcripts>,
    /// Keeps what tools came to.
    pub results: Arc<dyn ToolResults>,
    /// Keeps how turns ended.
    pub outcomes: Arc<dyn Outcomes>,
    /// Remembers old message ids.
    pub spill: Arc<dyn Spill>,
    /// Finds bots and what thinks for them.
    pub crew: Arc<dyn Crew>,
    /// Finds the way out, to know what a dead hold may have sent.
    pub carriers: Arc<dyn Carriers>,
    /// Knows what people said.
    pub desk: Desk,
    /// Gives secrets, to keep them out of what is written down.
    pub secrets: Arc<dyn Secrets>,
    /// Takes from the budgets of days.
    pub ledger: Arc<Ledger>,
    /// Knows which bots are stopped.
    pub switches: Arc<Switches>,
    /// Tells watchers.
    pub events: Arc<dyn Events>,
    /// Leases and tries.
    pub timing: Timing,
    /// Tells of turns that are over.
    pub herald: Herald,
}

impl Run {
    /// Runs one round.
    ///
    /// # Errors
    /// When a store failed or the bot is gone. A model's failure is a decision, not an error.
    pub async fn handle(&self, input: RunInput) -> Result<RunOutput, Error> {
        let start = &TurnStart {
            until: None,
            ..input.start.clone()
        };
        // What this hold has done before must show, so a later round reads the session itself.
        let session = async {
            match input.turn {
                None => self.sessions.load_held(&start.session, start.hold).await,
                Some(_) => self.sessions.load(&start.session).await,
            }
        };
        let switch = self.switches.of(start.session.tenant());
        // Whoever asks for the switch before a thought finds it known.
        let (session, switch) = futures::join!(session, switch);
        let (session, _) = (session?, switch?);
        if session.hold() != Some(start.hold) {
            return Ok(RunOutput::Stop);
        }
        let Some(session) = self.clear_outbox(start, session).await? else {
            return Ok(RunOutput::Stop);
        };
        let mut carried = Carried {
            waited: input.waited,
            given_up: None,
            retries: input.retries,
        };
        if let Some(previous) = input.previous {
            return self
                .go_on(start, session, input.turn, previous, carried)
                .await;
        }
        let turn = session.delivered + 1;
        // An overtaken turn and a dead attempt's begin again under their own hold, a dead hold's under the next.
        let again = input.turn == Some(turn) || input.retries > 0 || session.tries > 0;
        if again {
            let records = self.transcripts.since(&start.session, turn).await?;
            carried.given_up = Some(given_up(&records, turn, &[]));
        }
        Box::pin(self.begin_here(start, session, carried)).await
    }

    /// The first round of a turn again, with all messages, without waiting for more.
    fn begin<'a>(
        &'a self,
        start: &'a TurnStart,
        session: Arc<Session>,
        carried: Carried,
    ) -> BoxFuture<'a, Result<RunOutput, Error>> {
        Box::pin(self.begin_here(start, session, carried))
    }

    /// The first round of a turn, or the one a dead hold was bound to.
    async fn begin_here(
        &self,
        start: &TurnStart,
        session: Arc<Session>,
        carried: Carried,
    ) -> Result<RunOutput, Error> {
        let turn = session.delivered + 1;
        if let Some(plan) = session.plan {
            return self.take_over(start, turn, plan).await;
        }
        let Some((session, repeats)) = self.skip_repeats(start, session).await? else {
            return Ok(RunOutput::Stop);
        };
        let key = &start.session;
        let staff = self.crew.staff(key.tenant(), key.bot()).await?;
        let bot = Arc::clone(&staff.bot);
        let reflex = Reflex::new(&bot, key);
        let count = self.batch(&session, reflex);
        let messages: Vec<Taken> = session.inbox[..count]
            .iter()
            .map(|message| Taken::of(message, repeats.contains(&message.hash())))
            .collect();
        let from = session.head();
        let round = Round {
            staff,
            turn,
            number: 0,
            before: Vec::new(),
            from,
            upto: from + count as u64 - 1,
            messages,
            finish: false,
            given_up: carried.given_up.unwrap_or_default(),
            retries: carried.retries,
        };
        let unthought = self
            .without_thought(start, &session, &round, reflex)
            .await?;
        let unthought = match unthought {
            Some(unthought) => Some(unthought),
            None => self.switched_off(key, &round).await?,
        };
        if unthought.is_none()
            && let Some(until) = self
                .until(start, &session, &round, &round.staff, carried.waited)
                .await?
        {
            return Ok(RunOutput::Wait {
                start: TurnStart {
                    until: Some(until),
                    ..start.clone()
                },
                turn,
                waited: carried.waited + 1,
            });
        }
        self.events.publish(
            &start.session,
            Event::TurnStarted {
                turn,
                messages: count as u64,
            },
        );
        match unthought {
            Some(unthought) => self.decide(start, &session, round, unthought).await,
            None => self.think(start, session, round).await,
        }
    }

    /// Drops messages at the head of the inbox that were answered before the session forgot their ids.
    /// Gives the session and the repeats further back, or nothing when the run is to end.
    async fn skip_repeats(
        &self,
        start: &TurnStart,
        session: Arc<Session>,
    ) -> Result<Option<(Arc<Session>, Vec<MessageHash>)>, Error> {
        let remembered = session.seen.len() + session.seen_old.len();
        let hashes: Vec<MessageHash> = session.inbox.iter().map(Pending::hash).collect();
        let repeats = if session.arrivals > remembered as u64 {
            self.spill.spilled(&start.session, &hashes).await?
        } else {
            Vec::new()
        };
        let step = Step {
            hold: start.hold,
            turn: session.delivered + 1,
        };
        let leading = hashes
            .iter()
            .take_while(|hash| repeats.contains(hash))
            .count();
        let session = if leading > 0 {
            let skip = Command::Skip {
                step,
                from: session.head(),
                count: leading,
            };
            match self.sessions.apply(&start.session, skip).await? {
                Applied::Done(session) => session,
                // A write that seemed lost had succeeded, or another run of this hold has skipped them.
                Applied::Refused(Refusal::Moved, session)
                    if session.hold() == Some(start.hold) && session.plan.is_none() =>
                {
                    self.sessions.load(&start.session).await?
                }
                Applied::Refused(..) => return Ok(None),
            }
        } else {
            session
        };
        if session.inbox.is_empty() {
            return match self
                .sessions
                .apply(&start.session, Command::Free { step })
                .await?
            {
                Applied::Refused(Refusal::Waiting, session) => Ok(Some((session, repeats))),
                Applied::Done(_) | Applied::Refused(..) => Ok(None),
            };
        }
        Ok(Some((session, repeats)))
    }

    /// A stored plan is carried out as it stands; a plan of this very hold is another run's.
    async fn take_over(
        &self,
        start: &TurnStart,
        turn: u64,
        plan: PlanId,
    ) -> Result<RunOutput, Error> {
        let Some(record) = self.transcripts.read(&start.session, turn, plan).await? else {
            return Ok(RunOutput::Stop);
        };
        if record.fence >= start.hold.fence {
            return Ok(RunOutput::Stop);
        }
        let mut record = TurnRecord::clone(&record);
        // It is bound to its plan: a later message waits, or its other calls would be refused for ever.
        record.terms.calm = false;
        Ok(output(start, &record, Some(plan)))
    }

    /// A later round: every call of the round before has its result, unless the turn was overtaken.
    fn go_on<'a>(
        &'a self,
        start: &'a TurnStart,
        session: Arc<Session>,
        turn: Option<u64>,
        previous: PlanId,
        carried: Carried,
    ) -> BoxFuture<'a, Result<RunOutput, Error>> {
        Box::pin(self.go_on_here(start, session, turn, previous, carried))
    }

    async fn go_on_here(
        &self,
        start: &TurnStart,
        session: Arc<Session>,
        turn: Option<u64>,
        previous: PlanId,
        carried: Carried,
    ) -> Result<RunOutput, Error> {
        let turn = turn.unwrap_or(session.delivered + 1);
        let records = self.transcripts.since(&start.session, turn).await?;
        let before = rounds_to(&records, turn, previous);
        let bound_elsewhere = session
            .plan
            .is_some_and(|plan| before.iter().all(|round| round.plan != plan));
        let Some(last) = before.last().cloned() else {
            return Ok(RunOutput::Stop);
        };
        if turn != session.delivered + 1 || bound_elsewhere {
            return Ok(RunOutput::Stop);
        }
        let results = self.results.known_since(&start.session, turn).await?;
        if !session
            .intents
            .keys()
            .all(|intent| results.contains_key(intent))
        {
            // An effect is open, in another invocation's hands; whoever holds the session next finds out.
            return Ok(RunOutput::Stop);
        }
        let key = &start.session;
        let staff = self.crew.staff(key.tenant(), key.bot()).await?;
        let mut round = Round {
            staff: staff.clone(),
            turn,
            number: last.round + 1,
            from: last.from,
            upto: last.upto,
            messages: Vec::new(),
            finish: last.finish,
            given_up: carried
                .given_up
                .unwrap_or_else(|| given_up(&records, turn, &before)),
            retries: carried.retries,
            before,
        };
        let reflex = Reflex::new(&staff.bot, key);
        if let Some(unthought) = self
            .without_thought(start, &session, &round, reflex)
            .await?
        {
            return self.decide(start, &session, round, unthought).await;
        }
        if let Some(unthought) = self.switched_off(key, &round).await? {
            return self.decide(start, &session, round, unthought).await;
        }
        let called = last.decision.calls();
        let all_called = called.iter().all(|call| results.contains_key(&call.intent));
        if let Some(undoing) = last.decision.undoing().filter(|_| all_called) {
            let undoing = undoing.clone();
            return self.unwind(start, session, round, undoing, &results).await;
        }
        match self.meet(key, &session, &round, &round.staff).await {
            Meeting::Nothing => {}
            Meeting::Again => {
                let carried = Carried {
                    waited: WINDOWS,
                    given_up: Some(round.spent().cloned().collect()),
                    retries: round.retries,
                };
                return self.begin(start, session, carried).await;
            }
            Meeting::Undo => {
                let undoing = Undoing::Overtaken;
                return self.unwind(start, session, round, undoing, &results).await;
            }
            Meeting::Join { finish } => {
                round.join(&session, reflex, finish);
                // What joins is answered with the rest.
                self.signs(key, &round).await?;
            }
        }
        if !all_called {
            return Ok(RunOutput::Stop);
        }
        self.think(start, session, round).await
    }
}
