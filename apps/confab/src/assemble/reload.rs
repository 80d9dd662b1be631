//! Notices edits of a bot's folder and puts the new version in place of the running one.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use engine::bot::{Bot, BotFiles, Problems};
use models::Models;

use super::{BotFolder, Error, Ready};
use crate::host::Host;

#[cfg(test)]
mod tests;

/// How often the folder is looked at. An edit counts once two looks in a row agree.
const PAUSE: Duration = Duration::from_millis(250);

/// What came of an edit.
pub enum Reload {
    /// A new version runs; turns that were running keep theirs.
    Replaced(Ready),
    /// The version that runs is in the folder again, after a broken edit.
    Mended,
    /// The edit is broken; the version that ran still runs.
    Refused(Error),
    /// The bot has another name now, and its sessions belong to the old one.
    Renamed {
        /// Its new name.
        to: String,
    },
}

/// What changes when a file of a folder does: its path, time and length; or what was wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(Result<Vec<(String, SystemTime, u64)>, Problems>);

impl Fingerprint {
    pub(super) fn of(folder: &BotFolder) -> Self {
        let files = folder.files();
        let listed = files.list().map(|mut paths| {
            paths.sort();
            paths
                .into_iter()
                .map(|path| {
                    let (time, length) = stamp(&files.path().join(&path));
                    (path, time, length)
                })
                .collect()
        });
        Self(listed)
    }
}

/// A file that went away meanwhile has a stamp too: it differs from that of any file.
fn stamp(path: &Path) -> (SystemTime, u64) {
    let metadata = std::fs::metadata(path);
    metadata.map_or((SystemTime::UNIX_EPOCH, u64::MAX), |metadata| {
        let time = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        (time, metadata.len())
    })
}

/// Watches `folder` for as long as it is polled, and tells `report` what came of each edit.
pub async fn watch(
    folder: BotFolder,
    host: Arc<Host>,
    models: Arc<Models>,
    mut report: impl FnMut(Reload),
) {
    // What runs was read before the first look, and may have been edited since.
    let mut loaded = None;
    let mut last = None;
    let mut is_broken = false;
    loop {
        tokio::time::sleep(PAUSE).await;
        let now = look(&folder).await;
        if now.is_none() || now == loaded {
            last = None;
            continue;
        }
        if now != last {
            last = now;
            continue;
        }
        loaded = now;
        last = None;
        let running = host.shelf().current().bot;
        let reload = match reload(&folder, &models).await {
            Err(error) => Reload::Refused(error),
            Ok(ready) if is_same(&ready, &host, &running) && is_broken => Reload::Mended,
            Ok(ready) if is_same(&ready, &host, &running) => continue,
            Ok(ready) if ready.staff.bot.name != running.name => Reload::Renamed {
                to: ready.staff.bot.name.clone(),
            },
            Ok(ready) => match host.shelve(&ready.library) {
                Ok(()) => {
                    host.shelf().replace(ready.staff.clone());
                    Reload::Replaced(ready)
                }
                Err(error) => Reload::Refused(error.into()),
            },
        };
        is_broken = matches!(reload, Reload::Refused(_) | Reload::Renamed { .. });
        report(reload);
    }
}

/// Whether what was loaded is what runs.
fn is_same(ready: &Ready, host: &Host, running: &Bot) -> bool {
    let loaded = ready
        .library
        .workflows
        .values()
        .map(|workflow| &workflow.version);
    let shelved = host.workflows();
    ready.staff.bot.version == running.version
        && loaded.eq(shelved.iter().map(|workflow| &workflow.version))
}

/// Nothing when the host is stopping.
async fn look(folder: &BotFolder) -> Option<Fingerprint> {
    let folder = folder.clone();
    let looked = tokio::task::spawn_blocking(move || Fingerprint::of(&folder));
    looked.await.ok()
}

async fn reload(folder: &BotFolder, models: &Arc<Models>) -> Result<Ready, Error> {
    let (folder, models) = (folder.clone(), Arc::clone(models));
    let loaded = tokio::task::spawn_blocking(move || folder.ready(&models));
    loaded.await.unwrap_or_else(|error| {
        let kind = engine::error::Kind::Internal;
        Err(
            engine::error::Error::new(kind, "the folder could not be loaded")
                .because(error)
                .into(),
        )
    })
}
