//! What lies before a person: what waits for the end of their quiet hours, and what waits for their sign.

use serde::{Deserialize, Serialize};

use super::Class;
use crate::message::Channel;
use crate::runtime::Time;
use crate::session::hash64;

/// What lies before a person of a bot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tray {
    /// What is told when quiet hours end, by their end.
    #[serde(default)]
    pub(super) batches: Vec<Batch>,
    /// What they were told and somebody is to give a sign of, the oldest first.
    #[serde(default)]
    pub(super) awaited: Vec<Awaited>,
}

/// What is told at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Batch {
    pub(super) id: String,
    pub(super) until: Time,
    /// The notices, and how much each matters.
    pub(super) notices: Vec<(String, Class)>,
    /// Whether it is being told, so that nothing is added any more.
    pub(super) sealed: bool,
}

/// A message that waits for a sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Awaited {
    pub(crate) notice: String,
    pub(crate) code: String,
    pub(crate) channel: Channel,
    pub(crate) at: Time,
}

/// The most notices of a batch; what comes then is told by itself.
const MOST: usize = 50;

/// The most batches that are remembered, and messages that wait for a sign.
const REMEMBERED: usize = 8;
const MOST_AWAITED: usize = 100;

impl Batch {
    /// Where a batch goes, what matters most in it decides.
    pub(super) fn class(&self) -> Class {
        let classes = self.notices.iter().map(|(_, class)| *class);
        classes.max().unwrap_or(Class::Ambient)
    }
}

impl Tray {
    /// Puts a notice to what is told at `until`; gives the batch, or nothing when there is no room.
    pub(super) fn hold(
        &mut self,
        whose: &[&str],
        until: Time,
        notice: &str,
        class: Class,
    ) -> Option<String> {
        let at = match self.batches.iter().position(|batch| batch.until == until) {
            Some(at) => at,
            None => {
                if self.batches.len() >= REMEMBERED {
                    let oldest = self.batches.iter().position(|batch| batch.sealed)?;
                    self.batches.remove(oldest);
                }
                let end = until.to_string();
                let parts = [&["batch"], whose, &[end.as_str()]].concat();
                self.batches.push(Batch {
                    id: format!("{:016x}", hash64(&parts)),
                    until,
                    notices: Vec::new(),
                    sealed: false,
                });
                self.batches.len() - 1
            }
        };
        let batch = &mut self.batches[at];
        if !batch.notices.iter().any(|(held, _)| held == notice) {
            if batch.sealed || batch.notices.len() >= MOST {
                return None;
            }
            batch.notices.push((notice.to_owned(), class));
        }
        Some(batch.id.clone())
    }

    /// The batch, to which nothing is added from now on.
    pub(super) fn seal(&mut self, id: &str) -> Option<Batch> {
        let batch = self.batches.iter_mut().find(|batch| batch.id == id)?;
        batch.sealed = true;
        Some(batch.clone())
    }

    /// Remembers that a sign is awaited.
    pub(super) fn wait_for(&mut self, awaited: Awaited) {
        let known =
            |other: &Awaited| (&other.notice, other.channel) == (&awaited.notice, awaited.channel);
        if !self.awaited.iter().any(known) {
            if self.awaited.len() >= MOST_AWAITED {
                self.awaited.remove(0);
            }
            self.awaited.push(awaited);
        }
    }

    /// Forgets that a sign is awaited.
    pub(super) fn forget(&mut self, notice: &str) {
        self.awaited.retain(|awaited| awaited.notice != notice);
    }
}
