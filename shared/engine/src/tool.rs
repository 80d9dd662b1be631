//! Tools: what may be repeated, what must not be, and how each kind is run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bot::{Bot, Table, Tool, ToolKind};
use crate::error::Error;
use crate::http::Http;
use crate::runtime::Runtime;
use crate::secret::Secret;
use crate::session::SessionKey;
use crate::transcript::{PlannedCall, ToolStatus};

mod answer;
mod errand;
mod intent;
pub mod provenance;
mod redaction;
mod request;
#[cfg(test)]
mod tests;

pub use errand::{Clerk, Errands, NoErrands};
pub(crate) use intent::{UNDO, canonical};
pub use intent::{intent_key, provider_key};
pub use redaction::KnownSecrets;

/// The longest that the other side may take to say whether an effect happened.
const ASKING: Duration = Duration::from_secs(5);

/// The most bytes of an answer that a model is given.
pub(crate) const MAX_ANSWER: usize = 256 * 1024;

/// What a call does to the world; decides retry, overlap, approval and what a crash means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SideEffectPolicy {
    /// Changes nothing.
    Pure,
    /// Repeating it with the same key changes nothing more.
    Idempotent,
    /// Can be undone by another tool.
    Compensatable,
    /// Cannot be undone.
    Irreversible,
}

impl SideEffectPolicy {
    /// Whether a call needs no claim: nothing to happen twice.
    #[must_use]
    pub fn is_pure(self) -> bool {
        self == Self::Pure
    }

    /// Whether a call whose outcome nobody saw may simply be made again.
    #[must_use]
    pub fn is_repeatable(self) -> bool {
        matches!(self, Self::Pure | Self::Idempotent)
    }
}

/// A durable record that a tool wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The collection, such as `refunds`.
    pub collection: String,
    /// The intent that wrote it: one record per intent.
    pub id: String,
    /// The session it was written in.
    pub session: SessionKey,
    /// The tool's arguments.
    pub body: Value,
}

/// Keeps the records that tools write.
#[async_trait]
pub trait Records: Send + Sync {
    /// Keeps `record`; a second one of the same collection, session and id is the same record.
    ///
    /// # Errors
    /// When the store failed.
    async fn keep(&self, record: Record) -> Result<(), Error>;
}

/// Gives secrets by name.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The tenant's secret `name`.
    ///
    /// # Errors
    /// When there is none; the text says where to put it.
    async fn secret(&self, tenant: &str, name: &str) -> Result<Secret, Error>;
}

/// One call about to run: allowed, validated and claimed.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The session it is made in.
    pub session: &'a SessionKey,
    /// The turn it is made in; 0 in a run of a workflow.
    pub turn: u64,
    /// The tool.
    pub tool: &'a Tool,
    /// Its arguments, which match its schema.
    pub arguments: &'a Value,
    /// The key under which it happens at most once; providers get it as idempotency key.
    pub intent: &'a str,
    /// The longest it may take.
    pub limit: Duration,
    /// The most bytes of an answer that are read.
    pub max_answer: usize,
}

/// What the other side says of an effect of which nobody saw the end.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// It took place, and this is its answer.
    Happened(Value),
    /// It has not taken place.
    DidNot,
    /// Nothing, or it cannot be asked.
    None,
}

/// How a call ended and what the model is told.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolOutcome {
    /// How it ended.
    pub status: ToolStatus,
    /// What it answered, or what went wrong.
    pub content: Value,
}

impl ToolOutcome {
    /// A success with what it answered.
    #[must_use]
    pub fn succeeded(content: Value) -> Self {
        Self {
            status: ToolStatus::Succeeded,
            content,
        }
    }

    /// A failure, in words for the model.
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            status: ToolStatus::Failed,
            content: json!({ "error": message.into() }),
        }
    }

    /// An outcome that nobody saw, in words for the model.
    #[must_use]
    pub fn unknown() -> Self {
        let message = "nobody saw whether this happened; it may have. Do not try it again: say so to the contact";
        Self {
            status: ToolStatus::Unknown,
            content: json!({ "unknown": message }),
        }
    }
}

/// Runs every kind of tool.
#[derive(Clone)]
pub struct Toolbox {
    /// Reaches the web.
    pub http: Arc<dyn Http>,
    /// Keeps records.
    pub records: Arc<dyn Records>,
    /// Gives secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Sets going what goes on after a call.
    pub errands: Arc<dyn Errands>,
}

impl Toolbox {
    /// Runs `call` once. Never fails: what goes wrong is an outcome that the model is told.
    pub async fn run(&self, bot: &Bot, call: Call<'_>) -> ToolOutcome {
        let (tool, tenant) = (call.tool, call.session.tenant());
        let mut outcome = match &tool.kind {
            ToolKind::Table(table) => look_up(table, call.arguments),
            ToolKind::OpenSkill => open_skill(bot, call.arguments),
            ToolKind::Record { collection } => self.keep(collection, call).await,
            ToolKind::Http(http) => self.request(http, call).await,
            ToolKind::Reminder(rule) => set_going(self.errands.remind(rule, &call).await),
            ToolKind::Workflow { workflow } => set_going(self.errands.begin(workflow, &call).await),
            ToolKind::ReportGoal => match self.errands.report(&call).await {
                Ok(Ok(told)) => ToolOutcome::succeeded(told),
                Ok(Err(wrong)) => ToolOutcome::failed(wrong),
                Err(error) => set_going(Err(error)),
            },
        };
        self.secrets_of(tenant, tool.secret_names())
            .await
            .redact(&mut outcome.content);
        answer::checked(tool, outcome)
    }

    /// Asks whether an effect took place of which nobody saw the end.
    pub async fn ask(&self, call: Call<'_>) -> Evidence {
        let ToolKind::Http(http) = &call.tool.kind else {
            return Evidence::None;
        };
        let Some(lookup) = &http.lookup else {
            return Evidence::None;
        };
        let mut evidence = self.look_up(lookup, http.reach, &call).await;
        if let Evidence::Happened(content) = &mut evidence {
            let names = call.tool.secret_names();
            let secrets = self.secrets_of(call.session.tenant(), names).await;
            secrets.redact(content);
        }
        evidence
    }

    /// Asks whether `call` took place, for a bounded time: whoever does not answer says nothing.
    pub(crate) async fn inquire(
        &self,
        runtime: &Runtime,
        (session, turn): (&SessionKey, u64),
        tool: &Tool,
        call: &PlannedCall,
    ) -> Evidence {
        let question = self.ask(Call {
            session,
            turn,
            tool,
            arguments: &call.arguments,
            intent: &call.intent,
            limit: ASKING,
            max_answer: MAX_ANSWER,
        });
        let answered = runtime.timeout(ASKING, question).await;
        answered.unwrap_or(Evidence::None)
    }

    async fn keep(&self, collection: &str, call: Call<'_>) -> ToolOutcome {
        let record = Record {
            collection: collection.to_owned(),
            id: call.intent.to_owned(),
            session: call.session.clone(),
            body: call.arguments.clone(),
        };
        match self.records.keep(record).await {
            Ok(()) => ToolOutcome::succeeded(
                json!({ "recorded": collection, "reference": reference(call.intent) }),
            ),
            Err(_) if call.tool.side_effect.is_repeatable() => {
                ToolOutcome::failed("the record could not be written")
            }
            Err(_) => ToolOutcome::unknown(),
        }
    }
}

/// The outcome of an errand: the same call again, if one is made, gives what stands.
fn set_going(answer: Result<Value, Error>) -> ToolOutcome {
    match answer {
        Ok(told) => ToolOutcome::succeeded(told),
        Err(error) => {
            tracing::warn!(error = %error.chain(), "an errand could not be run");
            ToolOutcome::failed(error.to_string())
        }
    }
}

/// A short reference a person can read out, from an intent key.
fn reference(intent: &str) -> String {
    let hash = crate::session::hash64(&[intent]);
    format!("{:08X}", hash >> 32)
}

fn open_skill(bot: &Bot, arguments: &Value) -> ToolOutcome {
    let name = arguments["name"].as_str().unwrap_or_default();
    match bot.skills.get(name) {
        Some(skill) => ToolOutcome::succeeded(json!({ "skill": name, "instructions": skill.body })),
        None => ToolOutcome::failed(format!("there is no skill {name}")),
    }
}

fn look_up(table: &Table, arguments: &Value) -> ToolOutcome {
    let wanted: BTreeMap<usize, String> = table
        .matches
        .iter()
        .filter_map(|name| {
            let column = table.columns.iter().position(|column| column == name)?;
            let value = match &arguments[name] {
                Value::String(text) => text.trim().to_lowercase(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some((column, value))
        })
        .collect();
    if wanted.is_empty() {
        return ToolOutcome::failed(format!(
            "give at least one of: {}",
            table.matches.join(", ")
        ));
    }
    let fits = |row: &&Vec<String>| {
        wanted
            .iter()
            .all(|(column, value)| row[*column].trim().to_lowercase() == *value)
    };
    let rows: Vec<Value> = table
        .rows
        .iter()
        .filter(fits)
        .take(table.limit)
        .map(|row| {
            table
                .columns
                .iter()
                .cloned()
                .zip(row.iter().cloned().map(Value::String))
                .collect()
        })
        .collect();
    ToolOutcome::succeeded(json!({ "found": rows.len(), "rows": rows }))
}
