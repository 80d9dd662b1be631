//! When the host is killed: at the n-th time that something happens, which a seed tells.

use std::sync::{Mutex, PoisonError};

use rand::RngExt;
use rand::rngs::StdRng;
use tokio::sync::{Notify, watch};

/// Something that happens again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
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
pub(super) struct Doom {
    pub(super) moment: Moment,
    nth: usize,
}

impl Doom {
    pub(super) fn draw(random: &mut StdRng) -> Self {
        Self {
            moment: BUSY[random.random_range(0..BUSY.len())],
            nth: random.random_range(1..=PATIENCE),
        }
    }

    pub(super) fn settling(random: &mut StdRng) -> Self {
        Self {
            moment: Moment::Settled,
            nth: random.random_range(1..=40),
        }
    }
}

/// Tells whoever kills that the time has come.
pub(super) struct Fate {
    doom: Mutex<Option<Doom>>,
    has_come: Notify,
    kills: watch::Sender<usize>,
}

impl Default for Fate {
    fn default() -> Self {
        Self {
            doom: Mutex::default(),
            has_come: Notify::new(),
            kills: watch::Sender::new(0),
        }
    }
}

impl Fate {
    /// A moment comes; if it is the one, nothing goes on here before the host is dead.
    pub(super) async fn pass(&self, moment: Moment) {
        if !self.is_it(moment) {
            return;
        }
        let mut kills = self.kills.subscribe();
        self.has_come.notify_one();
        kills.changed().await.unwrap();
    }

    fn is_it(&self, moment: Moment) -> bool {
        let mut doom = self.doom.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(expected) = doom.as_mut().filter(|doom| doom.moment == moment) else {
            return false;
        };
        expected.nth -= 1;
        let is_it = expected.nth == 0;
        if is_it {
            *doom = None;
        }
        is_it
    }

    /// Waits for a moment to come.
    pub(super) async fn comes(&self, doom: Doom) {
        *self.doom.lock().unwrap_or_else(PoisonError::into_inner) = Some(doom);
        self.has_come.notified().await;
    }

    /// The host is dead.
    pub(super) fn killed(&self) {
        self.kills.send_modify(|kills| *kills += 1);
    }
}
