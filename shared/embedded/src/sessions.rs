//! Sessions: each command a pure step inside the open transaction.

use std::sync::Arc;

use async_trait::async_trait;
use engine::error::Error;
use engine::runtime::Time;
use engine::session::{Applied, Command, MessageHash, Session, SessionKey, Sessions};
use engine::turn::Spill;
use rusqlite::params;

use crate::cache::Entry;
use crate::memory::Memory;
use crate::store::{Failed, Open, Store};

/// A session in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionSummary {
    /// The session.
    pub key: SessionKey,
    /// Its state.
    pub session: Arc<Session>,
}

impl Open<'_> {
    /// The session's row; makes one if there is none.
    pub(crate) fn row(&mut self, key: &SessionKey) -> Result<Entry, Failed> {
        let known = self.memory.cache.entry(self.connection, key)?;
        Ok(known.unwrap_or_else(|| self.memory.new_row(key)))
    }
}

impl Memory {
    fn apply(&mut self, key: &SessionKey, entry: Entry, command: &Command) -> Applied {
        let mut next = (*entry.session).clone();
        if let Err(refusal) = next.apply(command) {
            return Applied::Refused(refusal, entry.session);
        }
        let next = Arc::new(next);
        self.put_session(key, entry.id, Arc::clone(&next));
        Applied::Done(next)
    }
}

#[async_trait]
impl Sessions for Store {
    async fn apply(&self, key: &SessionKey, command: Command) -> Result<Applied, Error> {
        let applied = self.try_memory(|memory| {
            let entry = memory.cache.known(key)?;
            Some(memory.apply(key, entry, &command))
        })?;
        match applied {
            Some(applied) => Ok(applied),
            None => self.with(|open| {
                let entry = open.row(key)?;
                Ok(open.memory.apply(key, entry, &command))
            }),
        }
    }

    async fn load(&self, key: &SessionKey) -> Result<Arc<Session>, Error> {
        let known = self.try_memory(|memory| memory.cache.known(key))?;
        let entry = match known {
            Some(entry) => Some(entry),
            None => self.with(|open| open.memory.cache.entry(open.connection, key))?,
        };
        Ok(entry.map(|entry| entry.session).unwrap_or_default())
    }

    async fn expired(&self, now: Time, limit: usize) -> Result<Vec<SessionKey>, Error> {
        let expired = self.try_memory(|memory| Some(memory.cache.expired(now, limit)))?;
        Ok(expired.unwrap_or_default())
    }

    async fn durable(&self) -> Result<(), Error> {
        self.synced().await
    }

    async fn durable_of(&self, key: &SessionKey) -> Result<(), Error> {
        self.synced_of(key).await
    }
}

#[async_trait]
impl Spill for Store {
    async fn spill(&self, key: &SessionKey, hashes: &[MessageHash]) -> Result<(), Error> {
        self.with(|open| {
            let id = open.row(key)?.id;
            open.begin_of(id)?;
            let mut insert = open
                .connection
                .prepare_cached("INSERT OR IGNORE INTO spilled (session, hash) VALUES (?, ?)")?;
            for hash in hashes {
                insert.execute(params![id, hash.0.cast_signed()])?;
            }
            Ok(())
        })
    }

    async fn spilled(
        &self,
        key: &SessionKey,
        hashes: &[MessageHash],
    ) -> Result<Vec<MessageHash>, Error> {
        self.with(|open| {
            let Some(entry) = open.memory.cache.entry(open.connection, key)? else {
                return Ok(Vec::new());
            };
            let mut find = open
                .connection
                .prepare_cached("SELECT 1 FROM spilled WHERE session = ? AND hash = ?")?;
            let mut found = Vec::new();
            for hash in hashes {
                if find.exists(params![entry.id, hash.0.cast_signed()])? {
                    found.push(*hash);
                }
            }
            Ok(found)
        })
    }
}

impl Store {
    /// At most `limit` sessions whose key starts with `prefix`, the most recently made first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sessions(&self, prefix: &str, limit: usize) -> Result<Vec<SessionSummary>, Error> {
        self.with(|open| {
            let mut statement = open.connection.prepare_cached(
                "SELECT key, state FROM session WHERE substr(key, 1, length(?1)) = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let mut rows = statement.query(params![prefix, i64::try_from(limit).unwrap_or(i64::MAX)])?;
            let mut sessions = Vec::new();
            while let Some(row) = rows.next()? {
                let key: String = row.get(0)?;
                let Ok(key) = key.parse() else { continue };
                let session = serde_json::from_str(&row.get::<_, String>(1)?)?;
                sessions.push(SessionSummary { key, session: Arc::new(session) });
            }
            Ok(sessions)
        })
    }
}
