//! Wakes readers when the host tells that something happened.

use std::sync::Arc;

use async_trait::async_trait;
use engine::event::Event;
use engine::session::SessionKey;
use surface::{Change, Closing, News, RunNews};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;

use crate::host::{Host, Watch};

/// The news of a host's sessions.
pub(super) struct Told {
    pub(super) host: Arc<Host>,
    /// Turns true when the host stops.
    pub(super) stopping: watch::Receiver<bool>,
}

impl News for Told {
    fn watch(&self, key: &SessionKey) -> Box<dyn surface::Watch> {
        Box::new(Listener {
            watch: self.host.hub().watch(key),
            host: Arc::clone(&self.host),
            key: key.clone(),
            stopping: self.stopping.clone(),
        })
    }
}

struct Listener {
    host: Arc<Host>,
    key: SessionKey,
    watch: Watch,
    stopping: watch::Receiver<bool>,
}

#[async_trait]
impl surface::Watch for Listener {
    async fn changed(&mut self) -> Result<(), Closing> {
        tokio::select! {
            news = news(&mut self.watch) => {
                if news.is_none() {
                    self.watch = self.host.hub().watch(&self.key);
                }
                Ok(())
            }
            // The sender is gone only when the host has stopped.
            _ = self.stopping.wait_for(|stopping| *stopping) => Err(Closing),
        }
    }
}

impl RunNews for Told {
    fn watch(&self, run: &str) -> Box<dyn surface::Watch> {
        Box::new(RunListener {
            changes: self.host.changes().watch(),
            run: run.to_owned(),
            stopping: self.stopping.clone(),
        })
    }
}

struct RunListener {
    changes: broadcast::Receiver<Change>,
    run: String,
    stopping: watch::Receiver<bool>,
}

#[async_trait]
impl surface::Watch for RunListener {
    async fn changed(&mut self) -> Result<(), Closing> {
        loop {
            let change = tokio::select! {
                change = self.changes.recv() => change,
                _ = self.stopping.wait_for(|stopping| *stopping) => return Err(Closing),
            };
            match change {
                Ok(Change::Run { run }) if run != self.run => {}
                Ok(Change::Approval { .. }) => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return Ok(()),
                Err(RecvError::Closed) => return Err(Closing),
            }
        }
    }
}

/// Resolves at the next event that comes with messages; to nothing when the watch has ended.
async fn news(watch: &mut Watch) -> Option<()> {
    loop {
        match watch.next().await? {
            Event::TurnStarted { .. } | Event::Reply { .. } | Event::TurnEnded { .. } => {
                return Some(());
            }
            _ => {}
        }
    }
}
