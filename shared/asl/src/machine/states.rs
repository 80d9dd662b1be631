//! Reads one state.

use std::sync::Arc;

use serde_json::Value;

use super::fields::{Fields, whole};
use super::flow::{Builder, Flow, QueryLanguage, Transition, query_language};
use super::{Call, Exit, Intake, Made, Resource, State, Task, Until, Work, Yield, parse_timestamp};
use crate::query::Template;

mod choice;
mod fan_out;
mod handlers;

const COMMON: &[&str] = &["Type", "Comment", "QueryLanguage"];
const FLOW: &[&str] = &["Next", "End"];
const HANDLERS: &[&str] = &["Retry", "Catch"];
const TASK: &[&str] = &[
    "Resource",
    "Credentials",
    "TimeoutSeconds",
    "HeartbeatSeconds",
];
const TYPES: &[&str] = &[
    "Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map",
];

/// The fields that a state has only in JSONata, and only in JSONPath.
struct Own {
    jsonata: &'static [&'static str],
    json_path: &'static [&'static str],
}

/// Reads the state called `name`; nothing when it could not be understood.
pub(crate) fn read(
    builder: &mut Builder<'_>,
    flow: &mut Flow,
    name: &str,
    fields: &Fields<'_>,
) -> Option<State> {
    let language = language(builder, fields);
    let fields = &fields.in_language(language);
    let kind = state_type(fields)?;
    let work = match kind {
        "Pass" => pass(fields),
        "Task" => task(builder, fields),
        "Choice" => choice::read(builder, flow, fields),
        "Wait" => wait(fields),
        "Succeed" => succeed(fields),
        "Fail" => Some(fail(fields)),
        "Parallel" => fan_out::parallel(builder, fields),
        _ => fan_out::map(builder, fields),
    };
    let exit = match kind {
        // Its choices have their own.
        "Choice" => Exit::default(),
        _ => exit(flow, fields, has_next(kind)),
    };
    let (mut retriers, mut catchers) = (Vec::new(), Vec::new());
    if matches!(kind, "Task" | "Parallel" | "Map") {
        retriers = handlers::retriers(fields);
        catchers = handlers::catchers(flow, fields);
    }
    Some(State {
        name: name.into(),
        intake: intake(kind, fields),
        work: work?,
        exit,
        retriers,
        catchers,
    })
}

/// The state's own language, which may not be JSONPath where the machine's is JSONata.
fn language(builder: &Builder<'_>, fields: &Fields<'_>) -> QueryLanguage {
    let own = query_language(fields).unwrap_or(builder.language);
    if (builder.language, own) == (QueryLanguage::Jsonata, QueryLanguage::JsonPath) {
        let message =
            "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine";
        fields.report.schema(message, &fields.at("QueryLanguage"));
    }
    own
}

fn state_type<'a>(fields: &Fields<'a>) -> Option<&'a str> {
    fields.require(&["Type"]);
    let kind = fields.text("Type")?;
    if !TYPES.contains(&kind) {
        let message = format!("Value must be one of the following: {TYPES:?}");
        fields.report.schema(message, &fields.at("Type"));
        return None;
    }
    Some(kind)
}

/// Reports fields that are not of every state, not `shared` by the languages, and not the own
/// ones of the state's language.
fn allow(fields: &Fields<'_>, shared: &[&[&str]], own: &Own) {
    let mut known = shared.to_vec();
    known.push(COMMON);
    known.push(match fields.language {
        QueryLanguage::Jsonata => own.jsonata,
        QueryLanguage::JsonPath => own.json_path,
    });
    fields.allow(&known);
}

/// What the fields of the state see, and its work is given.
fn intake(kind: &str, fields: &Fields<'_>) -> Intake {
    if fields.language == QueryLanguage::Jsonata {
        return Intake::Jsonata(fields.template("Arguments"));
    }
    Intake::JsonPath {
        input: fields.selection("InputPath"),
        // A Map's are for its items.
        parameters: (kind != "Map")
            .then(|| fields.template("Parameters"))
            .flatten(),
    }
}

fn has_next(kind: &str) -> bool {
    !matches!(kind, "Succeed" | "Fail")
}

/// Where a state leads, and what it gives.
pub(super) fn exit(flow: &mut Flow, fields: &Fields<'_>, needs_next: bool) -> Exit {
    let mut exit = result(fields);
    if !needs_next {
        return exit;
    }
    let next = fields.text("Next");
    match (next, fields.flag("End")) {
        (Some(target), None | Some(false)) => {
            exit.next = transition(flow, fields, "Next", target);
        }
        (None, Some(true)) => {}
        (Some(_), Some(true)) => {
            let message = "A state has one of 'Next' and 'End', not both";
            fields.report.schema(message, &fields.location);
        }
        (None, _) => {
            let message = "One of these fields is required: [Next, End]";
            fields.report.schema(message, &fields.location);
        }
    }
    exit
}

/// What a state assigns and gives.
fn result(fields: &Fields<'_>) -> Exit {
    let yields = match fields.language {
        QueryLanguage::Jsonata => Yield::Jsonata(fields.template("Output")),
        QueryLanguage::JsonPath => Yield::JsonPath {
            selector: fields.template("ResultSelector"),
            place: fields.place(),
            output: fields.selection("OutputPath"),
        },
    };
    Exit {
        assign: assign(fields),
        yields: Arc::new(yields),
        next: None,
    }
}

pub(super) fn transition(
    flow: &mut Flow,
    fields: &Fields<'_>,
    field: &'static str,
    target: &str,
) -> Option<super::StateId> {
    let transition = Transition {
        field,
        target: target.to_owned(),
        location: fields.at(field),
    };
    flow.resolve(&transition, fields.report)
}

fn assign(fields: &Fields<'_>) -> Vec<(Arc<str>, Template)> {
    let Some(assigned) = fields.object("Assign") else {
        return Vec::new();
    };
    let parts: Vec<_> = match fields.template("Assign") {
        Some(Template::Object(parts)) => parts,
        Some(Template::Constant(Value::Object(parts))) => {
            let constant = |(name, value)| (name, Template::Constant(value));
            parts.into_iter().map(constant).collect()
        }
        _ => Vec::new(),
    };
    for (name, _) in parts.iter().filter(|(name, _)| !is_variable(name)) {
        let message = format!(
            "The variable name '{name}' is not valid. A name starts with a letter, has letters, digits and '_' only, at most 80, and is not 'states'"
        );
        fields.report.schema(message, &assigned.at(name));
    }
    let shared = |(name, template): (String, _)| (name.into(), template);
    parts.into_iter().map(shared).collect()
}

fn is_variable(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(char::is_alphabetic)
        && chars.all(|c| c.is_alphanumeric() || c == '_')
        && name.chars().count() <= 80
        && name != "states"
}

fn pass(fields: &Fields<'_>) -> Option<Work> {
    let own = Own {
        jsonata: &["Assign", "Output"],
        json_path: &[
            "Assign",
            "InputPath",
            "Parameters",
            "Result",
            "ResultPath",
            "OutputPath",
        ],
    };
    allow(fields, &[FLOW], &own);
    Some(Work::Pass(match (fields.language, fields.get("Result")) {
        (QueryLanguage::Jsonata, _) => Made::Nothing,
        (QueryLanguage::JsonPath, Some(result)) => Made::Result(Arc::new(result.clone())),
        (QueryLanguage::JsonPath, None) => Made::Arguments,
    }))
}

fn succeed(fields: &Fields<'_>) -> Option<Work> {
    let own = Own {
        jsonata: &["Output"],
        json_path: &["InputPath", "OutputPath"],
    };
    allow(fields, &[], &own);
    Some(Work::Succeed)
}

fn fail(fields: &Fields<'_>) -> Work {
    let own = Own {
        jsonata: &[],
        json_path: &["ErrorPath", "CausePath"],
    };
    allow(fields, &[&["Error", "Cause"]], &own);
    let told = |name: &str, by_path: &str| {
        if fields.get(by_path).is_none() {
            return fields.scalar(name, "String", Value::is_string);
        }
        fields.only_one(name, by_path);
        fields.query(by_path)
    };
    Work::Fail {
        error: told("Error", "ErrorPath"),
        cause: told("Cause", "CausePath"),
    }
}

fn wait(fields: &Fields<'_>) -> Option<Work> {
    let own = Own {
        jsonata: &["Assign", "Output"],
        json_path: &[
            "Assign",
            "InputPath",
            "OutputPath",
            "SecondsPath",
            "TimestampPath",
        ],
    };
    allow(fields, &[FLOW, &["Seconds", "Timestamp"]], &own);
    let ends: &[_] = match fields.language {
        QueryLanguage::Jsonata => &["Seconds", "Timestamp"],
        QueryLanguage::JsonPath => &["Seconds", "Timestamp", "SecondsPath", "TimestampPath"],
    };
    let mut given = ends.iter().filter(|name| fields.get(name).is_some());
    let (Some(end), None) = (given.next(), given.next()) else {
        let message = format!(
            "Exactly one of these fields is required: [{}]",
            ends.join(", ")
        );
        fields.report.schema(message, &fields.location);
        return None;
    };
    if end.starts_with("Seconds") {
        let fits = |value: &Value| whole(value).is_some_and(|n| n <= 99_999_999);
        return fields
            .either("Seconds", "SecondsPath", "Integer", fits)
            .map(|seconds| Work::Wait(Until::Seconds(seconds)));
    }
    let timestamp = fields.either("Timestamp", "TimestampPath", "String", Value::is_string)?;
    if let Template::Constant(Value::String(text)) = &timestamp
        && parse_timestamp(text).is_none()
    {
        let message = "String does not match RFC3339 timestamp";
        fields.report.schema(message, &fields.at("Timestamp"));
    }
    Some(Work::Wait(Until::Timestamp(timestamp)))
}

fn task(builder: &Builder<'_>, fields: &Fields<'_>) -> Option<Work> {
    let own = Own {
        jsonata: &["Assign", "Output", "Arguments"],
        json_path: &[
            "Assign",
            "InputPath",
            "Parameters",
            "ResultSelector",
            "ResultPath",
            "OutputPath",
            "TimeoutSecondsPath",
            "HeartbeatSecondsPath",
        ],
    };
    allow(fields, &[FLOW, HANDLERS, TASK], &own);
    fields.require(&["Resource"]);
    if let Some(credentials) = fields.object("Credentials")
        && ["RoleArn", "RoleArn.$"]
            .iter()
            .all(|name| credentials.get(name).is_none())
    {
        let message = "The field 'RoleArn' is required but was missing";
        fields.report.schema(message, &credentials.location);
    }
    let resource = Resource::parse(fields.text("Resource")?, builder.kind)
        .map_err(|(code, message)| fields.report.add(code, message, &fields.at("Resource")));
    let positive = |value: &Value| whole(value).is_some_and(|n| (1..=99_999_999).contains(&n));
    let task = Task {
        resource: resource.ok()?,
        credentials: fields.template("Credentials"),
        timeout: fields.either("TimeoutSeconds", "TimeoutSecondsPath", "Integer", positive),
        heartbeat: fields.either(
            "HeartbeatSeconds",
            "HeartbeatSecondsPath",
            "Integer",
            positive,
        ),
    };
    check_heartbeat(&task, fields);
    check_arguments(&task, fields);
    Some(Work::Task(Box::new(task)))
}

fn check_heartbeat(task: &Task, fields: &Fields<'_>) {
    let seconds = |template: &Option<Template>| match template {
        Some(Template::Constant(value)) => whole(value),
        _ => None,
    };
    if let (Some(timeout), Some(heartbeat)) = (seconds(&task.timeout), seconds(&task.heartbeat))
        && heartbeat >= timeout
    {
        let message = "HeartbeatSeconds must be smaller than TimeoutSeconds";
        fields.report.schema(message, &fields.location);
    }
}

/// Arguments that an integration cannot do without, unless an expression makes them.
fn check_arguments(task: &Task, fields: &Fields<'_>) {
    let required = match task.resource.call {
        Call::Function(_) => return,
        Call::LambdaInvoke => "FunctionName",
        Call::StartExecution => "StateMachineArn",
    };
    let (name, by_path) = match fields.language {
        QueryLanguage::Jsonata => ("Arguments", None),
        QueryLanguage::JsonPath => ("Parameters", Some(format!("{required}.$"))),
    };
    let present = match fields.get(name) {
        // The input may have it.
        None => fields.language == QueryLanguage::JsonPath,
        Some(Value::String(text)) => text.starts_with("{%"),
        Some(Value::Object(parts)) => {
            parts.contains_key(required)
                || by_path.is_some_and(|by_path| parts.contains_key(&by_path))
        }
        Some(_) => false,
    };
    if !present {
        let message = format!("The field '{required}' is required but was missing");
        fields.report.schema(message, &fields.at(name));
    }
}
