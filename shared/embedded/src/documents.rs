//! Small documents and counters.

use async_trait::async_trait;
use engine::document::{Document, DocumentKey, Documents, Topic};
use engine::error::Error;
use engine::runtime::Time;
use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;

use crate::store::{Failed, Store};

#[async_trait]
impl Documents for Store {
    async fn read(&self, key: &DocumentKey) -> Result<Option<Document>, Error> {
        self.with(|open| {
            let row = open
                .connection
                .prepare_cached(
                    "SELECT id, version, body FROM document WHERE tenant = ? AND topic = ? AND id = ?",
                )?
                .query_row(params![key.tenant, key.topic.name(), key.id], columns)
                .optional()?;
            row.map(document).transpose()
        })
    }

    async fn save(
        &self,
        key: &DocumentKey,
        version: u64,
        body: Value,
        expires: Option<Time>,
    ) -> Result<bool, Error> {
        let statement = match version {
            0 => {
                "INSERT OR IGNORE INTO document (body, expires, tenant, topic, id, version)
                 VALUES (?, ?, ?, ?, ?, ? + 1)"
            }
            _ => {
                "UPDATE document SET body = ?, expires = ?, version = version + 1
                 WHERE tenant = ? AND topic = ? AND id = ? AND version = ?"
            }
        };
        self.with(|open| {
            open.begin()?;
            let changed = open.connection.prepare_cached(statement)?.execute(params![
                serde_json::to_string(&body)?,
                expires.map(|expires| expires.0),
                key.tenant,
                key.topic.name(),
                key.id,
                version.cast_signed()
            ])?;
            Ok(changed == 1)
        })
    }

    async fn remove(&self, key: &DocumentKey, version: u64) -> Result<bool, Error> {
        self.with(|open| {
            open.begin()?;
            let removed = open
                .connection
                .prepare_cached(
                    "DELETE FROM document WHERE tenant = ? AND topic = ? AND id = ? AND version = ?",
                )?
                .execute(params![
                    key.tenant,
                    key.topic.name(),
                    key.id,
                    version.cast_signed()
                ])?;
            Ok(removed == 1)
        })
    }

    async fn list(
        &self,
        tenant: &str,
        topic: Topic,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Document>, Error> {
        self.with(|open| {
            let mut statement = open.connection.prepare_cached(
                "SELECT id, version, body FROM document WHERE tenant = ? AND topic = ? AND id > ?
                 ORDER BY id LIMIT ?",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![tenant, topic.name(), after, limit], columns)?;
            rows.map(|row| document(row?)).collect()
        })
    }

    async fn count(
        &self,
        key: &DocumentKey,
        by: i64,
        at_most: i64,
        expires: Option<Time>,
    ) -> Result<Option<i64>, Error> {
        self.with(|open| {
            open.begin()?;
            let place = params![key.tenant, key.topic.name(), key.id];
            open.connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO counter (tenant, topic, id) VALUES (?, ?, ?)",
                )?
                .execute(place)?;
            let counted = open
                .connection
                .prepare_cached(
                    "UPDATE counter SET sum = sum + ?4, expires = ?6
                     WHERE tenant = ?1 AND topic = ?2 AND id = ?3 AND sum + ?4 <= ?5 RETURNING sum",
                )?
                .query_row(
                    params![
                        key.tenant,
                        key.topic.name(),
                        key.id,
                        by,
                        at_most,
                        expires.map(|expires| expires.0)
                    ],
                    |row| row.get(0),
                )
                .optional()?;
            Ok(counted)
        })
    }
}

impl Store {
    /// Drops documents and counters that expired before `now`.
    ///
    /// # Errors
    /// When the database failed.
    pub fn drop_expired(&self, now: Time) -> Result<(), Error> {
        self.with(|open| {
            open.begin()?;
            for statement in [
                "DELETE FROM document WHERE expires < ?",
                "DELETE FROM counter WHERE expires < ?",
            ] {
                open.connection
                    .prepare_cached(statement)?
                    .execute([now.0])?;
            }
            Ok(())
        })
    }
}

fn columns(row: &Row<'_>) -> rusqlite::Result<(String, i64, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn document((id, version, body): (String, i64, String)) -> Result<Document, Failed> {
    Ok(Document {
        id,
        version: version.cast_unsigned(),
        body: serde_json::from_str(&body)?,
    })
}
