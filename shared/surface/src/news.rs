//! Waiting for news of a session, or of a run.

use std::time::Duration;

use async_trait::async_trait;
use engine::runtime::Runtime;
use engine::session::SessionKey;

/// Tells when it is worth reading a session again.
pub trait News: Send + Sync {
    /// Begins to listen to a session. Who reads after this and then waits misses nothing.
    fn watch(&self, key: &SessionKey) -> Box<dyn Watch>;
}

/// Tells when it is worth reading a run again.
pub trait RunNews: Send + Sync {
    /// Begins to listen to a run. Who reads after this and then waits misses nothing.
    fn watch(&self, run: &str) -> Box<dyn Watch>;
}

/// The longest that a reader may wait, in seconds.
pub(crate) const MAX_WAIT: u64 = 25;

/// Listens to one of them.
#[async_trait]
pub trait Watch: Send {
    /// Resolves when something may have happened since the watch began or since this last resolved.
    ///
    /// # Errors
    /// When the server is about to stop and nobody should wait any longer.
    async fn changed(&mut self) -> Result<(), Closing>;
}

/// The server is about to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing;

/// Has readers read again at intervals, where nobody tells what happens.
pub struct Polling {
    /// Time.
    pub runtime: Runtime,
    /// How long to wait between two reads.
    pub every: Duration,
}

impl Polling {
    fn pause(&self) -> Box<dyn Watch> {
        Box::new(Pause {
            runtime: self.runtime.clone(),
            every: self.every,
        })
    }
}

impl News for Polling {
    fn watch(&self, _key: &SessionKey) -> Box<dyn Watch> {
        self.pause()
    }
}

impl RunNews for Polling {
    fn watch(&self, _run: &str) -> Box<dyn Watch> {
        self.pause()
    }
}

struct Pause {
    runtime: Runtime,
    every: Duration,
}

#[async_trait]
impl Watch for Pause {
    async fn changed(&mut self) -> Result<(), Closing> {
        self.runtime.clock.sleep(self.every).await;
        Ok(())
    }
}
