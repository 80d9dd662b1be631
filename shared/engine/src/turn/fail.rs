//! `turn-fail`: a function failed for good; park the messages and let go.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::run::{APOLOGY, output};
use super::{
    Bots, Deliver, DeliverInput, DeliverOutput, FailInput, FailOutput, Parcel, Planned, RunOutput,
    TurnStart, saga,
};
use crate::bot::Bot;
use crate::budget::Spent;
use crate::document::Documents;
use crate::error::Error;
use crate::runtime::Runtime;
use crate::session::{Intended, InvocationId, PlanId, Session, SessionKey, Terms};
use crate::tool::ToolOutcome;
use crate::transcript::{
    Decision, PlannedCall, Taken, ToolResult, ToolResults, TurnRecord, rounds_to,
};
use crate::unknown::Unknown;

/// The most characters of a caught error that are kept.
const MAX_REASON: usize = 500;

/// Ends a turn whose functions failed.
#[derive(Clone)]
pub struct Fail {
    /// Delivers the apology; brings the session, the transcript and the way out.
    pub deliver: Deliver,
    /// Finds bots, for their versions.
    pub bots: Arc<dyn Bots>,
    /// Keeps what tools came to.
    pub results: Arc<dyn ToolResults>,
    /// Keeps the list of what a person has to find out.
    pub documents: Arc<dyn Documents>,
}

impl Fail {
    /// Undoes what the turn has done, as far as it can be; then parks what it took, says so to the contact and
    /// lets go. Does nothing when the session is not ours any more, or when a reply of ours is already on its
    /// way.
    ///
    /// # Errors
    /// When a store failed; the hold then ends with its lease.
    pub async fn handle(&self, input: FailInput) -> Result<FailOutput, Error> {
        let stop = || Ok(FailOutput::Parked(DeliverOutput::Stop));
        let key = &input.start.session;
        let session = self.deliver.settler.sessions.load(key).await?;
        if session.hold() != Some(input.start.hold)
            || session.out.is_some()
            || session.inbox.is_empty()
        {
            return stop();
        }
        let rounds = self.rounds(key, &session).await?;
        let results = if session.intents.is_empty() {
            BTreeMap::new()
        } else {
            let turn = session.delivered + 1;
            self.results.known_since(key, turn).await?
        };
        let is_settled = |intent| results.contains_key(intent);
        if !session.intents.keys().all(is_settled) {
            // Nobody knows yet what it came to; the next owner of the hold finds out first.
            return stop();
        }
        let bot = self.bots.find(key.tenant(), key.bot()).await.ok();
        let reason = format!("{}: {}", input.error.error, input.error.cause);
        let failed = Decision::Failed {
            reason: reason.chars().take(MAX_REASON).collect(),
            apology: APOLOGY.to_owned(),
        };
        let failing = Failing {
            start: input.start,
            session,
            rounds,
            bot,
        };
        if let Some(undo) = self.undo_first(&failing, results, &failed).await? {
            return Ok(FailOutput::Undo(undo));
        }
        let record = failing.record(&self.deliver.settler.runtime, failed);
        let key = &failing.start.session;
        self.deliver.transcripts.write(key, &record).await?;
        let planned = Planned {
            turn: record.turn,
            plan: record.plan,
            bound: failing.session.plan,
            start: failing.start,
        };
        let parcel = Some(Parcel::from(&record));
        let input = DeliverInput { planned, parcel };
        self.deliver.handle(input).await.map(FailOutput::Parked)
    }

    /// The rounds that led to the plan the turn is bound to.
    async fn rounds(
        &self,
        key: &SessionKey,
        session: &Session,
    ) -> Result<Vec<Arc<TurnRecord>>, Error> {
        let Some(plan) = session.plan else {
            return Ok(Vec::new());
        };
        let turn = session.delivered + 1;
        let records = self.deliver.transcripts.since(key, turn).await?;
        Ok(rounds_to(&records, turn, plan))
    }

    /// Plans the undoing of the latest effect that still stands, if there is one.
    async fn undo_first(
        &self,
        failing: &Failing,
        mut results: BTreeMap<String, ToolResult>,
        failed: &Decision,
    ) -> Result<Option<RunOutput>, Error> {
        let Failing {
            start,
            session,
            rounds,
            bot: Some(bot),
        } = failing
        else {
            return Ok(None);
        };
        while let Some(call) = saga::next_undo(bot, session, rounds, &results) {
            if self.was_tried(failing, &call).await? {
                let result = self.give_up(failing, &call).await?;
                results.insert(call.intent.clone(), result);
                continue;
            }
            let decision = saga::before_giving_up(bot, session, rounds, &results, failed.clone());
            let record = failing.record(&self.deliver.settler.runtime, decision);
            let key = &start.session;
            self.deliver.transcripts.write(key, &record).await?;
            return Ok(Some(output(start, &record, session.plan)));
        }
        Ok(None)
    }

    /// Whether this hold has planned `call` before: the functions that were to make it failed.
    async fn was_tried(&self, failing: &Failing, call: &PlannedCall) -> Result<bool, Error> {
        let Failing { start, session, .. } = failing;
        let turn = session.delivered + 1;
        let transcripts = &self.deliver.transcripts;
        let records = transcripts.since(&start.session, turn).await?;
        Ok(records.iter().any(|record| {
            let mut calls = record.decision.calls().iter();
            record.fence == start.hold.fence && calls.any(|other| other.intent == call.intent)
        }))
    }

    /// Parks an undo that cannot be made.
    async fn give_up(&self, failing: &Failing, call: &PlannedCall) -> Result<ToolResult, Error> {
        let runtime = &self.deliver.settler.runtime;
        let key = &failing.start.session;
        let ToolOutcome { status, content } = ToolOutcome::unknown();
        let result = ToolResult {
            turn: failing.session.delivered + 1,
            tool: call.tool.clone(),
            status,
            content,
            by: InvocationId::fresh(runtime),
            at: runtime.now(),
            millis: 0,
            settled: None,
        };
        if let Some(unknown) = Unknown::of(key, call, &result) {
            unknown.open(&*self.documents).await?;
        }
        self.results.record(key, &call.intent, result).await
    }
}

/// A turn that is given up.
struct Failing {
    start: TurnStart,
    session: Arc<Session>,
    /// What it was bound to.
    rounds: Vec<Arc<TurnRecord>>,
    bot: Option<Arc<Bot>>,
}

impl Failing {
    /// The round that says `decision` of all messages that wait.
    fn record(&self, runtime: &Runtime, decision: Decision) -> TurnRecord {
        let Self { session, .. } = self;
        let head = session.head();
        // What the turn has done before shows in the trace, with the messages it was done for.
        let before = self.rounds.last().filter(|last| last.from == head);
        let taken = before.map_or(0, |last| {
            usize::try_from((last.upto + 1).saturating_sub(head)).unwrap_or(usize::MAX)
        });
        // What is undone is undone for the messages that the turn knows of.
        let waiting = match decision.undoing() {
            Some(_) => &[],
            None => session.inbox.get(taken..).unwrap_or_default(),
        };
        let rounds = before.map_or(&[][..], |_| &self.rounds);
        let calls = rounds.iter().flat_map(|round| &round.model_calls);
        let spent = calls.fold(Spent::default(), |sum, call| sum.plus(call.usage.into()));
        let bot = self.bot.as_ref();
        // What failed may have asked models, too.
        let unseen = bot.map_or_else(Spent::default, |bot| {
            let budget = bot.budget.of(self.start.session.tenant());
            budget.unseen(session.tries.saturating_add(1))
        });
        let spent = spent.plus(unseen);
        TurnRecord {
            turn: session.delivered + 1,
            plan: PlanId::fresh(runtime),
            previous: before.map(|last| last.plan),
            follows: session.last,
            round: before.map_or(0, |last| last.round + 1),
            fence: self.start.hold.fence,
            from: head,
            upto: head + (taken + waiting.len()) as u64 - 1,
            messages: waiting
                .iter()
                .map(|message| Taken::of(message, false))
                .collect(),
            decision,
            finish: false,
            terms: Terms {
                verdict: Intended::Other,
                effects: session.intents.len() as u64,
                spent: spent.money,
                tokens: spent.tokens,
                ..Terms::default()
            },
            bot: bot.map(|bot| bot.version.clone()).unwrap_or_default(),
            soul: bot.map(|bot| bot.soul.hash.clone()).unwrap_or_default(),
            model_calls: Vec::new(),
            at: runtime.now(),
            millis: 0,
        }
    }
}
