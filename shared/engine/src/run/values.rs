//! Values that are too long for a state.
//!
//! ```text
//! a step's output ──200 KiB or less──> the machine
//!        └─more──> kept with what calls came to ──{"kept_value": "…", "bytes": …}──> the machine
//! a step's arguments ──what is kept put in its place──> the call
//! ```
//!
//! Expressions see the name only, which steps pass on whole, also to the runs that they start. A name holds a mark that
//! nobody can guess: a service whose answer is passed back to it is not given what another answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{RunRef, Site, StepOutput};
use crate::bot::Tool;
use crate::document::parse;
use crate::error::{Error, Kind};
use crate::runtime::Runtime;
use crate::session::{InvocationId, SessionKey};
use crate::transcript::{ToolResult, ToolResults, ToolStatus};

/// The longest output that the machine is given, in bytes as JSON: a state's payload is at most 256 KiB.
pub(super) const MAX_INLINE: usize = 200 * 1024;

/// The longest that is kept, and the longest arguments with what is kept in its place, in bytes as JSON.
pub const MAX_VALUE: usize = 1024 * 1024;

/// What stands for a value.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// `<workflow>.<run>/<step>/<mark>`
    kept_value: String,
    bytes: usize,
}

/// A value as it is kept.
#[derive(Deserialize, Serialize)]
struct Marked {
    mark: String,
    value: Value,
}

/// Keeps long values, and gives them.
#[derive(Clone)]
pub struct Values {
    /// Time and ids.
    pub runtime: Runtime,
    /// Keeps them.
    pub results: Arc<dyn ToolResults>,
}

impl Values {
    /// `output` as the machine can be given it.
    ///
    /// # Errors
    /// `Invalid` when it is too long to be kept, and when the store failed.
    pub(super) async fn fit(&self, site: &Site, output: StepOutput) -> Result<StepOutput, Error> {
        let bytes = length(&output.output);
        if bytes <= MAX_INLINE {
            return Ok(output);
        }
        if bytes > MAX_VALUE {
            let message = format!(
                "a step gives at most {MAX_VALUE} bytes, and this one gave {bytes}; ask for less, or keep it elsewhere and give its name"
            );
            return Err(Error::new(Kind::Invalid, message));
        }
        let (run, intent) = (&site.run, site.intent());
        let mark = self.runtime.new_id().simple().to_string();
        let value = output.output;
        let result = ToolResult {
            turn: 0,
            tool: site.step.clone(),
            status: ToolStatus::Succeeded,
            content: json!(Marked { mark, value }),
            by: InvocationId::fresh(&self.runtime),
            at: self.runtime.now(),
            millis: 0,
            settled: None,
        };
        let place = run.place()?;
        // A step that only reads may be called again, and find something else: what was kept first stands.
        let standing = self.results.record(&place, &name(&intent), result).await?;
        let Marked { mark, value } = parse(standing.content)?;
        let kept = Kept {
            kept_value: format!("{}.{}/{intent}/{mark}", run.workflow, run.id),
            bytes: length(&value),
        };
        Ok(StepOutput {
            output: json!(kept),
            ..output
        })
    }

    /// `value` with what is kept of it in its place.
    ///
    /// # Errors
    /// `Invalid` when that is too long, `NotFound` when something is not there, and when the store failed.
    pub(super) async fn whole(&self, run: &RunRef, mut value: Value) -> Result<Value, Error> {
        let mut kept = BTreeMap::new();
        let mut bytes = length(&value);
        for name in names(&value) {
            let found = match kept.get(&name) {
                Some(found) => found,
                None => {
                    let found = self.read(run, &name).await?;
                    kept.entry(name).or_insert(found)
                }
            };
            bytes += length(found);
            if bytes > MAX_VALUE {
                let message = format!(
                    "the arguments are longer than {MAX_VALUE} bytes with the values that are kept for them"
                );
                return Err(Error::new(Kind::Invalid, message));
            }
        }
        if !kept.is_empty() {
            fill(&mut value, &kept);
        }
        Ok(value)
    }

    /// The value that `kept_value` names, of `run` or another one of its bot.
    ///
    /// # Errors
    /// `NotFound` when there is none, and when the store failed.
    pub async fn read(&self, run: &RunRef, kept_value: &str) -> Result<Value, Error> {
        let nothing = || {
            let message = format!("there is no value {kept_value}, or no longer");
            Error::new(Kind::NotFound, message)
        };
        let named = Name::read(kept_value).ok_or_else(nothing)?;
        let place = SessionKey::of_run(&run.tenant, &run.bot, named.workflow, named.run);
        let place = place.map_err(|_| nothing())?;
        let found = self.results.result(&place, &name(named.intent)).await?;
        let Marked { mark, value } = parse(found.ok_or_else(nothing)?.content)?;
        if mark != named.mark {
            return Err(nothing());
        }
        Ok(value)
    }
}

/// What a name says.
struct Name<'a> {
    workflow: &'a str,
    run: &'a str,
    intent: &'a str,
    mark: &'a str,
}

impl<'a> Name<'a> {
    fn read(kept_value: &'a str) -> Option<Self> {
        let mut parts = kept_value.split('/');
        let (workflow, run) = parts.next()?.split_once('.')?;
        let (intent, mark) = (parts.next()?, parts.next()?);
        let name = Self {
            workflow,
            run,
            intent,
            mark,
        };
        parts.next().is_none().then_some(name)
    }
}

/// Whether `value` only stands for what is kept.
pub(super) fn is_kept(value: &Value) -> bool {
    kept(value).is_some()
}

/// Whether whoever is asked about a call of `tool` would see what it is called with.
///
/// # Errors
/// `Invalid` when some of it is kept, and people may have to say yes to it.
pub(super) fn is_shown(tool: &Tool, arguments: &Value) -> Result<(), Error> {
    if tool.approval.is_none() || names(arguments).is_empty() {
        return Ok(());
    }
    let message = format!(
        "`{}` may need a person's yes, and nobody could see arguments of more than {MAX_INLINE} bytes; give it less",
        tool.offer.name
    );
    Err(Error::new(Kind::Invalid, message))
}

fn kept(value: &Value) -> Option<Kept> {
    let is_like = value.as_object().is_some_and(|fields| fields.len() == 2);
    is_like.then(|| Kept::deserialize(value).ok()).flatten()
}

/// What is kept of `value`, by name, as often as it is named.
fn names(value: &Value) -> Vec<String> {
    if let Some(kept) = kept(value) {
        return vec![kept.kept_value];
    }
    match value {
        Value::Array(items) => items.iter().flat_map(names).collect(),
        Value::Object(fields) => fields.values().flat_map(names).collect(),
        _ => Vec::new(),
    }
}

fn fill(value: &mut Value, found: &BTreeMap<String, Value>) {
    if let Some(kept) = kept(value) {
        if let Some(whole) = found.get(&kept.kept_value) {
            *value = whole.clone();
        }
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, found)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, found)),
        _ => {}
    }
}

/// What the results of a run call what is kept of a step's output; no step has such a name.
fn name(intent: &str) -> String {
    format!("value:{intent}")
}

/// How long it is, in bytes as JSON.
pub(super) fn length(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len())
}
