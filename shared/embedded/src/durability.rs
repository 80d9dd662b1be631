//! How far the log is synced, and who waits for more.

use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::error::Error;
use futures::channel::oneshot;

use crate::store::broken;

#[derive(Default)]
pub(crate) struct Durability(Mutex<State>);

#[derive(Default)]
struct State {
    /// The last batch that is synced; those before it are too.
    synced: u64,
    failure: Option<String>,
    waiting: Vec<(u64, oneshot::Sender<Result<(), String>>)>,
}

impl Durability {
    /// The last batch that is synced.
    ///
    /// # Errors
    /// When nothing can become durable any more.
    pub(crate) fn synced(&self) -> Result<u64, Error> {
        let state = self.lock();
        match &state.failure {
            Some(failure) => Err(broken(failure)),
            None => Ok(state.synced),
        }
    }

    /// The batches up to the given one are synced, or nothing can become durable any more, and why.
    /// Gives the number of those who waited for that.
    pub(crate) fn reach(&self, outcome: Result<u64, String>) -> usize {
        let mut state = self.lock();
        match outcome {
            Ok(batch) => state.synced = state.synced.max(batch),
            Err(failure) => state.failure = Some(failure),
        }
        let (synced, failure) = (state.synced, state.failure.clone());
        let due = state
            .waiting
            .extract_if(.., |(batch, _)| failure.is_some() || *batch <= synced);
        let due: Vec<_> = due.collect();
        drop(state);
        let waited = due.len();
        for (_, waiter) in due {
            // A waiter that is gone waits for nothing.
            drop(waiter.send(failure.clone().map_or(Ok(()), Err)));
        }
        waited
    }

    /// Resolves once `batch` is synced.
    ///
    /// # Errors
    /// When nothing can become durable any more.
    pub(crate) async fn wait(&self, batch: u64) -> Result<(), Error> {
        let receiver = {
            let mut state = self.lock();
            if let Some(failure) = &state.failure {
                return Err(broken(failure));
            }
            if state.synced >= batch {
                return Ok(());
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push((batch, sender));
            receiver
        };
        match receiver.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(failure)) => Err(broken(failure)),
            Err(_) => Err(broken("the store was closed")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
