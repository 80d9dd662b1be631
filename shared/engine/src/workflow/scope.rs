//! What is visible at a place in a workflow.

use std::collections::BTreeMap;

use crate::bot::problem::did_you_mean;
use crate::workflow::expression::FUNCTIONS;
use crate::workflow::plan::{Action, Block, Step, Workflow};

/// The words that are always variables.
const WORDS: [&str; 4] = ["inputs", "steps", "trigger", "run"];

/// What expressions may refer to, and how the machine writes it.
#[derive(Clone, Debug)]
pub struct Scope<'w> {
    workflow: &'w Workflow,
    /// The steps that have run, and what reads their outputs: `$steps_fetch`.
    steps: BTreeMap<String, String>,
    /// Items, rounds and errors, and what reads them.
    variables: BTreeMap<String, String>,
    /// What tells this item and round from others: expressions that give texts.
    place: Vec<String>,
}

impl<'w> Scope<'w> {
    /// At the beginning of a workflow.
    #[must_use]
    pub fn new(workflow: &'w Workflow) -> Self {
        Self {
            workflow,
            steps: BTreeMap::new(),
            variables: BTreeMap::new(),
            place: Vec::new(),
        }
    }

    pub(super) fn file(&self) -> &'w str {
        &self.workflow.file
    }

    /// Makes the output of `step` readable, as `$steps_<step>`.
    pub(super) fn reveal(&mut self, step: &str) {
        self.reveal_as(step, format!("${}", variable(step)));
    }

    /// Makes the output of `step` readable by `text`.
    pub(super) fn reveal_as(&mut self, step: &str, text: String) {
        self.steps.insert(step.to_owned(), text);
    }

    /// What reads the output of a step that was revealed.
    pub(super) fn reads(&self, step: &str) -> &str {
        self.steps.get(step).map_or("null", String::as_str)
    }

    /// Makes a variable readable; `text` is the machine's for `$name`.
    pub(super) fn bind(&mut self, name: &str, text: String) {
        self.variables.insert(name.to_owned(), text);
    }

    pub(super) fn binds(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// Adds what tells this item or round from others.
    pub(super) fn enter(&mut self, index: &str) {
        self.place.push(format!("$string({index})"));
    }

    /// An expression that gives the item's place among all, such as `2.0`; empty outside of every list.
    pub(super) fn item(&self) -> Option<String> {
        (!self.place.is_empty()).then(|| self.place.join(" & '.' & "))
    }

    pub(super) fn is_word(&self, name: &str) -> bool {
        WORDS.contains(&name) || self.variables.contains_key(name)
    }

    /// What the machine calls `$name`, or `$steps.member`; or what is wrong and what to do.
    pub(super) fn resolve(
        &self,
        name: &str,
        member: Option<&str>,
        written: &str,
    ) -> Result<String, (String, Option<String>)> {
        match (name, member) {
            ("steps", None) => Err((
                "`$steps` alone is nothing".to_owned(),
                Some("name a step: `$steps.fetch`".to_owned()),
            )),
            ("steps", Some(step)) => match self.steps.get(step) {
                Some(text) => Ok(text.clone()),
                None => Err(self.invisible(step)),
            },
            ("inputs", Some(input)) if !self.workflow.inputs.contains_key(input) => {
                let names = self.workflow.inputs.keys().map(String::as_str);
                let hint = did_you_mean(input, names);
                let hint = hint.unwrap_or_else(|| format!("add `{input}` to `inputs`"));
                Err((format!("there is no input `{input}`"), Some(hint)))
            }
            ("inputs" | "trigger" | "run", _) => Ok(written.to_owned()),
            _ => match self.variables.get(name) {
                Some(text) => Ok(text.clone()),
                None => Err(self.unknown(name)),
            },
        }
    }

    fn unknown(&self, name: &str) -> (String, Option<String>) {
        let what = format!("there is no variable `${name}` here");
        let hint = match name {
            "error" => Some("`$error` is known in the steps of a `catch`".to_owned()),
            "item" => Some("`$item` is known in the steps of an `each`".to_owned()),
            "states" => Some("write `$inputs`, `$steps.<name>` or `$trigger`".to_owned()),
            _ if find(&self.workflow.steps, name).is_some() => {
                Some(format!("write `$steps.{name}`"))
            }
            _ => {
                let known = WORDS.iter().chain(FUNCTIONS).copied();
                did_you_mean(name, known.chain(self.variables.keys().map(String::as_str)))
                    .map(|hint| hint.replace('`', "`$").replacen("`$?", "`?", 1))
            }
        };
        (what, hint)
    }

    fn invisible(&self, step: &str) -> (String, Option<String>) {
        let Some(path) = find(&self.workflow.steps, step) else {
            let hint = did_you_mean(step, self.steps.keys().map(String::as_str));
            return (format!("there is no step `{step}`"), hint);
        };
        let around = path
            .iter()
            .rev()
            .find(|around| self.steps.contains_key(&around.name));
        match around.map(|around| (&around.name, &around.action)) {
            Some((name, Action::Parallel(_))) => (
                format!("`{step}` runs inside `{name}`"),
                Some(format!("write `$steps.{name}.{step}`")),
            ),
            Some((name, _)) => (
                format!("`{step}` runs inside `{name}`, once for every item"),
                Some(format!(
                    "write `$steps.{name}`, the list of what its items gave"
                )),
            ),
            None => match path.last() {
                Some(found) if !found.has_output() => (format!("`{step}` has no output"), None),
                _ => (
                    format!("`{step}` has not run yet when this is read"),
                    Some("move the step up, or name it in `needs`".to_owned()),
                ),
            },
        }
    }
}

/// The variable that holds a step's output.
pub(super) fn variable(step: &str) -> String {
    format!("steps_{step}")
}

/// The way to the step called `name`, outermost first.
fn find<'b>(block: &'b Block, name: &str) -> Option<Vec<&'b Step>> {
    for step in &block.0 {
        if step.name == name {
            return Some(vec![step]);
        }
        for inner in step.blocks() {
            if let Some(mut path) = find(inner, name) {
                path.insert(0, step);
                return Some(path);
            }
        }
    }
    None
}
