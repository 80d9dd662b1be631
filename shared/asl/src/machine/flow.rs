//! Reads a whole definition: its flows (the machine, branches, item processors) and their states.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::fields::{Fields, Report};
use super::{Kind, State, StateId, StateMachine, states};
use crate::diagnostic::{Code, Diagnostic};

/// AWS's limit on a definition.
const MAX_DEFINITION: usize = 1024 * 1024;
const MAX_NAME: usize = 80;
/// Deeper flows would not pass AWS's limits either.
const MAX_NESTING: usize = 64;

/// The language a state's fields are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryLanguage {
    JsonPath,
    Jsonata,
}

/// A transition that is resolved once its flow is read.
pub(crate) struct Transition {
    pub(crate) field: &'static str,
    pub(crate) target: String,
    pub(crate) location: String,
}

/// Builds one machine.
pub(crate) struct Builder<'a> {
    pub(crate) kind: Kind,
    pub(crate) language: QueryLanguage,
    pub(crate) report: &'a Report,
    pub(crate) states: Vec<Option<State>>,
    names: HashSet<String>,
    depth: usize,
}

/// The states of the flow being read, by name, and which of them some transition reaches.
pub(crate) struct Flow {
    ids: HashMap<String, StateId>,
    reached: HashSet<StateId>,
}

pub(crate) fn parse(definition: &str, kind: Kind) -> Result<StateMachine, Vec<Diagnostic>> {
    if definition.trim().is_empty() {
        return Err(vec![not_an_object()]);
    }
    match serde_json::from_str(definition) {
        Ok(value) => from_value(&value, definition.to_owned(), kind),
        Err(error) => Err(vec![not_json(definition, &error)]),
    }
}

pub(crate) fn from_value(
    definition: &Value,
    text: String,
    kind: Kind,
) -> Result<StateMachine, Vec<Diagnostic>> {
    let report = Report::default();
    if !definition.is_object() {
        return Err(vec![not_an_object()]);
    }
    if text.len() > MAX_DEFINITION {
        report.schema("The definition is longer than 1 MiB", "");
        return Err(report.into_diagnostics());
    }
    let machine = Fields::of(definition, String::new(), &report)
        .and_then(|fields| machine(&fields, &text, kind));
    let diagnostics = report.into_diagnostics();
    match machine {
        Some(machine) if diagnostics.is_empty() => Ok(machine),
        _ => Err(diagnostics),
    }
}

fn machine(fields: &Fields<'_>, text: &str, kind: Kind) -> Option<StateMachine> {
    fields.allow(&[&[
        "Comment",
        "QueryLanguage",
        "StartAt",
        "States",
        "TimeoutSeconds",
        "Version",
    ]]);
    let mut builder = Builder {
        kind,
        language: query_language(fields).unwrap_or(QueryLanguage::JsonPath),
        report: fields.report,
        states: Vec::new(),
        names: HashSet::new(),
        depth: 0,
    };
    let timeout_seconds = fields.integer("TimeoutSeconds", 1, 99_999_999);
    if let Some(version) = fields.text("Version").filter(|version| *version != "1.0") {
        let message = format!("Version '{version}' is not supported; use '1.0'");
        fields.report.schema(message, "/Version");
    }
    let start = builder.flow(fields)?;
    Some(StateMachine {
        kind,
        definition: text.into(),
        timeout_seconds,
        start,
        states: builder.states.into_iter().collect::<Option<_>>()?,
    })
}

/// The `QueryLanguage` of a machine or state, when it says one.
pub(crate) fn query_language(fields: &Fields<'_>) -> Option<QueryLanguage> {
    match fields.text("QueryLanguage")? {
        "JSONata" => Some(QueryLanguage::Jsonata),
        "JSONPath" => Some(QueryLanguage::JsonPath),
        _ => {
            let place = fields.at("QueryLanguage");
            let message = "Value must be one of the following: [\"JSONata\", \"JSONPath\"]";
            fields.report.schema(message, &place);
            None
        }
    }
}

impl Builder<'_> {
    /// Reads `StartAt` and `States`; gives the state to start at.
    pub(crate) fn flow(&mut self, fields: &Fields<'_>) -> Option<StateId> {
        fields.require(&["States", "StartAt"]);
        if self.depth == MAX_NESTING {
            let message = format!("Flows may be nested {MAX_NESTING} deep at most");
            self.report.schema(message, &fields.location);
            return None;
        }
        let start = fields.text("StartAt");
        let states = fields.object("States")?;
        let mut flow = self.reserve(&states);
        let start = Transition {
            field: "StartAt",
            target: start?.to_owned(),
            location: fields.at("StartAt"),
        };
        let start = flow.resolve(&start, self.report);
        self.depth += 1;
        for name in states.names() {
            let state = states
                .object(name)
                .and_then(|fields| states::read(self, &mut flow, name, &fields));
            if let Some(id) = flow.ids.get(name) {
                self.states[id.0 as usize] = state;
            }
        }
        self.depth -= 1;
        flow.report_unreached(&states, self.report);
        start
    }

    /// Gives every state of a flow its id, so that transitions may point forwards.
    fn reserve(&mut self, states: &Fields<'_>) -> Flow {
        let mut ids = HashMap::new();
        if states.names().next().is_none() {
            self.report
                .schema("There must be at least one state", &states.location);
        }
        for name in states.names() {
            if !self.names.insert(name.clone()) {
                let message = format!("Duplicate State name: {name}");
                self.report
                    .add(Code::DuplicateStateName, message, &states.at(name));
            }
            if name.is_empty() || name.chars().count() > MAX_NAME {
                let message = format!("A state's name has 1 to {MAX_NAME} characters");
                self.report.schema(message, &states.at(name));
            }
            // A definition of 1 MiB has fewer states than that.
            let id = StateId(u32::try_from(self.states.len()).unwrap_or(u32::MAX));
            self.states.push(None);
            ids.insert(name.clone(), id);
        }
        Flow {
            ids,
            reached: HashSet::new(),
        }
    }
}

impl Flow {
    /// The state a transition leads to; a target that does not exist is reported.
    pub(crate) fn resolve(&mut self, to: &Transition, report: &Report) -> Option<StateId> {
        let id = self.ids.get(&to.target).copied();
        match id {
            Some(id) => {
                self.reached.insert(id);
            }
            None => {
                let message = format!("Missing '{}' target: {}", to.field, to.target);
                report.add(Code::MissingTransitionTarget, message, &to.location);
            }
        }
        id
    }

    fn report_unreached(&self, states: &Fields<'_>, report: &Report) {
        for name in states.names() {
            if self
                .ids
                .get(name)
                .is_some_and(|id| !self.reached.contains(id))
            {
                let message = format!("State \"{name}\" is not reachable.");
                report.add(Code::MissingTransitionTarget, message, &states.at(name));
            }
        }
    }
}

fn not_an_object() -> Diagnostic {
    Diagnostic {
        code: Code::SchemaValidationFailed,
        message: "Definition must be a valid JSON object".to_owned(),
        location: None,
        hint: None,
    }
}

/// The message of AWS's own JSON parser, whose column counts to the end of a bad token.
fn not_json(text: &str, error: &serde_json::Error) -> Diagnostic {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let before = text.len() - text.trim_start().len();
    let token: String = text
        .trim_start()
        .chars()
        .take_while(|c| is_word(*c))
        .collect();
    let word = token.starts_with(|c: char| !c.is_ascii_digit());
    let (message, line, column) = if word && !["true", "false", "null"].contains(&&*token) {
        let expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
        let message = format!("Unrecognized token '{token}': was expecting {expected}");
        let above = text[..before].matches('\n').count();
        let line_start = text[..before].rfind('\n').map_or(0, |at| at + 1);
        let column = text[line_start..before].chars().count() + token.chars().count() + 1;
        (message, above + 1, column)
    } else {
        (error.to_string(), error.line(), error.column())
    };
    let location = format!("[Source: (String)\"{text}\"; line: {line}, column: {column}]");
    Diagnostic {
        code: Code::InvalidJsonDescription,
        message: format!("{message}\n at {location}"),
        location: Some(location),
        hint: None,
    }
}
