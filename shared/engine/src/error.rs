//! The closed set of things that go wrong, as the fabric tells them apart.

use std::fmt;

/// What went wrong, told apart by what the caller should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is malformed; sending it again will not help.
    Invalid,
    /// No such tenant, bot, session or item.
    NotFound,
    /// The caller is not known.
    Unauthenticated,
    /// The caller is known and may not.
    Forbidden,
    /// The session's inbox is full; later may do.
    InboxFull,
    /// The model gave no usable reply.
    ModelFailed,
    /// A store, queue or provider did not answer; trying again may help.
    Unavailable,
    /// The work did not end within its time.
    Timeout,
    /// A tool or service answered, and said that it did not do what was asked.
    ToolFailed,
    /// Nobody knows whether an effect took place; it is not tried again.
    Unknown,
    /// A person said no, or nobody said yes in time.
    Denied,
    /// Nobody said in time that they know what they were told.
    Unacknowledged,
    /// Our own fault.
    Internal,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Invalid,
        Self::NotFound,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::InboxFull,
        Self::ModelFailed,
        Self::Unavailable,
        Self::Timeout,
        Self::ToolFailed,
        Self::Unknown,
        Self::Denied,
        Self::Unacknowledged,
        Self::Internal,
    ];

    /// The stable name: what a state machine matches and a problem document's `code` starts from.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid",
            Self::NotFound => "NotFound",
            Self::Unauthenticated => "Unauthenticated",
            Self::Forbidden => "Forbidden",
            Self::InboxFull => "InboxFull",
            Self::ModelFailed => "ModelFailed",
            Self::Unavailable => "Unavailable",
            Self::Timeout => "Timeout",
            Self::ToolFailed => "ToolFailed",
            Self::Unknown => "Unknown",
            Self::Denied => "Denied",
            Self::Unacknowledged => "Unacknowledged",
            Self::Internal => "Internal",
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::InboxFull | Self::Unavailable | Self::Timeout)
    }
}

/// A failure: its kind, words for the caller, and the cause for the log.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure with words fit for the caller: what happened and what to do.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// The same with its cause, which only the log shows.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What sort of failure it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The message and every cause, in one line, for the log.
    #[must_use]
    pub fn chain(&self) -> impl fmt::Display + '_ {
        Causes(self)
    }
}

struct Causes<'a>(&'a Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind.name(), self.0.message)?;
        let mut cause = std::error::Error::source(self.0);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
