//! Many lives, on every core.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::{Tally, live};

/// What many lives came to.
#[derive(Debug, Default)]
pub struct Lived {
    /// How many were lived to their end.
    pub seeds: u64,
    /// What happened in them.
    pub tally: Tally,
    /// The first seed that broke a promise, and which.
    pub broken: Option<(u64, String)>,
}

/// Lives `seeds` worlds from seed `from` on, or as many as begin before `end`; stops when a promise is broken.
///
/// # Panics
/// Never: what panics in a life is a broken promise.
#[must_use]
pub fn live_many(from: u64, seeds: u64, end: Option<Instant>) -> Lived {
    let next = AtomicU64::new(0);
    let lived = Mutex::new(Lived::default());
    let work = || {
        while end.is_none_or(|end| Instant::now() < end) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= seeds {
                return;
            }
            let seed = from + number;
            let life = catch_unwind(AssertUnwindSafe(|| live(seed)));
            let mut lived = lived.lock().expect("no life panics here");
            let promise = match life {
                Ok(Ok(happened)) => {
                    lived.seeds += 1;
                    for (what, times) in happened {
                        *lived.tally.entry(what).or_default() += times;
                    }
                    continue;
                }
                Ok(Err(broken)) => broken.to_string(),
                Err(_) => "the host panicked".to_owned(),
            };
            next.store(seeds, Ordering::Relaxed);
            lived.broken.get_or_insert((seed, promise));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    lived.into_inner().expect("no life panics here")
}
