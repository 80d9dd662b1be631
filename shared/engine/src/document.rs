//! Small documents that change seldom and by few hands: approvals, switches, budgets, answers to requests.
//!
//! A document is changed by reading it, deciding on what was read, and saving it under the condition that
//! nobody saved it meanwhile ([`amend`]). What many change at once is a counter ([`Documents::count`]).

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Kind};
use crate::runtime::Time;

/// What a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// A question to a person before a risky call.
    Approval,
    /// An effect that nobody saw come to an end.
    Unknown,
    /// A bot or a tenant that was stopped.
    Switch,
    /// Money spent.
    Budget,
    /// A request with an idempotency key, and its answer.
    Request,
    /// A run of a workflow.
    Run,
    /// When a run was asked for, so that runs are found by that.
    RunEntry,
    /// How many runs of a workflow there are, and which wait.
    Room,
    /// Who makes a call for a step of a run.
    Effect,
    /// What a step gave, for later runs.
    Cache,
    /// Until when a schedule's times have been seen to.
    Schedule,
    /// What people are told, and what came of it.
    Notice,
    /// What waits for a person: the end of their quiet hours, or their sign.
    Tray,
    /// A step that waits for an event.
    Wait,
    /// What a bot means to say later.
    Reminder,
    /// What workflows want of a conversation.
    Goal,
    /// The versions of a workflow that were published, and which is live.
    Workflow,
    /// What a version of a workflow says.
    WorkflowText,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 18] = [
        Self::Approval,
        Self::Unknown,
        Self::Switch,
        Self::Budget,
        Self::Request,
        Self::Run,
        Self::RunEntry,
        Self::Room,
        Self::Effect,
        Self::Cache,
        Self::Schedule,
        Self::Notice,
        Self::Tray,
        Self::Wait,
        Self::Reminder,
        Self::Goal,
        Self::Workflow,
        Self::WorkflowText,
    ];

    /// Its name in stores.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Unknown => "unknown",
            Self::Switch => "switch",
            Self::Budget => "budget",
            Self::Request => "request",
            Self::Run => "run",
            Self::RunEntry => "run-entry",
            Self::Room => "room",
            Self::Effect => "effect",
            Self::Cache => "cache",
            Self::Schedule => "schedule",
            Self::Notice => "notice",
            Self::Tray => "tray",
            Self::Wait => "wait",
            Self::Reminder => "reminder",
            Self::Goal => "goal",
            Self::Workflow => "workflow",
            Self::WorkflowText => "workflow-text",
        }
    }
}

/// What a document is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentKey {
    /// Whose it is.
    pub tenant: String,
    /// What it is about.
    pub topic: Topic,
    /// Its name among the tenant's documents of this topic. They are listed in its order.
    pub id: String,
}

impl DocumentKey {
    /// The document `id` of `tenant` about `topic`.
    #[must_use]
    pub fn new(tenant: &str, topic: Topic, id: impl Into<String>) -> Self {
        Self {
            tenant: tenant.to_owned(),
            topic,
            id: id.into(),
        }
    }
}

/// A document as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its name.
    pub id: String,
    /// How often it was saved; from 1.
    pub version: u64,
    /// What it says.
    pub body: Value,
}

/// Keeps documents.
#[async_trait]
pub trait Documents: Send + Sync {
    /// The document as it is now.
    ///
    /// # Errors
    /// When the store failed.
    async fn read(&self, key: &DocumentKey) -> Result<Option<Document>, Error>;

    /// Saves `body` if the document still has `version` (0: there is none), and says whether it did. After
    /// `expires` the store may drop it at any time.
    ///
    /// # Errors
    /// When the store could not tell whether it did; it may have.
    async fn save(
        &self,
        key: &DocumentKey,
        version: u64,
        body: Value,
        expires: Option<Time>,
    ) -> Result<bool, Error>;

    /// Removes the document if it still has `version`, and says whether it did.
    ///
    /// # Errors
    /// As [`Documents::save`].
    async fn remove(&self, key: &DocumentKey, version: u64) -> Result<bool, Error>;

    /// At most `limit` documents of a tenant with names after `after`, in order.
    ///
    /// # Errors
    /// When the store failed.
    async fn list(
        &self,
        tenant: &str,
        topic: Topic,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Document>, Error>;

    /// Adds `by` to a counter if the sum is not above `at_most`, and gives the sum; nothing when it would be.
    /// A counter that was never added to stands at 0, and is no document.
    ///
    /// # Errors
    /// As [`Documents::save`].
    async fn count(
        &self,
        key: &DocumentKey,
        by: i64,
        at_most: i64,
        expires: Option<Time>,
    ) -> Result<Option<i64>, Error>;
}

/// What to do with a document that was read.
pub enum Amendment<T> {
    /// Save it as it is now.
    Save {
        /// What it says.
        body: T,
        /// When the store may drop it.
        expires: Option<Time>,
    },
    /// Leave it as it was.
    Keep,
}

/// How often a document that others change too is read again before the caller is told to come back.
const TRIES: usize = 20;

/// Reads a document, lets `decide` change it, and saves it; from the start when somebody was faster. Since a
/// save that seemed lost may have succeeded, `decide` must recognise its own change.
///
/// # Errors
/// When the store failed, or the document does not read as a `T`.
pub async fn amend<T: Serialize + DeserializeOwned, O>(
    documents: &dyn Documents,
    key: &DocumentKey,
    mut decide: impl FnMut(Option<T>) -> (Amendment<T>, O),
) -> Result<O, Error> {
    for _ in 0..TRIES {
        let found = documents.read(key).await?;
        let version = found.as_ref().map_or(0, |found| found.version);
        let (amendment, outcome) = decide(found.map(|found| parse(found.body)).transpose()?);
        match amendment {
            Amendment::Keep => return Ok(outcome),
            Amendment::Save { body, expires } => {
                let body = serde_json::to_value(body).map_err(unreadable)?;
                if documents.save(key, version, body, expires).await? {
                    return Ok(outcome);
                }
            }
        }
    }
    let message = "too many change this at once; try again";
    Err(Error::new(Kind::Unavailable, message))
}

/// What a document says.
///
/// # Errors
/// `Internal` when it does not read as a `T`.
pub fn parse<T: DeserializeOwned>(body: Value) -> Result<T, Error> {
    serde_json::from_value(body).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::new(Kind::Internal, "a document cannot be read").because(error)
}
