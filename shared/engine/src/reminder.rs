//! What a bot means to say later: at a time that a contact names, or when they have not written for a while.
//!
//! [`Reminders::ask`] writes a document and starts `statemachines/reminder.asl.json`, which waits. When the time has
//! come [`Tell`] looks whether it is still to be said; so nothing has to be called off when things change.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bot::{Bot, ReminderRule, ToolKind};
use crate::document::{Amendment, DocumentKey, Documents, Topic, amend, parse};
use crate::error::{Error, Kind};
use crate::runtime::{Runtime, Time};
use crate::session::{SessionKey, hash64};
use crate::tool::Call;

mod tell;

pub use tell::{Tell, TellInput};

/// The furthest that one can lie ahead: an execution lasts a year at most, and this one has to tell it yet.
pub const FURTHEST: Duration = Duration::from_secs(364 * 86_400);

/// How long one is remembered after its time.
const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// How many are read at once.
const PAGE: usize = 200;

/// Something that a bot means to say later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reminder {
    /// Its name among the tenant's reminders.
    pub id: String,
    /// The session in which it is said.
    pub session: SessionKey,
    /// The turn in which it was asked for.
    pub turn: u64,
    /// What is to be said, or done about.
    pub text: String,
    /// When it was asked for.
    pub asked_at: Time,
    /// When it is due.
    pub due: Time,
    /// Whether it is dropped when the contact writes before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unless_reply: bool,
    /// What has become of it.
    #[serde(flatten)]
    pub state: State,
}

/// What has become of a reminder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Its time has not come.
    Pending,
    /// The bot was told to say it.
    Told {
        /// When.
        at: Time,
    },
    /// It was not said, because of what had happened until then.
    Disarmed {
        /// When that was noticed.
        at: Time,
        /// Why.
        why: Disarmed,
    },
    /// A person called it off.
    Cancelled {
        /// When.
        at: Time,
    },
}

/// Why a reminder is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disarmed {
    /// A person has taken the session over.
    HandedOff,
    /// The contact wants no more messages.
    OptedOut,
    /// The conversation has ended.
    Closed,
    /// The contact has written, and it was for the case that they do not.
    Replied,
}

/// Input of `statemachines/reminder.asl.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderStart {
    /// Whose reminder.
    pub tenant: String,
    /// Which; also the execution's name.
    pub reminder: String,
    /// When it is due.
    pub at: Time,
}

/// The executions that wait for the time of reminders.
#[async_trait]
pub trait Alarms: Send + Sync {
    /// Starts `statemachines/reminder.asl.json`, unless it was started for this reminder before.
    ///
    /// # Errors
    /// When it could not be started.
    async fn set(&self, start: ReminderStart) -> Result<(), Error>;
}

/// Arguments of a reminder's tool.
#[derive(Deserialize)]
struct Asked {
    text: String,
    at: Option<String>,
    in_seconds: Option<u64>,
}

/// Keeps reminders.
#[derive(Clone)]
pub struct Reminders {
    /// Time.
    pub runtime: Runtime,
    /// Keeps them.
    pub documents: Arc<dyn Documents>,
    /// Wait for their time.
    pub alarms: Arc<dyn Alarms>,
}

impl Reminders {
    /// Sets the reminder that `call` asks for; the same call gives the same reminder.
    ///
    /// # Errors
    /// `Invalid` when its time makes no sense, in words for the model, and when a store failed or nothing could wait
    /// for it.
    pub async fn ask(&self, rule: &ReminderRule, call: &Call<'_>) -> Result<Value, Error> {
        let session = call.session;
        let id = id_of(session, call.intent);
        let key = key(session.tenant(), &id);
        let reminder = match self.documents.read(&key).await? {
            Some(found) => parse(found.body)?,
            None => {
                let wished = self.wished(id, rule, call)?;
                amend(&*self.documents, &key, |found| match found {
                    Some(standing) => (Amendment::Keep, standing),
                    None => (save(wished.clone()), wished.clone()),
                })
                .await?
            }
        };
        let start = ReminderStart {
            tenant: session.tenant().to_owned(),
            reminder: reminder.id.clone(),
            at: reminder.due,
        };
        self.alarms.set(start).await?;
        Ok(json!({
            "reminder": reminder.id,
            "at": reminder.due,
            "message": "it is set; you will be told when it is due, and say it then",
        }))
    }

    fn wished(&self, id: String, rule: &ReminderRule, call: &Call<'_>) -> Result<Reminder, Error> {
        let now = self.runtime.now();
        let invalid = |what: String| Error::new(Kind::Invalid, what);
        let asked: Asked = serde_json::from_value(call.arguments.clone())
            .map_err(|error| invalid(format!("these are no arguments of a reminder: {error}")))?;
        let due = match (&asked.at, asked.in_seconds) {
            (None, Some(seconds)) => now.plus(Duration::from_secs(seconds)),
            (Some(at), None) => at.parse().map_err(|_| {
                invalid(format!(
                    "`{at}` is no time; write one with its offset from UTC, such as 2026-03-04T09:00:00+01:00"
                ))
            })?,
            _ => return Err(invalid("give either `at` or `in_seconds`".to_owned())),
        };
        if due <= now {
            return Err(invalid(format!("{due} is over: it is {now} now")));
        }
        if due.since(now) > FURTHEST {
            let days = FURTHEST.as_secs() / 86_400;
            let what = format!(
                "{due} is too far ahead: it is {now} now, and a reminder reaches {days} days at most"
            );
            return Err(invalid(what));
        }
        Ok(Reminder {
            id,
            session: call.session.clone(),
            turn: call.turn,
            text: asked.text,
            asked_at: now,
            due,
            unless_reply: rule.unless_reply,
            state: State::Pending,
        })
    }

    /// A tenant's reminders whose time has not come, the next first.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn pending(&self, tenant: &str) -> Result<Vec<Reminder>, Error> {
        pending(&*self.documents, tenant).await
    }

    /// Calls a reminder off; gives what has become of it.
    ///
    /// # Errors
    /// `NotFound` when there is none, and when the store failed.
    pub async fn cancel(&self, tenant: &str, id: &str) -> Result<Reminder, Error> {
        cancel(&*self.documents, tenant, id, self.runtime.now()).await
    }
}

/// A tenant's reminders whose time has not come, the next first.
///
/// # Errors
/// When the store failed.
pub async fn pending(documents: &dyn Documents, tenant: &str) -> Result<Vec<Reminder>, Error> {
    let mut pending: Vec<Reminder> = Vec::new();
    let mut after = String::new();
    loop {
        let page = documents.list(tenant, Topic::Reminder, &after, PAGE);
        let page = page.await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.id);
        for document in page {
            pending.push(parse(document.body)?);
        }
    }
    pending.retain(|reminder| reminder.state == State::Pending);
    pending.sort_by(|one, other| (one.due, &one.id).cmp(&(other.due, &other.id)));
    Ok(pending)
}

/// Calls a reminder off at `now`; gives what has become of it.
///
/// # Errors
/// `NotFound` when there is none, and when the store failed.
pub async fn cancel(
    documents: &dyn Documents,
    tenant: &str,
    id: &str,
    now: Time,
) -> Result<Reminder, Error> {
    settle(documents, tenant, id, || State::Cancelled { at: now }).await
}

/// Says what has become of a reminder, unless that was said before; gives it as it stands.
async fn settle(
    documents: &dyn Documents,
    tenant: &str,
    id: &str,
    state: impl Fn() -> State,
) -> Result<Reminder, Error> {
    let key = key(tenant, id);
    let settled = amend(documents, &key, |found: Option<Reminder>| {
        let Some(mut reminder) = found else {
            return (Amendment::Keep, None);
        };
        if reminder.state != State::Pending {
            return (Amendment::Keep, Some(reminder));
        }
        reminder.state = state();
        (save(reminder.clone()), Some(reminder))
    });
    settled.await?.ok_or_else(|| missing(id))
}

/// What a bot that reminds is told of the present: the time, and by which clock its contact lives.
#[must_use]
pub fn present(bot: &Bot, session: &SessionKey, now: Time) -> Option<String> {
    let mut rules = bot.tools.values().filter_map(|tool| match &tool.kind {
        ToolKind::Reminder(rule) => Some(rule),
        _ => None,
    });
    let rule = rules.next()?;
    let person = bot.people.behind(session);
    let own = person.and_then(|(_, person)| person.zone.as_deref());
    let zone = own.or(rule.timezone.as_deref()).unwrap_or("UTC");
    let at = jiff::Timestamp::from_millisecond(now.0).ok()?;
    let here = at.to_zoned(TimeZone::get(zone).ok()?);
    Some(format!(
        "It is {}. The contact's time zone is {zone}, unless they say otherwise.",
        here.strftime("%A, %Y-%m-%dT%H:%M%:z")
    ))
}

fn id_of(session: &SessionKey, intent: &str) -> String {
    let half = |salt| hash64(&[salt, session.as_str(), intent]);
    format!("{:016x}{:016x}", half("reminder"), half("alarm"))
}

fn key(tenant: &str, id: &str) -> DocumentKey {
    DocumentKey::new(tenant, Topic::Reminder, id)
}

fn save(reminder: Reminder) -> Amendment<Reminder> {
    Amendment::Save {
        expires: Some(reminder.due.plus(KEPT)),
        body: reminder,
    }
}

fn missing(id: &str) -> Error {
    Error::new(Kind::NotFound, format!("there is no reminder {id}"))
}
