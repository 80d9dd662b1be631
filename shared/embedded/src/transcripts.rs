//! Transcript items and tool results.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use engine::error::Error;
use engine::session::{InvocationId, PlanId, SessionKey};
use engine::transcript::{Settled, ToolResult, ToolResults, Transcripts, TurnRecord};
use rusqlite::{OptionalExtension, params};

use crate::cache::Entry;
use crate::memory::Memory;
use crate::store::{Failed, Open, Store};

#[async_trait]
impl Transcripts for Store {
    async fn write(&self, key: &SessionKey, record: &TurnRecord) -> Result<(), Error> {
        let record = Arc::new(record.clone());
        let written = self.try_memory(|memory| {
            let entry = memory.cache.known(key)?;
            memory.write_turn(&entry, Arc::clone(&record));
            Some(())
        })?;
        match written {
            Some(()) => Ok(()),
            None => self.with(|open| {
                let entry = open.row(key)?;
                open.memory.write_turn(&entry, record);
                Ok(())
            }),
        }
    }

    async fn read(
        &self,
        key: &SessionKey,
        turn: u64,
        plan: PlanId,
    ) -> Result<Option<Arc<TurnRecord>>, Error> {
        let recent = self.try_memory(|memory| {
            let id = memory.cache.known(key)?.id;
            memory.cache.record(id, turn, plan)
        })?;
        if recent.is_some() {
            return Ok(recent);
        }
        self.with(|open| {
            let Some(entry) = open.memory.cache.entry(open.connection, key)? else {
                return Ok(None);
            };
            let mut statement = open.connection.prepare_cached(
                "SELECT record FROM turn WHERE session = ? AND turn = ? AND plan = ?",
            )?;
            let place = params![entry.id, turn.cast_signed(), plan.0.cast_signed()];
            let record: Option<String> = statement.query_row(place, |row| row.get(0)).optional()?;
            Ok(record
                .map(|record| serde_json::from_str(&record))
                .transpose()?)
        })
    }

    async fn since(&self, key: &SessionKey, from: u64) -> Result<Vec<Arc<TurnRecord>>, Error> {
        let recent = self.try_memory(|memory| {
            let id = memory.cache.known(key)?.id;
            memory.cache.recent_since(id, from)
        })?;
        if let Some(recent) = recent {
            return Ok(recent);
        }
        self.with(|open| {
            let Some(entry) = open.memory.cache.entry(open.connection, key)? else {
                return Ok(Vec::new());
            };
            let Open { connection, memory } = open;
            memory.cache.records_since(connection, entry.id, from)
        })
    }
}

impl Memory {
    fn write_turn(&mut self, entry: &Entry, record: Arc<TurnRecord>) {
        if self
            .cache
            .record(entry.id, record.turn, record.plan)
            .is_some()
        {
            return;
        }
        let first = entry.session.fence == 0;
        self.put_turn(entry.id, Arc::clone(&record));
        self.cache.push_record(entry.id, record, first);
    }
}

fn find_result(open: &Open<'_>, session: i64, intent: &str) -> Result<Option<ToolResult>, Failed> {
    let mut statement = open
        .connection
        .prepare_cached("SELECT result FROM tool_result WHERE session = ? AND intent = ?")?;
    let result: Option<String> = statement
        .query_row(params![session, intent], |row| row.get(0))
        .optional()?;
    Ok(result
        .map(|result| serde_json::from_str(&result))
        .transpose()?)
}

fn keep_result(
    open: &mut Open<'_>,
    session: i64,
    intent: &str,
    result: &ToolResult,
) -> Result<(), Failed> {
    open.begin_of(session)?;
    open.connection
        .prepare_cached(
            "INSERT INTO tool_result (session, turn, intent, result) VALUES (?, ?, ?, ?)
             ON CONFLICT (session, intent) DO UPDATE SET result = excluded.result",
        )?
        .execute(params![
            session,
            result.turn.cast_signed(),
            intent,
            serde_json::to_string(result)?
        ])?;
    Ok(())
}

#[async_trait]
impl ToolResults for Store {
    async fn record(
        &self,
        key: &SessionKey,
        intent: &str,
        result: ToolResult,
    ) -> Result<ToolResult, Error> {
        self.with(|open| {
            let id = open.row(key)?.id;
            if let Some(standing) = find_result(open, id, intent)? {
                return Ok(standing);
            }
            keep_result(open, id, intent, &result)?;
            Ok(result)
        })
    }

    async fn conclude(
        &self,
        key: &SessionKey,
        intent: &str,
        from: InvocationId,
        result: ToolResult,
    ) -> Result<ToolResult, Error> {
        self.with(|open| {
            let id = open.row(key)?.id;
            match find_result(open, id, intent)? {
                Some(standing) if standing.by != from || !standing.is_under_way() => Ok(standing),
                _ => {
                    keep_result(open, id, intent, &result)?;
                    Ok(result)
                }
            }
        })
    }

    async fn result(&self, key: &SessionKey, intent: &str) -> Result<Option<ToolResult>, Error> {
        self.with(|open| {
            let Some(entry) = open.memory.cache.entry(open.connection, key)? else {
                return Ok(None);
            };
            find_result(open, entry.id, intent)
        })
    }

    async fn settle_result(
        &self,
        key: &SessionKey,
        intent: &str,
        settled: &Settled,
    ) -> Result<(), Error> {
        self.with(|open| {
            let id = open.row(key)?.id;
            let Some(mut result) = find_result(open, id, intent)? else {
                return Ok(());
            };
            if result.settled.is_some() {
                return Ok(());
            }
            result.settled = Some(settled.clone());
            keep_result(open, id, intent, &result)
        })
    }

    async fn results_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<String, ToolResult>, Error> {
        self.with(|open| {
            let Some(entry) = open.memory.cache.entry(open.connection, key)? else {
                return Ok(BTreeMap::new());
            };
            let mut statement = open.connection.prepare_cached(
                "SELECT intent, result FROM tool_result WHERE session = ? AND turn >= ?",
            )?;
            let mut rows = statement.query(params![entry.id, from.cast_signed()])?;
            let mut results = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let result: String = row.get(1)?;
                results.insert(row.get(0)?, serde_json::from_str(&result)?);
            }
            Ok(results)
        })
    }
}
