//! `Retry` and `Catch`.

use std::sync::Arc;
use std::time::Duration;

use engine::runtime::Entropy;

use super::leaving::Given;
use super::step::{Moved, Step};
use super::thread::{Phase, Thread};
use crate::failure::{Failure, RUNTIME};
use crate::history::{Details, Event};
use crate::machine::{Jitter, Retrier, State, Work};

impl Step<'_> {
    /// Retries or catches a failure of the thread's state, or gives it back.
    pub(super) fn handle(
        &mut self,
        state: &State,
        thread: &mut Thread,
        failure: Failure,
    ) -> Result<Moved, Failure> {
        // Whatever the state had fanned out into is over.
        self.abort_children(thread.id);
        if let Some(delay) = self.retry(state, thread, &failure) {
            thread.phase = Phase::Retrying(self.around.now.plus(delay));
            return Ok(Moved::Stays);
        }
        let catcher = state.catchers.iter().find(|c| failure.matches(&c.errors));
        let has_started = matches!(thread.phase, Phase::FanOut(_));
        let is_runtime = failure.error.as_deref() == Some(RUNTIME);
        let failed = match state.work {
            Work::Map(_) if has_started || !is_runtime => Some(Event::MapStateFailed),
            Work::Parallel { .. } if catcher.is_none() => Some(Event::ParallelStateFailed),
            _ => None,
        };
        if let Some(failed) = failed {
            self.log(failed, || Details {
                name: Some(Arc::clone(&state.name)),
                error: failure.error.clone(),
                cause: failure.cause.clone(),
                ..Details::default()
            });
        }
        match catcher {
            Some(catcher) => {
                let caught = Given::Error(Arc::new(failure.output()));
                self.complete(state, &catcher.exit, thread, caught)
            }
            None => Err(failure),
        }
    }

    /// How long to wait before the state is tried again, if it is.
    fn retry(&self, state: &State, thread: &mut Thread, failure: &Failure) -> Option<Duration> {
        let mut retriers = state.retriers.iter();
        let at = retriers.position(|retrier| failure.matches(&retrier.errors))?;
        let retrier = &state.retriers[at];
        thread.attempts.resize(state.retriers.len(), 0);
        let attempts = &mut thread.attempts[at];
        if *attempts >= retrier.max_attempts {
            return None;
        }
        let delay = delay(retrier, *attempts, &**self.around.entropy);
        *attempts += 1;
        Some(delay)
    }
}

/// The delay before attempt `attempts + 2` of a state.
fn delay(retrier: &Retrier, attempts: u32, entropy: &dyn Entropy) -> Duration {
    let factor = retrier
        .backoff_rate
        .powi(i32::try_from(attempts).unwrap_or(i32::MAX));
    let most = retrier.max_delay_seconds.unwrap_or(31_622_400) as f64;
    let seconds = (retrier.interval_seconds as f64 * factor).min(most);
    let seconds = match retrier.jitter {
        Jitter::None => seconds,
        // 53 random bits make a fraction from 0 to 1.
        Jitter::Full => seconds * ((entropy.next_u64() >> 11) as f64 / (1_u64 << 53) as f64),
    };
    Duration::from_secs_f64(seconds)
}
