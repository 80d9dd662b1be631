//! Waiting for news of a session.

use std::time::Duration;

use async_trait::async_trait;
use engine::runtime::Runtime;
use engine::session::SessionKey;

/// Tells when it is worth reading a session again.
pub trait News: Send + Sync {
    /// Begins to listen to a session. Who reads after this and then waits misses nothing.
    fn watch(&self, key: &SessionKey) -> Box<dyn Watch>;
}

/// Listens to one session.
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

impl News for Polling {
    fn watch(&self, _key: &SessionKey) -> Box<dyn Watch> {
        Box::new(Pause {
            runtime: self.runtime.clone(),
            every: self.every,
        })
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
