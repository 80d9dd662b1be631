//! What is answered without the connection, gathered into batches.

use std::collections::HashMap;
use std::sync::Arc;

use engine::session::{Session, SessionKey};
use engine::transcript::TurnRecord;
use rusqlite::{Connection, params};

use crate::cache::{Cache, Entry};
use crate::store::{Failed, begin};

/// The cache, and what was answered from it since the last flush.
pub(crate) struct Memory {
    pub(crate) cache: Cache,
    pending: Pending,
    /// The next session's row number.
    next_row: i64,
    /// Number of the batch that gathers now, from 1.
    batch: u64,
    /// Whether it holds anything.
    is_dirty: bool,
    /// The last batch that changed each session, of batches that may not be synced yet.
    changed: HashMap<i64, u64>,
}

/// Answered, not yet given to the connection. Of a session only the last state is written.
#[derive(Default)]
pub(crate) struct Pending {
    sessions: HashMap<i64, (SessionKey, Arc<Session>)>,
    turns: Vec<(i64, Arc<TurnRecord>)>,
}

impl Memory {
    /// Nothing answered yet; `next_row` is the next session's row number.
    pub(crate) fn new(cache: Cache, next_row: i64) -> Self {
        Self {
            cache,
            pending: Pending::default(),
            next_row,
            batch: 1,
            is_dirty: false,
            changed: HashMap::new(),
        }
    }

    /// A row for a session that the table does not have.
    pub(crate) fn new_row(&mut self, key: &SessionKey) -> Entry {
        let id = self.next_row;
        self.next_row += 1;
        self.put_session(key, id, Arc::default());
        Entry {
            id,
            session: Arc::default(),
        }
    }

    /// Takes over the session's new state.
    pub(crate) fn put_session(&mut self, key: &SessionKey, id: i64, session: Arc<Session>) {
        self.changes(id);
        self.pending
            .sessions
            .insert(id, (key.clone(), Arc::clone(&session)));
        let unwritten = &self.pending.sessions;
        self.cache
            .put(key, Entry { id, session }, |id| unwritten.contains_key(&id));
    }

    /// Takes over a new transcript item.
    pub(crate) fn put_turn(&mut self, id: i64, record: Arc<TurnRecord>) {
        self.changes(id);
        self.pending.turns.push((id, record));
    }

    /// The batch that gathers now changes session `id`.
    pub(crate) fn changes(&mut self, id: i64) {
        self.changes_something();
        self.changed.insert(id, self.batch);
    }

    /// The batch that gathers now changes something that is not of one session.
    pub(crate) fn changes_something(&mut self) {
        self.is_dirty = true;
    }

    /// Whether the batch that gathers now holds anything.
    pub(crate) fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    /// The last batch that holds anything.
    pub(crate) fn last_batch(&self) -> u64 {
        if self.is_dirty {
            self.batch
        } else {
            self.batch - 1
        }
    }

    /// The last batch that may hold anything of session `key`; 0 when all of it is synced.
    pub(crate) fn last_batch_of(&self, key: &SessionKey) -> u64 {
        match self.cache.known(key) {
            Some(entry) => self.changed.get(&entry.id).copied().unwrap_or(0),
            None => self.last_batch(),
        }
    }

    /// What the connection was not given yet.
    pub(crate) fn take_pending(&mut self) -> Pending {
        std::mem::take(&mut self.pending)
    }

    /// Closes the batch that gathers now and gives its number; the batches up to `synced` are over.
    pub(crate) fn close_batch(&mut self, synced: u64) -> u64 {
        self.changed.retain(|_, batch| *batch > synced);
        self.is_dirty = false;
        self.batch += 1;
        self.batch - 1
    }
}

impl Pending {
    /// Gives everything to the connection.
    pub(crate) fn write(self, connection: &Connection) -> Result<(), Failed> {
        if self.sessions.is_empty() && self.turns.is_empty() {
            return Ok(());
        }
        begin(connection)?;
        let mut put_session = connection.prepare_cached(
            "INSERT INTO session (id, key, lease, state) VALUES (?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET lease = excluded.lease, state = excluded.state",
        )?;
        for (id, (key, session)) in self.sessions {
            let lease = session.lease.map(|lease| lease.0);
            let state = serde_json::to_string(&*session)?;
            put_session.execute(params![id, key.as_str(), lease, state])?;
        }
        let mut put_turn = connection.prepare_cached(
            "INSERT OR IGNORE INTO turn (session, turn, plan, record) VALUES (?, ?, ?, ?)",
        )?;
        for (id, record) in self.turns {
            let (turn, plan) = (record.turn.cast_signed(), record.plan.0.cast_signed());
            put_turn.execute(params![id, turn, plan, serde_json::to_string(&*record)?])?;
        }
        Ok(())
    }
}
