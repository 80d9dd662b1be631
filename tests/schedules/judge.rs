//! What truly happened, kept beside the engine's own records, and what must hold of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use engine::approval::GOOD_FOR;
use engine::document::Topic;
use engine::runtime::{Clock, Time};
use engine::session::{Command, PlanId, Session, SessionKey};
use engine::transcript::{Decision, Settlement, ToolResult, ToolStatus, TurnRecord, Verdict};
use serde_json::Value;

use super::functions::TIMING;
use super::stage::{Stage, locked};
use super::tally::Event;

/// More thoughts than any schedule has a reason for.
const MANY: u32 = 60;

/// How long a process trusts what it knows of a stop.
const TRUST: Duration = Duration::from_secs(1);

/// How long after its yes was used a call may still be under way.
const LATE: Duration = Duration::from_secs(60);

/// An effect that happened.
pub(crate) struct Effect {
    tool: String,
    body: Value,
    key: Option<String>,
}

#[derive(Default)]
pub(crate) struct Ledger {
    /// The first promise that was broken.
    pub(crate) broken: Option<&'static str>,
    /// Ids by arrival number.
    arrivals: BTreeMap<SessionKey, Vec<String>>,
    /// Ids of messages whose webhook was answered.
    pub(crate) acknowledged: Vec<String>,
    /// The plan that each turn passed its gate with.
    gates: BTreeMap<(SessionKey, u64), PlanId>,
    /// Arrival numbers that were taken out of the inbox.
    taken: BTreeSet<(SessionKey, u64)>,
    effects: Vec<Effect>,
    results: BTreeMap<(SessionKey, String), ToolStatus>,
    sent: Vec<(SessionKey, u64)>,
    /// The yes may have been used by a call of the same arguments that nobody planned.
    pub(crate) misused: bool,
    /// How often the model was asked.
    thoughts: u32,
    /// When an operator stopped the bot.
    stopped: Option<Time>,
    /// How the question to people was first decided, and when.
    decided: Option<(Event, Time)>,
}

impl Stage {
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        locked(&self.0.ledger)
    }

    /// Notes a promise that is broken.
    pub(crate) fn must(&self, truth: bool, promise: &'static str) {
        if !truth {
            self.ledger().broken.get_or_insert(promise);
        }
    }

    /// Follows a command that was carried out.
    pub(crate) fn follow(
        &self,
        key: &SessionKey,
        before: &Session,
        command: &Command,
        after: &Session,
    ) {
        match command {
            Command::Accept { message, .. } => {
                let known = {
                    let mut ledger = self.ledger();
                    let arrivals = ledger.arrivals.entry(key.clone()).or_default();
                    let known = arrivals.contains(&message.id);
                    arrivals.push(message.id.clone());
                    known
                };
                self.must(!known, "a message was accepted twice");
            }
            Command::Reclaim { .. } => self.count(Event::Reclaimed),
            Command::Claim { .. } => self.count(Event::Claimed),
            Command::Gate {
                step,
                chain,
                from,
                upto,
                ..
            } => {
                self.count(Event::Gated);
                let mut ledger = self.ledger();
                let gate = (key.clone(), step.turn);
                let again = ledger.gates.insert(gate, chain.plan).is_some();
                let mut fresh = true;
                for arrival in *from..=*upto {
                    fresh &= ledger.taken.insert((key.clone(), arrival));
                }
                drop(ledger);
                self.must(!again, "a turn passed its gate twice");
                self.must(fresh, "a message was settled twice");
            }
            _ => {}
        }
        let let_go = before.owner.is_some() && after.owner.is_none();
        self.must(
            !let_go || after.fence > before.fence,
            "a hold ended and its fence stands",
        );
    }

    /// The result of an intent, as a worker was told that it stands.
    pub(crate) fn stands(&self, key: &SessionKey, intent: &str, standing: &ToolResult) {
        if standing.is_under_way() {
            return;
        }
        let place = (key.clone(), intent.to_owned());
        let known = *self
            .ledger()
            .results
            .entry(place)
            .or_insert(standing.status);
        self.must(known == standing.status, "the result of an intent changed");
    }

    /// The model is asked.
    pub(crate) fn thinks(&self) {
        let thoughts = {
            let mut ledger = self.ledger();
            ledger.thoughts += 1;
            ledger.thoughts
        };
        self.must(thoughts <= MANY, "a turn was thought again and again");
    }

    /// An operator stops the bot.
    pub(crate) fn stopped(&self) {
        self.count(Event::Stopped);
        let now = self.now();
        self.ledger().stopped.get_or_insert(now);
    }

    /// An approval is saved.
    pub(crate) fn saved(&self, body: &Value) {
        let event = match body["state"].as_str() {
            Some("granted") => Event::Granted,
            Some("denied") => Event::Denied,
            Some("expired") => Event::RanOut,
            Some("consumed") => return self.count(Event::Consumed),
            _ => return,
        };
        let in_time = body["expires_at"].as_str() > body["decided_at"].as_str();
        self.must(
            in_time || event == Event::RanOut,
            "a question was answered when its time was over",
        );
        let (decided, now) = (self.ledger().decided, self.now());
        if decided.is_none() {
            self.count(event);
            self.ledger().decided = Some((event, now));
        }
        let first = decided.is_none_or(|(known, _)| known == event);
        self.must(first, "what people decided was decided again");
    }

    /// A worker begins an effect: nothing may begin without an open claim under the hold in force.
    pub(crate) fn effect_begins(&self, tool: &str) {
        let claimed = |session: &Arc<Session>| {
            let mut intents = session.intents.keys();
            session.owner.is_some() && intents.any(|intent| intent.starts_with(tool))
        };
        let begun = self.store().sessions.values().any(claimed);
        self.must(begun, "an effect began without a claim");
        let since = self
            .ledger()
            .stopped
            .map(|stopped| self.now().since(stopped));
        // What was known a second ago, at most, when the time for the effect began.
        let late = since.is_some_and(|since| since > TRUST + TIMING.effect);
        self.must(!late, "an effect began after the bot was stopped");
    }

    /// An effect takes place; whether the other side has seen its key before.
    pub(crate) fn effect(&self, tool: &str, key: Option<String>, body: Value) -> bool {
        if tool == "wire" {
            self.wired(&body);
        }
        let (count, same_key) = {
            let ledger = self.ledger();
            let mut same = ledger
                .effects
                .iter()
                .filter(|effect| effect.tool == tool && effect.body == body);
            let count = same.clone().count();
            (count, same.all(|effect| key.is_some() && effect.key == key))
        };
        if key.is_some() {
            self.must(same_key, "one effect was asked for under two keys");
        } else {
            self.must(count == 0, "an effect happened twice");
        }
        let again = key.is_some() && count > 0;
        self.count(if again {
            Event::EffectAgain
        } else {
            Event::Effect
        });
        if !again {
            let tool = tool.to_owned();
            self.ledger().effects.push(Effect { tool, body, key });
        }
        again
    }

    /// Whether something was done under the provider's key.
    pub(crate) fn is_done(&self, key: &str) -> bool {
        let ledger = self.ledger();
        let mut effects = ledger.effects.iter();
        effects.any(|effect| effect.key.as_deref() == Some(key))
    }

    /// A call that needs a yes is made.
    fn wired(&self, body: &Value) {
        self.count(Event::Approved);
        let (granted, fresh) = match self.ledger().decided {
            Some((Event::Granted, at)) => (true, self.now().since(at) < GOOD_FOR + LATE),
            _ => (false, true),
        };
        self.must(granted, "a call was made without the yes it needs");
        self.must(fresh, "a call was made with a yes that had run out");
        self.must(
            *body == super::outside::asked(),
            "a call was made with other arguments than were allowed",
        );
    }

    /// A worker begins to send.
    pub(crate) fn send_begins(&self, key: &SessionKey, turn: u64) {
        let session = self.session(key);
        let out = session.out.as_ref();
        let mine = out.is_some_and(|out| out.turn == turn && out.fence == session.fence);
        self.must(mine, "a reply was sent by who does not hold the session");
        let last = {
            let ledger = self.ledger();
            let sent = ledger.sent.iter().filter(|(of, _)| of == key);
            sent.map(|(_, turn)| *turn).max().unwrap_or(0)
        };
        self.must(last != turn, "a reply was sent twice");
        self.must(last <= turn, "a reply overtook another");
    }

    /// A reply leaves.
    pub(crate) fn sent(&self, key: &SessionKey, turn: u64) {
        self.count(Event::Sent);
        self.ledger().sent.push((key.clone(), turn));
    }

    /// What must hold when nothing is left to do. Gives whether every message was answered.
    pub(crate) fn verify(&self, key: &SessionKey) -> bool {
        let session = self.session(key);
        self.must(session.owner.is_none(), "a hold was never let go of");
        self.must(session.inbox.is_empty(), "a message was left behind");
        self.must(session.out.is_none(), "an outbox was never settled");
        let (arrivals, taken, acknowledged) = {
            let ledger = self.ledger();
            let arrivals = ledger.arrivals.get(key).cloned().unwrap_or_default();
            let taken = (1..=arrivals.len() as u64)
                .all(|arrival| ledger.taken.contains(&(key.clone(), arrival)));
            let known = |id: &String| arrivals.contains(id);
            (arrivals.len(), taken, ledger.acknowledged.iter().all(known))
        };
        self.must(taken, "a message has no verdict");
        self.must(acknowledged, "an acknowledged message was lost");
        self.must(
            arrivals as u64 == session.arrivals,
            "arrivals were miscounted",
        );
        let gates: Vec<_> = {
            let ledger = self.ledger();
            let of = ledger.gates.iter().filter(|((of, _), _)| of == key);
            of.map(|((_, turn), plan)| (*turn, *plan)).collect()
        };
        let mut answered = true;
        for (turn, plan) in gates {
            answered &= self.verdict(key, turn, plan);
        }
        self.results(key);
        answered
    }

    /// Whether a turn was answered; its verdict must be true.
    fn verdict(&self, key: &SessionKey, turn: u64, plan: PlanId) -> bool {
        let (record, settlement) = {
            let store = self.store();
            let mut records = store.records.get(key).into_iter().flatten();
            let record = records.find(|record| (record.turn, record.plan) == (turn, plan));
            let settlement = store.settlements.get(&(key.clone(), turn)).cloned();
            (record.cloned(), settlement)
        };
        let Some(record) = record else {
            self.must(false, "a turn passed its gate with a plan nobody wrote");
            return false;
        };
        let verdict = verdict(settlement.as_ref());
        let sent = self.ledger().sent.contains(&(key.clone(), turn));
        let reply = matches!(record.decision, Decision::Reply { .. });
        let carried = super::outside::has_carrier(key);
        match verdict {
            Verdict::Answered => {
                self.count(Event::Answered);
                self.must(
                    reply && (sent || !carried),
                    "answered, and nothing was said",
                );
            }
            Verdict::Failed => {
                self.count(Event::Parked);
                self.must(!reply || !sent, "failed, and the reply was sent");
            }
            Verdict::Unconfirmed => {
                self.count(Event::Unconfirmed);
                self.must(reply && carried, "unconfirmed, and nobody was to be told");
            }
            Verdict::Refused => {
                let stopped = self.ledger().stopped.is_some();
                self.must(stopped && !reply, "refused, and nobody had stopped the bot");
            }
            Verdict::Absorbed | Verdict::HandedOff => {
                self.must(false, "a verdict that nothing led to");
            }
        }
        verdict == Verdict::Answered
    }

    /// What is recorded of each call must be true.
    fn results(&self, key: &SessionKey) {
        let (records, results) = {
            let store = self.store();
            let of = store.results.iter().filter(|((of, _), _)| of == key);
            let results: BTreeMap<String, ToolResult> = of
                .map(|((_, intent), result)| (intent.clone(), result.clone()))
                .collect();
            (store.records.get(key).cloned().unwrap_or_default(), results)
        };
        for call in calls(&records) {
            let Some(result) = results.get(&call.intent) else {
                continue;
            };
            let happened = {
                let ledger = self.ledger();
                let mut effects = ledger.effects.iter();
                effects.any(|effect| effect.tool == call.tool && effect.body == call.arguments)
            };
            let listed = {
                let store = self.store();
                let mut documents = store.documents.iter();
                documents.any(|(key, (_, body))| {
                    key.topic == Topic::Unknown && body["intent"] == call.intent.as_str()
                })
            };
            if result.content.to_string().contains("stopped by") {
                self.count(Event::NotBegun);
            }
            match result.status {
                _ if call.tool == "look" => {}
                ToolStatus::Succeeded => self.must(happened, "recorded as done, and it was not"),
                ToolStatus::Unknown => self.must(listed, "an unknown is not on the list"),
                ToolStatus::Failed if call.tool == "note" || self.ledger().misused => {}
                ToolStatus::Failed => self.must(!happened, "recorded as failed, and it was done"),
                ToolStatus::Waiting => {}
            }
        }
    }
}

fn calls(records: &[Arc<TurnRecord>]) -> impl Iterator<Item = &engine::transcript::PlannedCall> {
    records.iter().flat_map(|record| record.decision.calls())
}

fn verdict(settlement: Option<&Settlement>) -> Verdict {
    settlement.map_or(Verdict::Answered, |settlement| settlement.verdict)
}
