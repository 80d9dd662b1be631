//! What makes written bytes survive a power cut.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The storage layer under the database.
pub trait Disk: Send + Sync {
    /// Returns once every byte written to `log`, the write-ahead log of `database`, survives a power cut.
    ///
    /// # Errors
    /// When the device failed; nothing may be believed durable after that.
    fn sync(&self, database: &Path, log: &Path) -> io::Result<()>;
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileDisk;

impl Disk for FileDisk {
    fn sync(&self, _database: &Path, log: &Path) -> io::Result<()> {
        match File::open(log) {
            Ok(log) => log.sync_data(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// A disk that forgets what was not synced when its power is cut, for tests: a killed process keeps its
/// writes in the page cache, so `SIGKILL` alone proves nothing about durability.
#[derive(Debug)]
pub struct VolatileDisk {
    synced: PathBuf,
    /// Whether this disk has synced before; what an earlier one did may have ended in half a commit.
    has_synced: AtomicBool,
    cut: AtomicBool,
}

impl VolatileDisk {
    /// A disk that keeps what is synced in the folder `synced`.
    #[must_use]
    pub fn new(synced: PathBuf) -> Self {
        Self {
            synced,
            has_synced: AtomicBool::new(false),
            cut: AtomicBool::new(false),
        }
    }

    /// Cuts the power: nothing reaches the disk any more.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    /// Puts `database` and its log back to what was synced. Call it once the store is dropped.
    ///
    /// # Errors
    /// When a file cannot be copied.
    pub fn restore(&self, database: &Path) -> io::Result<()> {
        for suffix in ["", "-wal", "-shm"] {
            let path = with_suffix(database, suffix);
            if path.exists() {
                fs::remove_file(&path)?;
            }
            let kept = self.synced.join(format!("database{suffix}"));
            if kept.exists() {
                fs::copy(kept, path)?;
            }
        }
        Ok(())
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(path);
    path.push(suffix);
    path.into()
}

/// The length of a log's header, which changes whenever the log begins anew after the database has changed.
const HEADER: usize = 32;

/// Copies what `log` has grown by since it was copied to `kept`, unless it began anew.
fn append(log: &Path, kept: &Path) -> io::Result<bool> {
    let mut log = File::open(log)?;
    let mut kept = match File::options().read(true).append(true).open(kept) {
        Ok(kept) => kept,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let length = kept.metadata()?.len();
    let (mut now, mut before) = ([0; HEADER], [0; HEADER]);
    if length < HEADER as u64 || log.metadata()?.len() < length {
        return Ok(false);
    }
    log.read_exact(&mut now)?;
    kept.read_exact(&mut before)?;
    if now != before {
        return Ok(false);
    }
    log.seek(SeekFrom::Start(length))?;
    io::copy(&mut log, &mut kept)?;
    Ok(true)
}

impl Disk for VolatileDisk {
    fn sync(&self, database: &Path, log: &Path) -> io::Result<()> {
        if !self.cut.load(Ordering::SeqCst) {
            let kept = self.synced.join("database-wal");
            let again = self.has_synced.swap(true, Ordering::SeqCst);
            if !(again && append(log, &kept)?) {
                fs::create_dir_all(&self.synced)?;
                fs::copy(database, self.synced.join("database"))?;
                fs::copy(log, kept)?;
            }
        }
        Ok(())
    }
}
