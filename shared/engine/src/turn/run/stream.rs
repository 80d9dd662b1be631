//! A thought on its way to whoever watches.

use async_trait::async_trait;

use super::purse::Purse;
use crate::event::{Event, Events};
use crate::model::{Deltas, ModelCall, ModelError, Quote};
use crate::session::SessionKey;
use crate::tool::KnownSecrets;

/// Streams a thought, secrets taken out of it, to whoever watches.
pub(super) struct Stream<'a> {
    events: &'a dyn Events,
    key: &'a SessionKey,
    turn: u64,
    pub(super) purse: Purse<'a>,
    known: &'a KnownSecrets,
    /// Text that may be the beginning of a secret.
    held: String,
}

impl<'a> Stream<'a> {
    pub(super) fn new(
        events: &'a dyn Events,
        (key, turn): (&'a SessionKey, u64),
        purse: Purse<'a>,
        known: &'a KnownSecrets,
    ) -> Self {
        Self {
            events,
            key,
            turn,
            purse,
            known,
            held: String::new(),
        }
    }

    /// The thought is at its end: what was held back began no secret.
    pub(super) fn end(&mut self) {
        let text = std::mem::take(&mut self.held);
        self.tell(text);
    }

    fn tell(&self, text: String) {
        if !text.is_empty() {
            let turn = self.turn;
            self.events
                .publish(self.key, Event::TextDelta { turn, text });
        }
    }
}

#[async_trait]
impl Deltas for Stream<'_> {
    fn text(&mut self, delta: &str) {
        self.purse.wrote(delta.len());
        if self.events.is_watched(self.key) {
            self.held.push_str(delta);
            let text = self.known.sift(&mut self.held);
            self.tell(text);
        }
    }

    fn restart(&mut self) {
        self.held.clear();
        self.events
            .publish(self.key, Event::TextRestarted { turn: self.turn });
    }

    fn unseen(&mut self, bytes: usize) {
        self.purse.wrote(bytes);
    }

    fn may_make(&mut self, tries: &[Quote]) {
        self.purse.may_make(tries);
    }

    async fn reserve(&mut self, quote: &Quote) -> Result<(), ModelError> {
        self.purse.reserve(quote).await
    }

    fn settle(&mut self, call: &ModelCall) {
        self.purse.settle(call);
    }
}
