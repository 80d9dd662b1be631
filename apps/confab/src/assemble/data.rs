//! The folder that holds a host's database, and the lock that keeps other hosts out of it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Env, Error};

#[cfg(test)]
mod tests;

/// The folder within a bot's folder, unless another one is chosen. Hidden, so the bot's loader skips it.
const DEFAULT: &str = ".confab";
const DATABASE: &str = "confab.db";
const LOCK: &str = "lock";

/// A data folder that this process alone may write to, until it is dropped.
pub struct DataFolder {
    path: PathBuf,
    lock: File,
    fresh: Option<TempDir>,
}

/// The data folder of the bot in `bot`: the `chosen` one, else what the environment says.
#[must_use]
pub fn data_path(bot: &Path, chosen: Option<&Path>, env: &Env) -> PathBuf {
    let chosen = chosen.map(Path::to_owned).or_else(|| env.data.clone());
    chosen.unwrap_or_else(|| bot.join(DEFAULT))
}

/// The database in a data folder.
#[must_use]
pub fn database_path(data: &Path) -> PathBuf {
    data.join(DATABASE)
}

impl DataFolder {
    /// Makes the folder if there is none, readable by this user only, and locks it. `holder` is what
    /// another process is told about who holds it.
    ///
    /// # Errors
    /// [`Error::DataInUse`] when another process holds it, [`Error::Data`] when it cannot be used.
    pub fn lock(path: &Path, holder: &str) -> Result<Self, Error> {
        Self::lock_in(path, holder, None)
    }

    /// A new folder that is deleted when this is dropped.
    ///
    /// # Errors
    /// [`Error::Data`] when it cannot be made.
    pub fn fresh(holder: &str) -> Result<Self, Error> {
        let parent = std::env::temp_dir();
        let folder = tempfile::Builder::new().prefix("confab-").tempdir();
        let folder = folder.map_err(|source| Error::Data {
            folder: parent,
            source,
        })?;
        let path = folder.path().to_owned();
        Self::lock_in(&path, holder, Some(folder))
    }

    fn lock_in(path: &Path, holder: &str, fresh: Option<TempDir>) -> Result<Self, Error> {
        let unusable = |source: io::Error| Error::Data {
            folder: path.to_owned(),
            source,
        };
        make(path).map_err(unusable)?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Some systems keep others from reading a locked file; then the holder stays unnamed.
                let read = lock.read_to_string(&mut holder);
                return Err(Error::DataInUse {
                    folder: path.to_owned(),
                    holder: read.ok().map(|_| holder).filter(|name| !name.is_empty()),
                });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let mut folder = Self {
            path: path.to_owned(),
            lock,
            fresh,
        };
        folder.name_holder(holder)?;
        Ok(folder)
    }

    /// Says anew who holds the folder.
    ///
    /// # Errors
    /// [`Error::Data`] when it cannot be written down.
    pub fn name_holder(&mut self, holder: &str) -> Result<(), Error> {
        let mut write = || {
            self.lock.set_len(0)?;
            self.lock.rewind()?;
            write!(self.lock, "{holder}, process {}", std::process::id())
        };
        write().map_err(|source| Error::Data {
            folder: self.path.clone(),
            source,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its database is.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        database_path(&self.path)
    }

    /// Whether it goes with this process.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh.is_some()
    }
}

pub(super) fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    // Conversations do not belong into the bot's repository.
    fs::write(path.join(".gitignore"), "*\n")
}
