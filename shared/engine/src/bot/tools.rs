//! `tools/<name>.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::bot::address::host_of;
use crate::bot::document::Document;
use crate::bot::format::{Kind, SideEffect, TableTable, ToolFile};
use crate::bot::parameters::Parameters;
use crate::bot::people::People;
use crate::bot::problem::{Place, Problem, did_you_mean, listed};
use crate::bot::reader::{MAX_CSV, MAX_FILE, Reader};
use crate::bot::rigour::Written;
use crate::bot::{ApprovalSettings, ArgumentSchema, Skill, Table, Tool, ToolKind, Undo};
use crate::bot::{consent, names, reminds, request, table, undo};
use crate::goal::REPORT_GOAL;
use crate::model::ToolOffer;
use crate::tool::SideEffectPolicy;

/// The built-in tool that gives the model a skill's body.
const OPEN_SKILL: &str = "open_skill";

/// The names of the tools the folder declares, disabled and broken ones included.
pub(super) fn names(reader: &Reader<'_>) -> BTreeSet<String> {
    paths(reader).map(|(_, name)| name.to_owned()).collect()
}

fn paths<'r>(reader: &'r Reader<'_>) -> impl Iterator<Item = (&'r str, &'r str)> {
    reader.listed().filter_map(|path| {
        let name = path.strip_prefix("tools/")?.strip_suffix(".toml")?;
        (!name.contains('/')).then_some((path, name))
    })
}

/// The enabled tools. All are checked.
pub(super) fn load(
    reader: &mut Reader<'_>,
    approvals: Option<&ApprovalSettings>,
    people: Option<&People>,
) -> BTreeMap<String, Tool> {
    let approvals = (approvals, people);
    let declared: Vec<(String, String)> = paths(reader)
        .map(|(path, name)| (path.to_owned(), name.to_owned()))
        .collect();
    let texts: Vec<(String, String, Option<String>)> = declared
        .into_iter()
        .map(|(path, name)| {
            check_name(reader, &path, &name);
            let text = reader.text(&path, MAX_FILE);
            (path, name, text)
        })
        .collect();
    let mut read = BTreeMap::new();
    for (path, name, text) in &texts {
        let Some(text) = text else { continue };
        let Some((document, file)) = reader.toml::<ToolFile>(path, text, Written::Tool) else {
            continue;
        };
        let enabled = file.enabled;
        if let Some(tool) = tool(reader, &document, name, file, approvals) {
            let declared = Declared {
                document,
                tool,
                enabled,
            };
            read.insert(name.as_str(), declared);
        }
    }
    undo::check(reader, &read);
    read.into_iter()
        .filter(|(_, declared)| declared.enabled)
        .map(|(name, declared)| (name.to_owned(), declared.tool))
        .collect()
}

/// A tool as its file declares it.
pub(super) struct Declared<'t> {
    pub(super) document: Document<'t>,
    pub(super) tool: Tool,
    pub(super) enabled: bool,
}

fn check_name(reader: &mut Reader<'_>, path: &str, name: &str) {
    let (what, hint) = if name == OPEN_SKILL {
        let hint = "name the file differently; this tool opens the bot's skills";
        (format!("`{OPEN_SKILL}` is built in"), Some(hint.to_owned()))
    } else if name == REPORT_GOAL {
        let hint = "name the file differently; this tool tells workflows how their goals ended";
        (
            format!("`{REPORT_GOAL}` is built in"),
            Some(hint.to_owned()),
        )
    } else if names::is_tool(name) {
        return;
    } else {
        let (rule, hint) = names::rule(names::TOOL, name);
        (
            format!("a tool's file name must be {rule}, then `.toml`"),
            hint,
        )
    };
    let problem = Problem::new(path, what).perhaps(hint);
    reader.problems.push(problem);
}

fn tool(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    name: &str,
    file: ToolFile,
    approvals: (Option<&ApprovalSettings>, Option<&People>),
) -> Option<Tool> {
    let written = reminds::parameters(reader, document, file.kind, file.parameters)?;
    let parameters = Parameters::read(reader, document, written);
    for (index, argument) in file.business_key.iter().enumerate() {
        let pointer = format!("/business_key/{index}");
        parameters.expect_argument(reader, document, &pointer, "business_key", argument);
    }
    let result = match file.result {
        Some(schema) => Some(answers(reader, document, schema)?),
        None => None,
    };
    let side_effect = side_effect(reader, document, file.kind, file.side_effect);
    let subject = (&parameters, side_effect);
    let approval = consent::rule(reader, document, approvals, subject, file.approval);
    let kind = match file.kind {
        Kind::Table => ToolKind::Table(lookup(reader, document, &parameters, file.table?)?),
        Kind::Record => ToolKind::Record {
            collection: file.record?.collection,
        },
        Kind::Http => {
            let http = file.http?;
            ToolKind::Http(request::read(
                reader,
                document,
                &parameters,
                http,
                side_effect,
            )?)
        }
        Kind::Reminder => ToolKind::Reminder(reminds::rule(reader, document, file.reminder)),
        Kind::Workflow => ToolKind::Workflow {
            workflow: file.workflow?.name,
        },
    };
    Some(Tool {
        arguments: parameters.compiled?,
        offer: ToolOffer {
            name: name.to_owned(),
            description: file.description,
            parameters: parameters.schema,
        },
        side_effect: side_effect?,
        business_key: file.business_key,
        approval,
        timeout: Duration::from_secs(file.timeout_seconds),
        result,
        undo: file.undo.map(Undo::from),
        kind,
    })
}

/// The schema of what a tool answers; absent when it is broken, which is reported.
fn answers(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    schema: Map<String, Value>,
) -> Option<ArgumentSchema> {
    let rigour = reader.rigour;
    let before = reader.problems.len();
    let schema = Value::Object(schema);
    let compiled = rigour.schema(reader, document, "/result", &schema, true);
    compiled.filter(|_| reader.problems.len() == before)
}

fn side_effect(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    kind: Kind,
    declared: Option<SideEffect>,
) -> Option<SideEffectPolicy> {
    match (kind, declared) {
        (Kind::Workflow | Kind::Reminder, None | Some(SideEffect::Idempotent)) => {
            Some(SideEffectPolicy::Idempotent)
        }
        (Kind::Workflow | Kind::Reminder, Some(_)) => {
            let problem = document
                .problem("/side_effect", "the same call again changes nothing more")
                .hint("remove `side_effect`: this kind of tool is always `idempotent`");
            reader.problems.push(problem);
            None
        }
        (Kind::Table, None | Some(SideEffect::Pure)) => Some(SideEffectPolicy::Pure),
        (Kind::Table, Some(_)) => {
            let problem = document
                .problem("/side_effect", "looking rows up changes nothing")
                .hint("remove `side_effect`: a table is always `pure`");
            reader.problems.push(problem);
            None
        }
        (Kind::Record, Some(SideEffect::Pure)) => {
            let problem = document
                .problem(
                    "/side_effect",
                    "writing a record changes something, so it is not `pure`",
                )
                .hint("say whether a second record would do harm: `idempotent` or `irreversible`");
            reader.problems.push(problem);
            None
        }
        (_, declared) => declared.map(SideEffectPolicy::from),
    }
}

fn lookup(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    parameters: &Parameters,
    table: TableTable,
) -> Option<Table> {
    for (index, column) in table.matches.iter().enumerate() {
        let pointer = format!("/table/match/{index}");
        parameters.expect_scalar(reader, document, &pointer, "match", column);
    }
    let sheet = sheet(reader, document, &table.file)?;
    for (index, column) in table.matches.iter().enumerate() {
        if !sheet.columns.contains(column) {
            let columns = sheet.columns.iter().map(String::as_str);
            let hint = did_you_mean(column, columns.clone())
                .unwrap_or_else(|| format!("its columns are {}", listed(columns)));
            let what = format!("`{}` has no column `{column}`", table.file);
            let problem = document.problem(&format!("/table/match/{index}"), what);
            reader.problems.push(problem.hint(hint));
        }
    }
    Some(Table {
        columns: sheet.columns,
        rows: sheet.rows,
        matches: table.matches,
        limit: table.limit,
    })
}

fn sheet(reader: &mut Reader<'_>, document: &Document<'_>, file: &str) -> Option<table::Sheet> {
    if !reader.has(file) {
        let problem = document
            .problem("/table/file", format!("there is no file `{file}`"))
            .hint("name a CSV file of the bot's folder, relative to the folder")
            .perhaps(reader.similar(file));
        reader.problems.push(problem);
        return None;
    }
    let text = reader.text(file, MAX_CSV)?;
    match table::read(file, &text) {
        Ok(sheet) => {
            if sheet.rows.is_empty() {
                let warning = Problem::new(file, "there are no rows").at(Some(Place::line(1)));
                reader.warnings.push(warning);
            }
            Some(sheet)
        }
        Err(problems) => {
            reader.problems.extend(problems);
            None
        }
    }
}

/// The tool that opens skills, when there are any.
pub(super) fn open_skill(skills: &BTreeMap<String, Skill>) -> Option<Tool> {
    if skills.is_empty() {
        return None;
    }
    let names: Vec<&String> = skills.keys().collect();
    let parameters = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "enum": names, "description": "The skill's name." },
        },
        "required": ["name"],
        "additionalProperties": false,
    });
    Some(Tool {
        arguments: ArgumentSchema::deferred(parameters.clone()),
        offer: ToolOffer {
            name: OPEN_SKILL.to_owned(),
            description:
                "Reads the instructions of a skill. Open the skill that fits before acting on it."
                    .to_owned(),
            parameters,
        },
        side_effect: SideEffectPolicy::Pure,
        business_key: Vec::new(),
        approval: None,
        timeout: Duration::from_secs(5),
        result: None,
        undo: None,
        kind: ToolKind::OpenSkill,
    })
}

/// The names of the secrets a tool needs.
pub(super) fn secrets(tool: &Tool) -> Vec<String> {
    sends(tool).into_iter().map(|(name, _)| name).collect()
}

/// The secrets a tool sends and the hosts it sends them to.
pub(super) fn sends(tool: &Tool) -> Vec<(String, String)> {
    let ToolKind::Http(http) = &tool.kind else {
        return Vec::new();
    };
    let lookup = http.lookup.iter();
    let lookup = lookup.map(|lookup| (&lookup.url, &lookup.headers));
    let requests = std::iter::once((&http.url, &http.headers)).chain(lookup);
    requests
        .flat_map(|(url, headers)| {
            let host = host_of(url).unwrap_or_default();
            let names = headers.values().flat_map(|value| request::secrets(value));
            names.map(move |name| (name, host.to_owned()))
        })
        .collect()
}
