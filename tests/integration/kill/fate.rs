//! When the host is killed: at the n-th time that something happens, which a seed tells.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::RngExt;
use rand::rngs::StdRng;
use tokio::sync::{Notify, watch};

/// Something that happens again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    /// A contact has sent a message and read no answer.
    Posted,
    /// A contact's message is acknowledged.
    Acknowledged,
    /// A contact has read something new.
    Heard,
    /// The shop has read a request and done nothing.
    Asked,
    /// The shop has done what it was asked and said nothing.
    Done,
    /// The shop has sent the first half of its answer.
    HalfTold,
    /// An operator has said what came of an effect, and read no answer.
    Settled,
    /// A carrier has read a text and says nothing.
    Sent,
    /// A carrier has taken a text and has sent the first half of its answer.
    HalfSent,
    /// This function has asked something of AWS, which has done nothing.
    Calls(&'static str),
    /// AWS has done what this function asked, and said nothing.
    Answers(&'static str),
}

/// The moments of a day's work.
const BUSY: [Moment; 6] = [
    Moment::Posted,
    Moment::Acknowledged,
    Moment::Heard,
    Moment::Asked,
    Moment::Done,
    Moment::HalfTold,
];

/// The most times that a moment comes before it is the last of a life.
const PATIENCE: usize = 40;

/// A moment, and which one of those to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doom {
    pub(crate) moment: Moment,
    nth: usize,
}

impl Doom {
    pub(crate) fn draw(random: &mut StdRng) -> Self {
        Self::among(random, &BUSY, PATIENCE)
    }

    /// The next time that this happens.
    pub(crate) fn next(moment: Moment) -> Self {
        Self { moment, nth: 1 }
    }

    /// One of `moments`, at most the `patience`-th to come.
    pub(crate) fn among(random: &mut StdRng, moments: &[Moment], patience: usize) -> Self {
        Self {
            moment: moments[random.random_range(0..moments.len())],
            nth: random.random_range(1..=patience),
        }
    }

    pub(crate) fn settling(random: &mut StdRng) -> Self {
        Self::among(random, &[Moment::Settled], PATIENCE)
    }
}

/// Tells whoever kills that the time has come.
pub(crate) struct Fate {
    /// The first of these to come.
    dooms: Mutex<Vec<Doom>>,
    has_come: Notify,
    kills: watch::Sender<usize>,
}

impl Default for Fate {
    fn default() -> Self {
        Self {
            dooms: Mutex::default(),
            has_come: Notify::new(),
            kills: watch::Sender::new(0),
        }
    }
}

impl Fate {
    /// A moment comes; if it is the one, nothing goes on here before the host is dead.
    pub(crate) async fn pass(&self, moment: Moment) {
        if !self.is_it(moment) {
            return;
        }
        let mut kills = self.kills.subscribe();
        self.has_come.notify_one();
        kills.changed().await.unwrap();
    }

    fn is_it(&self, moment: Moment) -> bool {
        let mut dooms = self.dooms();
        let mut expected = dooms
            .iter_mut()
            .filter(|doom| doom.moment == moment && doom.nth > 0);
        let Some(expected) = expected.next() else {
            return false;
        };
        expected.nth -= 1;
        let is_it = expected.nth == 0;
        if is_it {
            dooms.retain(|doom| doom.nth == 0);
        }
        is_it
    }

    fn dooms(&self) -> MutexGuard<'_, Vec<Doom>> {
        self.dooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for one of several moments to come, and says which.
    pub(crate) async fn comes(&self, dooms: impl Into<Vec<Doom>>) -> Moment {
        *self.dooms() = dooms.into();
        loop {
            self.has_come.notified().await;
            let mut dooms = self.dooms();
            if let Some(come) = dooms.iter().find(|doom| doom.nth == 0) {
                let moment = come.moment;
                dooms.clear();
                return moment;
            }
        }
    }

    /// Nothing is the last of a life any more, and whoever waits for a death goes on.
    pub(crate) fn spare(&self) {
        self.dooms().clear();
        self.killed();
    }

    /// The host is dead.
    pub(crate) fn killed(&self) {
        self.kills.send_modify(|kills| *kills += 1);
    }
}
