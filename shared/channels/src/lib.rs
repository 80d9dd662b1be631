//! Between a provider's payloads and the engine's types: signatures, parsing, rendering, sending.
//!
//! A webhook is verified on its raw body before anything of it is parsed. Errors never quote the
//! body, so they may be logged.

use engine::message::{Arrival, Channel, Reference};

pub mod accounts;
mod form;
#[cfg(feature = "client")]
pub mod http;
pub mod render;
mod sending;
pub mod twilio;
pub mod whatsapp;

/// Whose webhook was called, as its path says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The tenant's bot.
    pub bot: &'a str,
}

impl Owner<'_> {
    /// Whether `reference` names a reply of this bot on `channel`.
    ///
    /// A tenant signs its own webhooks, so a valid signature says nothing about another tenant's
    /// replies: statuses with a foreign reference are dropped.
    fn owns(&self, reference: &Reference, channel: Channel) -> bool {
        let session = &reference.session;
        session.tenant() == self.tenant && session.bot() == self.bot && session.channel() == channel
    }
}

/// What one webhook delivery holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Received {
    /// Messages and statuses, in the provider's order.
    pub arrivals: Vec<Arrival>,
    /// Messages that name no readable id or sender, so that nothing can be done with them.
    pub skipped: usize,
}

/// Why nothing of a webhook call was taken. Never quotes the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The call does not come from the provider, or the secret is another one. Answer 401.
    #[error("the signature does not match: check that {0}")]
    BadSignature(&'static str),
    /// Signed, but not of a form we know. Answer 400.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// Longer than the provider ever sends. Answer 413.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
}

#[cfg(test)]
mod testing;
