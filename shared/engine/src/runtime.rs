//! The ground the fabric runs on, passed in everywhere: time, randomness, spawning.
//!
//! Nothing in the workspace reads a clock, draws a random number or starts a task except through
//! [`Runtime`], so a whole host can run on one thread from a seed ([`simulated`]).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, Either, select};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

pub mod simulated;

/// An instant in UTC, in milliseconds since 1970. Written as RFC 3339 with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// This instant moved forward by `duration`, to the millisecond.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this is; zero when it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Time {
    /// RFC 3339 with milliseconds, such as `2026-11-21T08:00:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{at:.3}")
    }
}

impl FromStr for Time {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        Ok(Self(text.parse::<jiff::Timestamp>()?.as_millisecond()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Tells the time and wakes sleepers.
pub trait Clock: Send + Sync {
    /// Now, in UTC. May jump; used for leases and records.
    fn now(&self) -> Time;

    /// Time since some fixed start. Never goes back; used to bound work.
    fn monotonic(&self) -> Duration;

    /// Resolves once `duration` has passed.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Tells how long something takes, by whichever clock says more: the monotonic one may stand still while a machine
/// sleeps, and others judge by the one in UTC.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    monotonic: Duration,
    at: Time,
}

impl Stopwatch {
    /// Starts.
    #[must_use]
    pub fn start(runtime: &Runtime) -> Self {
        Self {
            monotonic: runtime.clock.monotonic(),
            at: runtime.now(),
        }
    }

    /// The time since it was started.
    #[must_use]
    pub fn spent(self, runtime: &Runtime) -> Duration {
        let monotonic = runtime.clock.monotonic().saturating_sub(self.monotonic);
        monotonic.max(runtime.now().since(self.at))
    }
}

/// A source of random bits.
pub trait Entropy: Send + Sync {
    /// 64 uniformly distributed bits.
    fn next_u64(&self) -> u64;
}

/// Starts tasks that nobody waits for.
pub trait Spawn: Send + Sync {
    /// Runs `task` until it ends, beside the caller.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// Clock, randomness and spawning in one cheap handle.
#[derive(Clone)]
pub struct Runtime {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws random bits.
    pub entropy: Arc<dyn Entropy>,
    /// Starts tasks.
    pub spawn: Arc<dyn Spawn>,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Runtime")
    }
}

/// The work did not end within its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timed out")]
pub struct Elapsed;

impl Runtime {
    /// Now, in UTC.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// A new time-ordered id (UUID version 7) from this runtime's clock and entropy.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.entropy.next_u64().to_le_bytes());
        random[8..].copy_from_slice(&self.entropy.next_u64().to_le_bytes()[..2]);
        let millis = u64::try_from(self.now().0).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// Runs `work` for at most `limit`, then drops it.
    ///
    /// # Errors
    /// [`Elapsed`] when the limit passed first.
    pub async fn timeout<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Elapsed> {
        futures::pin_mut!(work);
        match select(work, self.clock.sleep(limit)).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err(Elapsed),
        }
    }

    /// As [`Runtime::timeout`], for what must not begin when its time is over: no time left, no first poll.
    ///
    /// # Errors
    /// [`Elapsed`] when the limit passed first, or is zero.
    pub async fn while_there_is_time<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Elapsed> {
        if limit.is_zero() {
            return Err(Elapsed);
        }
        self.timeout(limit, work).await
    }

    /// Starts `task` beside the caller.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn.spawn(Box::pin(task));
    }
}
