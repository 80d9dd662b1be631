//! `turn-fail`: a function failed for good; park the messages and let go.

use std::sync::Arc;

use super::run::APOLOGY;
use super::{Bots, Deliver, DeliverInput, DeliverOutput, FailInput, Parcel, Planned};
use crate::error::Error;
use crate::session::{Intended, PlanId, Terms};
use crate::transcript::{Decision, Taken, ToolResults, TurnRecord};

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
}

impl Fail {
    /// Parks what the turn took, says so to the contact and lets go. Does nothing when the session is not
    /// ours any more, or when a reply of ours is already on its way.
    ///
    /// # Errors
    /// When a store failed; the hold then ends with its lease.
    pub async fn handle(&self, input: FailInput) -> Result<DeliverOutput, Error> {
        let runtime = &self.deliver.settler.runtime;
        let key = &input.start.session;
        let session = self.deliver.settler.sessions.load(key).await?;
        if session.hold() != Some(input.start.hold)
            || session.out.is_some()
            || session.inbox.is_empty()
        {
            return Ok(DeliverOutput::Stop);
        }
        let (version, soul, spent) = match self.bots.find(key.tenant(), key.bot()).await {
            Ok(bot) => {
                let budget = bot.budget.of(key.tenant());
                // What failed may have asked models, too.
                let spent = budget.unseen(session.tries.saturating_add(1));
                (bot.version.clone(), bot.soul.hash.clone(), spent)
            }
            Err(_) => (String::new(), String::new(), 0),
        };
        let reason = format!("{}: {}", input.error.error, input.error.cause);
        let results = &self.results;
        for intent in session.intents.keys() {
            if results.result(key, intent).await?.is_none() {
                // Nobody knows yet what it came to; the next owner of the hold finds out first.
                return Ok(DeliverOutput::Stop);
            }
        }
        let record = TurnRecord {
            turn: session.delivered + 1,
            plan: PlanId::fresh(runtime),
            previous: None,
            follows: session.last,
            round: 0,
            fence: input.start.hold.fence,
            from: session.head(),
            upto: session.arrivals,
            messages: session
                .inbox
                .iter()
                .map(|message| Taken::of(message, false))
                .collect(),
            decision: Decision::Failed {
                reason: reason.chars().take(MAX_REASON).collect(),
                apology: APOLOGY.to_owned(),
            },
            finish: false,
            terms: Terms {
                verdict: Intended::Other,
                effects: session.intents.len() as u64,
                spent,
                ..Terms::default()
            },
            bot: version,
            soul,
            model_calls: Vec::new(),
            at: runtime.now(),
            millis: 0,
        };
        self.deliver.transcripts.write(key, &record).await?;
        let planned = Planned {
            start: input.start,
            turn: record.turn,
            plan: record.plan,
            bound: session.plan,
        };
        let parcel = Some(Parcel::from(&record));
        self.deliver.handle(DeliverInput { planned, parcel }).await
    }
}
