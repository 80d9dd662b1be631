//! The real ground: tokio's timers and tasks, the system's clock and randomness.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine::runtime::{Clock, Entropy, Runtime, Spawn, Time};
use futures::future::BoxFuture;

/// The runtime of a process inside a tokio runtime.
#[must_use]
pub fn tokio_runtime() -> Runtime {
    Runtime {
        clock: Arc::new(SystemClock(Instant::now())),
        entropy: Arc::new(SystemEntropy),
        spawn: Arc::new(TokioSpawn),
    }
}

struct SystemClock(Instant);

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn next_u64(&self) -> u64 {
        rand::random()
    }
}

struct TokioSpawn;

impl Spawn for TokioSpawn {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }
}
