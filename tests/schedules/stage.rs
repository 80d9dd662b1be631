//! What a schedule runs on: one clock, tasks that may die at any await point, faults drawn by the scheduler.
//!
//! Every operation of a port begins with a [`point`], where shuttle picks who goes on. The engine itself waits
//! for nothing but its ports: its only locks (`Switches`, `Ledger`) are `std` mutexes taken and given back
//! within one poll, between two such points, so shuttle misses no order in which they could matter.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use engine::bot::Bot;
use engine::error::{Error, Kind};
use engine::runtime::{Clock, Entropy, Runtime, Spawn, Time};
use futures::future::BoxFuture;
use shuttle::future::JoinHandle;
use shuttle::rand::{RngCore, thread_rng};

use super::judge::Ledger;
use super::mutant::Mutant;
use super::store::Store;
use super::tally::{Event, Tally};

/// 2026-01-01T00:00:00Z, where every schedule starts.
const EPOCH: Time = Time(1_767_225_600_000);

/// Looks without anything having happened after which all are taken to wait for the clock.
const QUIET: u32 = 4;

/// Of so many looks at the clock, one finds that time has leapt to the next sleeper's.
const LEAP: u64 = 300;

/// A schedule that turns round so often is stuck.
const LOOKS: u32 = 100_000;

/// Lets any other task go first.
pub(crate) async fn point() {
    let mut passed = false;
    poll_fn(|context| {
        if std::mem::replace(&mut passed, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A number below `below`, as the schedule has it.
pub(crate) fn draw(below: u64) -> u64 {
    thread_rng().next_u64() % below
}

/// What one schedule is made of.
pub(crate) struct World {
    pub(crate) bot: Arc<Bot>,
    pub(crate) mutant: Mutant,
    /// Whether the model looks something up before it answers.
    pub(crate) looks: bool,
    /// Whether it is told what happens.
    pub(crate) traced: bool,
    pub(crate) tally: Tally,
    pub(crate) store: Mutex<Store>,
    pub(crate) ledger: Mutex<Ledger>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    elapsed: Duration,
    ids: u64,
    /// Tasks that have not ended.
    living: u32,
    /// How often anything happened.
    activity: u64,
    /// Nothing goes wrong any more.
    calm: bool,
    sleepers: BTreeMap<u64, (Duration, Option<Waker>)>,
    /// What approvals were told to go on.
    tokens: Vec<String>,
    /// Approvals whose execution was started.
    executions: Vec<String>,
}

/// A handle on the world; every port of the engine.
#[derive(Clone)]
pub(crate) struct Stage(pub(crate) Arc<World>);

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What became of a write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It did not happen.
    Before,
    /// It happened, and the answer is lost.
    After,
}

pub(crate) fn lost() -> Error {
    Error::new(Kind::Unavailable, "the store did not answer")
}

impl Stage {
    pub(crate) fn new(bot: Arc<Bot>, mutant: Mutant, tally: Tally, traced: bool) -> Self {
        Self(Arc::new(World {
            bot,
            mutant,
            looks: draw(4) == 0,
            traced,
            tally,
            store: Mutex::default(),
            ledger: Mutex::default(),
            state: Mutex::default(),
        }))
    }

    pub(crate) fn runtime(&self) -> Runtime {
        let stage = Arc::new(self.clone());
        Runtime {
            clock: Arc::clone(&stage) as Arc<dyn Clock>,
            entropy: Arc::clone(&stage) as Arc<dyn Entropy>,
            spawn: stage,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.0.state)
    }

    pub(crate) fn count(&self, event: Event) {
        self.tell_of(|| event.name().to_owned());
        self.0.tally.count(event);
    }

    /// Tells what happens, when a schedule is lived again.
    pub(crate) fn tell_of(&self, what: impl FnOnce() -> String) {
        if self.0.traced {
            let (elapsed, task) = (self.state().elapsed, shuttle::current::me());
            println!("{elapsed:?} {task:?}: {}", what());
        }
    }

    /// Before an operation of a port.
    pub(crate) async fn point(&self) {
        point().await;
        self.state().activity += 1;
    }

    /// Whether something goes wrong that does so once in `odds`.
    pub(crate) fn fails(&self, odds: u64, event: Event) -> bool {
        let fails = !self.state().calm && draw(odds) == 0;
        if fails {
            self.count(event);
        }
        fails
    }

    /// What goes wrong with a write.
    pub(crate) fn fault(&self) -> Fault {
        if self.state().calm {
            return Fault::None;
        }
        match draw(60) {
            0 => {
                self.count(Event::WriteFailed);
                Fault::Before
            }
            1 => {
                self.count(Event::AnswerLost);
                Fault::After
            }
            _ => Fault::None,
        }
    }

    /// Nothing goes wrong from now on.
    pub(crate) fn calm(&self) {
        self.state().calm = true;
    }

    /// Starts a task that may die at any of its await points; gives nothing when it did.
    pub(crate) fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<Option<T>> {
        let dies = self.fails(24, Event::Died);
        let fuse = dies.then(|| draw(30));
        self.live(work, fuse)
    }

    fn live<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
        fuse: Option<u64>,
    ) -> JoinHandle<Option<T>> {
        self.state().living += 1;
        let stage = self.clone();
        shuttle::future::spawn(async move {
            let done = Mortal {
                work: Some(Box::pin(work)),
                fuse,
            }
            .await;
            let mut state = stage.state();
            state.living -= 1;
            state.activity += 1;
            done
        })
    }

    /// As [`Self::start`], when nobody waits for it.
    pub(crate) fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.start(work));
    }

    /// As [`Self::begin`], when it cannot die.
    pub(crate) fn keep(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.live(work, None));
    }

    /// Whether this is the first time that an execution of this name is started.
    pub(crate) fn asks(&self, execution: &str) -> bool {
        let mut state = self.state();
        let known = state.executions.iter().any(|known| known == execution);
        if !known {
            state.executions.push(execution.to_owned());
        }
        !known
    }

    /// Lets time pass until every task has ended.
    pub(crate) async fn settle(&self) {
        let (mut seen, mut quiet) = (0, 0);
        for _ in 0..LOOKS {
            shuttle::future::yield_now().await;
            let (living, activity, calm) = {
                let state = self.state();
                (state.living, state.activity, state.calm)
            };
            if living == 0 {
                return;
            }
            quiet = if activity == seen { quiet + 1 } else { 0 };
            seen = activity;
            if quiet >= QUIET || (!calm && draw(LEAP) == 0) {
                self.leap();
                quiet = 0;
            }
        }
        self.must(false, "a task never ends");
    }

    /// Moves the clock to the next sleeper's time.
    fn leap(&self) {
        let next = self
            .state()
            .sleepers
            .values()
            .map(|(until, _)| *until)
            .min();
        if let Some(until) = next {
            let now = self.state().elapsed;
            self.pass(until.saturating_sub(now));
        }
    }

    /// Lets `time` pass for everybody.
    pub(crate) fn pass(&self, time: Duration) {
        let woken: Vec<Waker> = {
            let mut state = self.state();
            state.elapsed += time;
            state.activity += 1;
            let wakers = state.sleepers.values_mut();
            wakers.filter_map(|(_, waker)| waker.take()).collect()
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Sleeps until `duration` has passed or `token` was told to go on.
    pub(crate) fn nap(&self, duration: Duration, token: Option<String>) -> Nap {
        let mut state = self.state();
        state.ids += 1;
        let (id, until) = (state.ids, state.elapsed + duration);
        let stage = self.clone();
        Nap {
            stage,
            id,
            until,
            token,
        }
    }

    /// Tells whoever waits for `token` to go on.
    pub(crate) fn tell(&self, token: &str) {
        self.state().tokens.push(token.to_owned());
        self.pass(Duration::ZERO);
    }
}

impl Clock for Stage {
    fn now(&self) -> Time {
        EPOCH.plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.state().elapsed
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.nap(duration, None))
    }
}

impl Entropy for Stage {
    /// No two are alike, and they look like nothing in particular.
    fn next_u64(&self) -> u64 {
        let mut state = self.state();
        state.ids += 1;
        state.ids.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Spawn for Stage {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.begin(task);
    }
}

pub(crate) struct Nap {
    stage: Stage,
    id: u64,
    until: Duration,
    token: Option<String>,
}

impl Future for Nap {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.stage.state();
        let told = self
            .token
            .as_ref()
            .is_some_and(|token| state.tokens.contains(token));
        if told || state.elapsed >= self.until {
            return Poll::Ready(());
        }
        let sleeper = (self.until, Some(context.waker().clone()));
        state.sleepers.insert(self.id, sleeper);
        Poll::Pending
    }
}

impl Drop for Nap {
    fn drop(&mut self) {
        self.stage.state().sleepers.remove(&self.id);
    }
}

/// Work that is dropped where it stands when its fuse has burned down.
struct Mortal<T> {
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    fuse: Option<u64>,
}

impl<T> Future for Mortal<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        match &mut self.fuse {
            Some(0) => {
                self.work = None;
                return Poll::Ready(None);
            }
            Some(left) => *left -= 1,
            None => {}
        }
        match &mut self.work {
            Some(work) => work.as_mut().poll(context).map(Some),
            None => Poll::Ready(None),
        }
    }
}
