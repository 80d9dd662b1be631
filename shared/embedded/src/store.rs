//! The database: one connection, one open transaction, flushed by another.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use engine::error::{Error, Kind};
use engine::session::SessionKey;
use rusqlite::Connection;

use crate::cache::Cache;
use crate::disk::{Disk, FileDisk};
use crate::durability::Durability;
use crate::flush::Flush;
use crate::memory::Memory;
use crate::schema::{connect, connect_read_only};

/// The engine's ports on one SQLite file.
///
/// What is hot (sessions, the latest transcript items) is answered from memory and written by the next
/// flush, so that no caller waits while a batch is committed. Everything else goes to the connection.
/// Whoever needs both locks takes the connection first.
pub struct Store {
    me: Weak<Self>,
    path: PathBuf,
    log: PathBuf,
    disk: Arc<dyn Disk>,
    flush: Arc<dyn Flush>,
    connection: Mutex<Connection>,
    memory: Mutex<Memory>,
    durability: Durability,
}

/// The connection, with all that was answered before already given to it.
pub(crate) struct Open<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) memory: &'a mut Memory,
}

impl Store {
    /// Opens or creates the database at `path`.
    ///
    /// # Errors
    /// When the file cannot be opened, is not a Confab database or is of another format.
    pub fn open(
        path: &Path,
        disk: Arc<dyn Disk>,
        flush: Arc<dyn Flush>,
    ) -> Result<Arc<Self>, Error> {
        let connection = connect(path).map_err(|error| cannot_open(path, error))?;
        // A killed process may have left in the log what it never synced; what is read from now on must stay.
        disk.sync(path, &log_of(path))
            .map_err(|error| cannot_open(path, error))?;
        let mut cache = Cache::default();
        cache
            .load_held(&connection)
            .map_err(|error| cannot_open(path, error))?;
        Self::on(connection, cache, path, disk, flush).map_err(|error| cannot_open(path, error))
    }

    fn on(
        connection: Connection,
        cache: Cache,
        path: &Path,
        disk: Arc<dyn Disk>,
        flush: Arc<dyn Flush>,
    ) -> rusqlite::Result<Arc<Self>> {
        let last_row: Option<i64> =
            connection.query_row("SELECT max(id) FROM session", [], |row| row.get(0))?;
        Ok(Arc::new_cyclic(|me| Self {
            me: me.clone(),
            path: path.to_owned(),
            log: log_of(path),
            disk,
            flush,
            connection: Mutex::new(connection),
            memory: Mutex::new(Memory::new(cache, last_row.unwrap_or(0) + 1)),
            durability: Durability::default(),
        }))
    }

    /// Opens the database at `path` to read one moment of it, also while another process writes.
    ///
    /// # Errors
    /// When there is no such file, or it is not a Confab database of this format.
    pub fn open_read_only(path: &Path) -> Result<Arc<Self>, Error> {
        let connection = connect_read_only(path).map_err(|error| cannot_open(path, error))?;
        let (disk, flush) = (Arc::new(FileDisk), Arc::new(NoFlush));
        Self::on(connection, Cache::default(), path, disk, flush)
            .map_err(|error| cannot_open(path, error))
    }

    /// Runs `work` on the connection. It may read; to write it calls [`Open::begin`] first.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&mut Open<'_>) -> Result<T, Failed>,
    ) -> Result<T, Error> {
        self.durability.synced()?;
        let connection = self.connection();
        let mut memory = self.memory();
        let was_dirty = memory.is_dirty();
        let pending = memory.take_pending();
        if let Err(Failed(error)) = pending.write(&connection) {
            drop(memory);
            // What was answered cannot be kept: nothing may be called durable any more.
            self.durability.reach(Err(error.to_string()));
            return Err(broken(error));
        }
        let done = work(&mut Open {
            connection: &connection,
            memory: &mut memory,
        });
        self.unlock(memory, was_dirty);
        done.map_err(|failed| {
            Error::new(Kind::Unavailable, "the local store failed").because(failed.0)
        })
    }

    /// Runs `work` in memory; nothing when it finds that it needs the connection.
    pub(crate) fn try_memory<T>(
        &self,
        work: impl FnOnce(&mut Memory) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        self.durability.synced()?;
        let mut memory = self.memory();
        let was_dirty = memory.is_dirty();
        let done = work(&mut memory);
        self.unlock(memory, was_dirty);
        Ok(done)
    }

    fn unlock(&self, memory: MutexGuard<'_, Memory>, was_dirty: bool) {
        let begun = memory.is_dirty() && !was_dirty;
        drop(memory);
        if begun {
            self.flush.soon(self.me.clone());
        }
    }

    /// Commits what was answered so far and syncs it; wakes whoever waits for that, and gives their number.
    /// Called by a [`Flush`].
    pub fn flush(&self) -> usize {
        let committed = {
            let connection = self.connection();
            let mut memory = self.memory();
            if !memory.is_dirty() {
                return 0;
            }
            let Ok(synced) = self.durability.synced() else {
                return 0;
            };
            let pending = memory.take_pending();
            let batch = memory.close_batch(synced);
            drop(memory);
            let written = pending.write(&connection);
            written.and_then(|()| commit(&connection)).map(|()| batch)
        };
        let outcome = match committed {
            Ok(batch) => match self.disk.sync(&self.path, &self.log) {
                Ok(()) => Ok(batch),
                Err(error) => Err(error.to_string()),
            },
            Err(Failed(error)) => Err(error.to_string()),
        };
        self.durability.reach(outcome)
    }

    /// Resolves once all that was answered before the call is synced.
    pub(crate) async fn synced(&self) -> Result<(), Error> {
        let last = self.memory().last_batch();
        self.durability.wait(last).await
    }

    /// Resolves once all that was answered of session `key` before the call is synced.
    pub(crate) async fn synced_of(&self, key: &SessionKey) -> Result<(), Error> {
        let last = self.memory().last_batch_of(key);
        self.durability.wait(last).await
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Open<'_> {
    /// Before a write to session `id`: makes sure that a transaction is open; all writes of a batch share it.
    pub(crate) fn begin_of(&mut self, id: i64) -> Result<(), Failed> {
        self.memory.changes(id);
        begin(self.connection)
    }

    /// Before a write that is not of one session.
    pub(crate) fn begin(&mut self) -> Result<(), Failed> {
        self.memory.changes_something();
        begin(self.connection)
    }
}

pub(crate) fn begin(connection: &Connection) -> Result<(), Failed> {
    if connection.is_autocommit() {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    }
    Ok(())
}

fn commit(connection: &Connection) -> Result<(), Failed> {
    if !connection.is_autocommit() {
        connection.prepare_cached("COMMIT")?.execute([])?;
    }
    Ok(())
}

/// Why the database did not do as asked.
pub(crate) struct Failed(pub(crate) Box<dyn std::error::Error + Send + Sync>);

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self(Box::new(error))
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self(Box::new(error))
    }
}

impl From<serde_json::Error> for Failed {
    fn from(error: serde_json::Error) -> Self {
        Self(Box::new(error))
    }
}

/// Nothing is ever written.
struct NoFlush;

impl Flush for NoFlush {
    fn soon(&self, _: Weak<Store>) {}
}

fn cannot_open(path: &Path, error: impl Into<Failed>) -> Error {
    let Failed(source) = error.into();
    let message = format!(
        "cannot open {}: {source}; choose another folder with --data",
        path.display()
    );
    Error::new(Kind::Unavailable, message).because(source)
}

pub(crate) fn broken(failure: impl Display) -> Error {
    Error::new(
        Kind::Unavailable,
        "the disk failed; nothing more is accepted",
    )
    .because(failure.to_string())
}

/// The write-ahead log of the database at `path`.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}
