//! Transcript items and what tool calls came to.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use engine::error::Error;
use engine::session::{InvocationId, PlanId, SessionKey};
use engine::transcript::{Settled, ToolResult, ToolResults, Transcripts, TurnRecord};
use serde::de::DeserializeOwned;

use crate::item::Item;
use crate::store::{Place, SESSION, Store, turn_item, turn_prefix};

#[async_trait]
impl Transcripts for Store {
    async fn write(&self, key: &SessionKey, record: &TurnRecord) -> Result<(), Error> {
        let place = round(key, record.turn, record.plan);
        self.put(place, record, false).await.map(drop)
    }

    async fn read(
        &self,
        key: &SessionKey,
        turn: u64,
        plan: PlanId,
    ) -> Result<Option<Arc<TurnRecord>>, Error> {
        self.one(round(key, turn, plan))
            .await
            .map(|found| found.map(Arc::new))
    }

    async fn since(&self, key: &SessionKey, from: u64) -> Result<Vec<Arc<TurnRecord>>, Error> {
        let records = self.all_since::<TurnRecord>(key, from, "round").await?;
        Ok(records
            .into_iter()
            .map(|(.., record)| Arc::new(record))
            .collect())
    }
}

#[async_trait]
impl ToolResults for Store {
    async fn record(
        &self,
        key: &SessionKey,
        intent: &str,
        result: ToolResult,
    ) -> Result<ToolResult, Error> {
        let place = effect(key, intent);
        match self.put(place, &result, true).await? {
            None => Ok(result),
            Some(standing) => Store::record(self, &standing).await,
        }
    }

    async fn conclude(
        &self,
        key: &SessionKey,
        intent: &str,
        from: InvocationId,
        result: ToolResult,
    ) -> Result<ToolResult, Error> {
        loop {
            let Some(item) = self.get(effect(key, intent).key()).await? else {
                return ToolResults::record(self, key, intent, result).await;
            };
            let standing: ToolResult = Store::record(self, &item).await?;
            if !(standing.by == from && standing.is_under_way()) {
                return Ok(standing);
            }
            if self.replace(effect(key, intent), &item, &result).await? {
                return Ok(result);
            }
        }
    }

    async fn result(&self, key: &SessionKey, intent: &str) -> Result<Option<ToolResult>, Error> {
        self.one(effect(key, intent)).await
    }

    async fn settle_result(
        &self,
        key: &SessionKey,
        intent: &str,
        settled: &Settled,
    ) -> Result<(), Error> {
        // Who has the call under way may say what came of it meanwhile.
        while let Some(item) = self.get(effect(key, intent).key()).await? {
            let result: ToolResult = Store::record(self, &item).await?;
            let settled = Some(settled.clone()).filter(|_| result.settled.is_none());
            if settled.is_none() {
                break;
            }
            let result = ToolResult { settled, ..result };
            if self.replace(effect(key, intent), &item, &result).await? {
                break;
            }
        }
        Ok(())
    }

    async fn results_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<String, ToolResult>, Error> {
        let results = self.all_since(key, from, "effect").await?;
        Ok(results
            .into_iter()
            .map(|(_, intent, result)| (intent, result))
            .collect())
    }
}

impl Store {
    async fn one<T: DeserializeOwned>(&self, place: Place<'_>) -> Result<Option<T>, Error> {
        match self.get(place.key()).await? {
            Some(item) => Ok(Some(self.record(&item).await?)),
            None => Ok(None),
        }
    }

    /// Every record of `kind` from turn `from` on, with its turn and the rest of its sort key, in order.
    pub(crate) async fn all_since<T: DeserializeOwned>(
        &self,
        key: &SessionKey,
        from: u64,
        kind: &str,
    ) -> Result<Vec<(u64, String, T)>, Error> {
        let mut records = Vec::new();
        for item in self.items_since(key, from).await? {
            let Some((turn, found, rest)) = turn_item(&item) else {
                continue;
            };
            if found == kind {
                records.push((turn, rest, self.record(&item).await?));
            }
        }
        Ok(records)
    }

    async fn items_since(&self, key: &SessionKey, from: u64) -> Result<Vec<Item>, Error> {
        match self.with_recent(key, |recent| recent.since(from)) {
            Some(items) => Ok(items),
            None => self.range(key, &turn_prefix(from), SESSION).await,
        }
    }
}

fn round(key: &SessionKey, turn: u64, plan: PlanId) -> Place<'_> {
    Place::new(key, format!("{}round#{plan}", turn_prefix(turn)))
}

/// An intent names its turn before its last `#`.
fn effect<'a>(key: &'a SessionKey, intent: &str) -> Place<'a> {
    let turn = intent.rsplit('#').nth(1).and_then(|turn| turn.parse().ok());
    Place::new(
        key,
        format!("{}effect#{intent}", turn_prefix(turn.unwrap_or(0))),
    )
}
