//! Effects that nobody saw come to an end, and undoing that did not work: listed until a person settles them.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::{Amendment, DocumentKey, Documents, Topic, amend, parse};
use crate::error::{Error, Kind};
use crate::message::Channel;
use crate::runtime::Time;
use crate::session::{Origin, SessionKey, hash64};
use crate::transcript::{PlannedCall, Settled, ToolResult, ToolResults, ToolStatus, Truth};
use crate::turn::{Intake, Letter};

mod record;

pub(crate) use record::{record, take_up};

#[cfg(test)]
mod tests;

/// The longest that a call which is under way may take: more than any effect has time.
const LONGEST: Duration = Duration::from_secs(120);

/// How long a settled one is kept, so that whoever comes second is told who came first.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// How many are read at once.
const PAGE: usize = 200;

/// The most characters of a result that the bot is told in a letter.
const MAX_TOLD: usize = 4000;

/// Something that a person has to find out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unknown {
    /// Its name among the tenant's.
    pub id: String,
    /// What is not known.
    pub kind: UnknownKind,
    /// The session it was done in.
    pub session: SessionKey,
    /// The turn.
    pub turn: u64,
    /// The tool.
    pub tool: String,
    /// What it was called with.
    pub arguments: Value,
    /// The key under which it happened at most once.
    pub intent: String,
    /// The intent of the effect that was to be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// What was seen of it.
    pub seen: Value,
    /// When it was written down.
    pub at: Time,
    /// What a person found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
}

/// What is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownKind {
    /// Whether an effect happened.
    Effect,
    /// Whether an effect that was to be undone still stands: undoing it failed, or nobody saw it.
    Undo,
}

impl Unknown {
    /// What there is to find out about `call`, which came to `result`, if there is anything.
    #[must_use]
    pub fn of(session: &SessionKey, call: &PlannedCall, result: &ToolResult) -> Option<Self> {
        let kind = match (&call.undoes, result.status) {
            (_, ToolStatus::Succeeded) | (None, ToolStatus::Failed | ToolStatus::Waiting) => {
                return None;
            }
            (None, ToolStatus::Unknown) => UnknownKind::Effect,
            (Some(_), ToolStatus::Failed | ToolStatus::Unknown | ToolStatus::Waiting) => {
                UnknownKind::Undo
            }
        };
        Some(Self {
            id: id(session, &call.intent),
            kind,
            session: session.clone(),
            turn: result.turn,
            tool: call.tool.clone(),
            arguments: call.arguments.clone(),
            intent: call.intent.clone(),
            undoes: call.undoes.clone(),
            seen: result.content.clone(),
            at: result.at,
            settled: None,
        })
    }

    /// Puts it on the list, unless it was put there before.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn open(&self, documents: &dyn Documents) -> Result<(), Error> {
        match self.kind {
            UnknownKind::Effect => {
                tracing::warn!(id = self.id, session = %self.session, tool = self.tool, "nobody saw whether an effect happened; settle it with `confab unknown`");
            }
            UnknownKind::Undo => {
                tracing::error!(id = self.id, session = %self.session, tool = self.tool, undoes = self.undoes, "an effect could not be undone; look after it and settle it with `confab unknown`");
            }
        }
        amend(documents, &key(self.session.tenant(), &self.id), |found| {
            let amendment = match found {
                Some(Self { .. }) => Amendment::Keep,
                None => Amendment::Save {
                    body: self.clone(),
                    expires: None,
                },
            };
            (amendment, ())
        })
        .await
    }

    /// Takes it off the list: what came of it is known after all.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn close(&self, documents: &dyn Documents) -> Result<(), Error> {
        let key = key(self.session.tenant(), &self.id);
        if let Some(found) = documents.read(&key).await? {
            documents.remove(&key, found.version).await?;
        }
        Ok(())
    }

    /// What the bot is told.
    fn letter(&self, settled: &Settled) -> String {
        let Self { tool, turn, .. } = self;
        let (what, also) = match (&settled.truth, self.kind) {
            (Truth::Happened { .. }, UnknownKind::Effect) => ("it happened", ""),
            (Truth::DidNot, UnknownKind::Effect) => (
                "it did not happen",
                " If it is still wanted, it may be tried again.",
            ),
            (Truth::Happened { .. }, UnknownKind::Undo) => ("what it was to undo is undone", ""),
            (Truth::DidNot, UnknownKind::Undo) => ("what it was to undo still stands", ""),
        };
        let result = match &settled.truth {
            Truth::Happened { result } if !result.is_null() => {
                let result: String = result.to_string().chars().take(MAX_TOLD).collect();
                format!(" Its result: {result}.")
            }
            Truth::Happened { .. } | Truth::DidNot => String::new(),
        };
        let arguments: String = self.arguments.to_string().chars().take(MAX_TOLD).collect();
        format!(
            "A person has found out what came of the call of `{tool}` with {arguments} in turn {turn}: {what}.{result}{also} Tell the contact."
        )
    }
}

/// What came of settling.
#[derive(Clone, Debug, PartialEq)]
pub enum Settling {
    /// It is settled so.
    Done(Unknown),
    /// Somebody has said otherwise before.
    Contrary(Unknown),
}

/// Lists and settles what is not known.
#[derive(Clone)]
pub struct Unknowns {
    /// Keeps the list.
    pub documents: Arc<dyn Documents>,
    /// Keeps what tools came to.
    pub results: Arc<dyn ToolResults>,
    /// Tells the bot.
    pub intake: Intake,
}

impl Unknowns {
    /// A tenant's effects that nobody has settled yet, the oldest first.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn open(&self, tenant: &str) -> Result<Vec<Unknown>, Error> {
        open(&*self.documents, tenant).await
    }

    /// Settles `id` as `truth`, in the name of `by`, and tells the bot. Settling it again alike does what may
    /// have been missed.
    ///
    /// # Errors
    /// `NotFound` when there is none or it is known by now, `Unavailable` while it is found out, what [`Intake::take`]
    /// says, and when the store failed.
    pub async fn settle(
        &self,
        tenant: &str,
        id: &str,
        truth: &Truth,
        by: &str,
    ) -> Result<Settling, Error> {
        let key = key(tenant, id);
        let found = self.documents.read(&key).await?;
        let unknown: Unknown = parse(found.ok_or_else(not_there)?.body)?;
        let (session, intent) = (&unknown.session, &unknown.intent);
        let result = self.results.result(session, intent).await?;
        let now = self.intake.accept.runtime.now();
        match result {
            Some(result) if result.status == ToolStatus::Succeeded => {
                unknown.close(&*self.documents).await?;
                return Err(not_there());
            }
            Some(result) if is_being_made(&result, now) => {
                let message = "the call is being made again just now; say it in two minutes, if it is still listed";
                return Err(Error::new(Kind::Unavailable, message));
            }
            _ => {}
        }
        let settled = Settled {
            truth: truth.clone(),
            by: by.to_owned(),
            at: now,
        };
        let decide = |found| decide(found, &settled);
        let settling = amend(&*self.documents, &key, decide).await?;
        let settling = settling.ok_or_else(not_there)?;
        if let Settling::Done(unknown) = &settling
            && let Some(settled) = &unknown.settled
        {
            self.results.settle_result(session, intent, settled).await?;
            if session.channel() == Channel::Run {
                // A run asks again itself when its step is tried again.
                return Ok(settling);
            }
            let letter = Letter {
                id: &format!("outcome:{id}"),
                text: &unknown.letter(settled),
                origin: Origin::Outcome {
                    intent: intent.clone(),
                },
            };
            self.intake.take(session, letter).await?;
        }
        Ok(settling)
    }
}

/// A tenant's effects that nobody has settled yet, the oldest first.
///
/// # Errors
/// When the store failed.
pub async fn open(documents: &dyn Documents, tenant: &str) -> Result<Vec<Unknown>, Error> {
    let mut open = Vec::new();
    let mut after = String::new();
    loop {
        let page = documents.list(tenant, Topic::Unknown, &after, PAGE).await?;
        let whole = page.len() == PAGE;
        for document in page {
            after = document.id;
            let unknown: Unknown = parse(document.body)?;
            if unknown.settled.is_none() {
                open.push(unknown);
            }
        }
        if !whole {
            open.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
            return Ok(open);
        }
    }
}

/// Whether a call that was taken up may yet come to an end by itself: nobody can know it before.
fn is_being_made(result: &ToolResult, now: Time) -> bool {
    result.is_under_way() && now < result.at.plus(LONGEST)
}

/// What a person's word changes.
fn decide(found: Option<Unknown>, settled: &Settled) -> (Amendment<Unknown>, Option<Settling>) {
    let Some(mut unknown) = found else {
        return (Amendment::Keep, None);
    };
    match &unknown.settled {
        Some(before) if before.truth == settled.truth => {
            (Amendment::Keep, Some(Settling::Done(unknown)))
        }
        Some(_) => (Amendment::Keep, Some(Settling::Contrary(unknown))),
        None => {
            unknown.settled = Some(settled.clone());
            let save = Amendment::Save {
                body: unknown.clone(),
                expires: Some(settled.at.plus(KEPT)),
            };
            (save, Some(Settling::Done(unknown)))
        }
    }
}

fn id(session: &SessionKey, intent: &str) -> String {
    format!("{:016x}", hash64(&["unknown", session.as_str(), intent]))
}

fn key(tenant: &str, id: &str) -> DocumentKey {
    DocumentKey::new(tenant, Topic::Unknown, id)
}

fn not_there() -> Error {
    let message = "there is nothing unknown of this name, or it is known by now";
    Error::new(Kind::NotFound, message)
}
