//! The engine's stores in memory: every operation is a scheduling point, every write may fail or lose its answer.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};

use async_trait::async_trait;
use engine::document::{Document, DocumentKey, Documents, Topic};
use engine::error::Error;
use engine::message::Delivery;
use engine::runtime::Time;
use engine::session::{
    Applied, Command, InvocationId, MessageHash, PlanId, Refusal, Session, SessionKey, Sessions,
};
use engine::tool::{Record, Records};
use engine::transcript::{
    Decision, Outcomes, PlannedCall, Settled, Settlement, ToolResult, ToolResults, ToolStatus,
    Transcripts, TurnRecord,
};
use engine::turn::{Planned, Spill};
use serde_json::Value;

use super::mutant::Mutant;
use super::stage::{Fault, Stage, locked, lost};
use super::tally::Event;

/// What is stored.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) sessions: BTreeMap<SessionKey, Arc<Session>>,
    pub(crate) records: BTreeMap<SessionKey, Vec<Arc<TurnRecord>>>,
    pub(crate) results: BTreeMap<(SessionKey, String), ToolResult>,
    pub(crate) settlements: BTreeMap<(SessionKey, u64), Settlement>,
    pub(crate) deliveries: BTreeMap<(SessionKey, u64), Vec<Delivery>>,
    pub(crate) documents: BTreeMap<DocumentKey, (u64, Value)>,
}

impl Stage {
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        locked(&self.0.store)
    }

    /// The session as it is, looked at from outside.
    pub(crate) fn session(&self, key: &SessionKey) -> Arc<Session> {
        self.store().sessions.get(key).cloned().unwrap_or_default()
    }

    /// Makes `call` a call of the plan; whether it was none.
    pub(crate) fn plan_too(&self, planned: &Planned, call: &PlannedCall) -> bool {
        self.ledger().misused = true;
        let mut store = self.store();
        let mut records = store.records.values_mut().flatten();
        let of_plan = |record: &&mut Arc<TurnRecord>| record.plan == planned.plan;
        let Some(record) = records.find(of_plan) else {
            return false;
        };
        match &mut Arc::make_mut(record).decision {
            Decision::Tools { calls, .. } if calls.len() == 1 => {
                calls.push(call.clone());
                true
            }
            _ => false,
        }
    }

    /// Carries a write out, unless it fails; the caller may not learn of it.
    async fn write<T>(&self, write: impl FnOnce(&mut Store) -> T) -> Result<T, Error> {
        self.point().await;
        let fault = self.fault();
        if fault == Fault::Before {
            return Err(lost());
        }
        let done = write(&mut self.store());
        if fault == Fault::After {
            return Err(lost());
        }
        Ok(done)
    }

    fn note(&self, refusal: &Refusal) {
        match refusal {
            Refusal::Claimed(_) => self.count(Event::FoundClaimed),
            Refusal::NotMine => self.count(Event::NotMine),
            Refusal::Superseded => self.count(Event::Superseded),
            _ => {}
        }
    }
}

#[async_trait]
impl Sessions for Stage {
    async fn apply(&self, key: &SessionKey, command: Command) -> Result<Applied, Error> {
        self.point().await;
        let fault = self.fault();
        if fault == Fault::Before {
            return Err(lost());
        }
        let before = self.session(key);
        let mut after = Session::clone(&before);
        let applied = match self.0.mutant.apply(&mut after, &command) {
            Ok(()) => {
                self.tell_of(|| format!("{command:?}"));
                let after = Arc::new(after);
                self.store()
                    .sessions
                    .insert(key.clone(), Arc::clone(&after));
                self.follow(key, &before, &command, &after);
                Applied::Done(after)
            }
            Err(refusal) => {
                self.tell_of(|| format!("{refusal:?} {command:?}"));
                self.note(&refusal);
                Applied::Refused(refusal, before)
            }
        };
        if fault == Fault::After {
            return Err(lost());
        }
        Ok(applied)
    }

    async fn load(&self, key: &SessionKey) -> Result<Arc<Session>, Error> {
        self.point().await;
        Ok(self.session(key))
    }

    async fn expired(&self, now: Time, limit: usize) -> Result<Vec<SessionKey>, Error> {
        self.point().await;
        let store = self.store();
        let expired = store
            .sessions
            .iter()
            .filter(|(_, session)| session.lease.is_some_and(|lease| lease < now));
        Ok(expired.take(limit).map(|(key, _)| key.clone()).collect())
    }

    async fn durable(&self) -> Result<(), Error> {
        self.point().await;
        Ok(())
    }
}

#[async_trait]
impl Transcripts for Stage {
    async fn write(&self, key: &SessionKey, record: &TurnRecord) -> Result<(), Error> {
        Self::write(self, |store| {
            let records = store.records.entry(key.clone()).or_default();
            let known =
                |known: &Arc<TurnRecord>| (known.turn, known.plan) == (record.turn, record.plan);
            if !records.iter().any(known) {
                let place = records.partition_point(|known| known.turn <= record.turn);
                records.insert(place, Arc::new(record.clone()));
            }
        })
        .await
    }

    async fn read(
        &self,
        key: &SessionKey,
        turn: u64,
        plan: PlanId,
    ) -> Result<Option<Arc<TurnRecord>>, Error> {
        self.point().await;
        let store = self.store();
        let mut records = store.records.get(key).into_iter().flatten();
        Ok(records
            .find(|record| (record.turn, record.plan) == (turn, plan))
            .cloned())
    }

    async fn since(&self, key: &SessionKey, from: u64) -> Result<Vec<Arc<TurnRecord>>, Error> {
        self.point().await;
        let store = self.store();
        let records = store.records.get(key).into_iter().flatten();
        Ok(records
            .filter(|record| record.turn >= from)
            .cloned()
            .collect())
    }
}

#[async_trait]
impl ToolResults for Stage {
    async fn record(
        &self,
        key: &SessionKey,
        intent: &str,
        result: ToolResult,
    ) -> Result<ToolResult, Error> {
        let overwrites = self.0.mutant == Mutant::OverwritesResults;
        let standing = Self::write(self, |store| {
            let place = (key.clone(), intent.to_owned());
            if overwrites {
                store.results.remove(&place);
            }
            store.results.entry(place).or_insert(result).clone()
        })
        .await?;
        if standing.status == ToolStatus::Unknown {
            self.count(Event::Unknown);
        }
        self.tell_of(|| format!("{intent}: {:?}", standing.status));
        self.stands(key, intent, &standing);
        Ok(standing)
    }

    async fn conclude(
        &self,
        key: &SessionKey,
        intent: &str,
        from: InvocationId,
        result: ToolResult,
    ) -> Result<ToolResult, Error> {
        let standing = Self::write(self, |store| {
            let place = (key.clone(), intent.to_owned());
            let standing = store.results.entry(place).or_insert_with(|| result.clone());
            if standing.by == from && standing.is_under_way() {
                *standing = result;
            }
            standing.clone()
        })
        .await?;
        self.tell_of(|| format!("{intent}: {:?} after all", standing.status));
        self.stands(key, intent, &standing);
        Ok(standing)
    }

    async fn result(&self, key: &SessionKey, intent: &str) -> Result<Option<ToolResult>, Error> {
        self.point().await;
        let place = (key.clone(), intent.to_owned());
        Ok(self.store().results.get(&place).cloned())
    }

    async fn settle_result(&self, _: &SessionKey, _: &str, _: &Settled) -> Result<(), Error> {
        Ok(())
    }

    async fn results_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<String, ToolResult>, Error> {
        self.point().await;
        let store = self.store();
        let results = store
            .results
            .iter()
            .filter(|((of, _), result)| of == key && result.turn >= from);
        Ok(results
            .map(|((_, intent), result)| (intent.clone(), result.clone()))
            .collect())
    }
}

#[async_trait]
impl Outcomes for Stage {
    async fn settle(
        &self,
        key: &SessionKey,
        turn: u64,
        settlement: Settlement,
    ) -> Result<Settlement, Error> {
        Self::write(self, |store| {
            let place = (key.clone(), turn);
            store.settlements.entry(place).or_insert(settlement).clone()
        })
        .await
    }

    async fn settlements_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<u64, Settlement>, Error> {
        self.point().await;
        let store = self.store();
        let of = store.settlements.range((key.clone(), from)..);
        Ok(of
            .take_while(|((of, _), _)| of == key)
            .map(|((_, turn), settlement)| (*turn, settlement.clone()))
            .collect())
    }

    async fn deliver(&self, key: &SessionKey, turn: u64, delivery: Delivery) -> Result<(), Error> {
        Self::write(self, |store| {
            let parts = store.deliveries.entry((key.clone(), turn)).or_default();
            match parts.iter_mut().find(|known| known.part == delivery.part) {
                Some(known) if known.state >= delivery.state => {}
                Some(known) => *known = delivery,
                None => parts.push(delivery),
            }
        })
        .await
    }

    async fn deliveries_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<u64, Vec<Delivery>>, Error> {
        self.point().await;
        let store = self.store();
        let of = store.deliveries.range((key.clone(), from)..);
        Ok(of
            .take_while(|((of, _), _)| of == key)
            .map(|((_, turn), parts)| (*turn, parts.clone()))
            .collect())
    }
}

#[async_trait]
impl Documents for Stage {
    async fn read(&self, key: &DocumentKey) -> Result<Option<Document>, Error> {
        self.point().await;
        let store = self.store();
        Ok(store.documents.get(key).map(|(version, body)| Document {
            id: key.id.clone(),
            version: *version,
            body: body.clone(),
        }))
    }

    async fn save(
        &self,
        key: &DocumentKey,
        version: u64,
        body: Value,
        _: Option<Time>,
    ) -> Result<bool, Error> {
        let mutant = self.0.mutant;
        Self::write(self, |store| {
            let found = store.documents.get(key).map_or(0, |(version, _)| *version);
            let fits = found == version || mutant == Mutant::SavesBlindly;
            if fits && !mutant.drops(key, &body) {
                match key.topic {
                    Topic::Approval => self.saved(&body),
                    Topic::Switch => self.stopped(),
                    _ => {}
                }
                store.documents.insert(key.clone(), (found + 1, body));
            }
            fits
        })
        .await
    }

    async fn remove(&self, key: &DocumentKey, version: u64) -> Result<bool, Error> {
        Self::write(self, |store| {
            let fits = store
                .documents
                .get(key)
                .is_some_and(|(found, _)| *found == version);
            if fits {
                store.documents.remove(key);
            }
            fits
        })
        .await
    }

    async fn list(
        &self,
        tenant: &str,
        topic: Topic,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Document>, Error> {
        self.point().await;
        let store = self.store();
        let of = store.documents.iter().filter(|(key, _)| {
            key.tenant == tenant && key.topic == topic && key.id.as_str() > after
        });
        Ok(of
            .take(limit)
            .map(|(key, (version, body))| Document {
                id: key.id.clone(),
                version: *version,
                body: body.clone(),
            })
            .collect())
    }

    async fn count(
        &self,
        _: &DocumentKey,
        by: i64,
        _: i64,
        _: Option<Time>,
    ) -> Result<Option<i64>, Error> {
        Ok(Some(by))
    }
}

#[async_trait]
impl Spill for Stage {
    async fn spill(&self, _: &SessionKey, _: &[MessageHash]) -> Result<(), Error> {
        Ok(())
    }

    async fn spilled(&self, _: &SessionKey, _: &[MessageHash]) -> Result<Vec<MessageHash>, Error> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Records for Stage {
    async fn keep(&self, _: Record) -> Result<(), Error> {
        Ok(())
    }
}
