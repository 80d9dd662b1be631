//! All workflows of a bot's folder.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::bot::{Bot, BotFiles, Problem, Problems, unfit_starters};
use crate::workflow::{Around, Syntax, Workflow, compile};
use crate::yaml;

/// The workflows of a folder and the machines they are compiled to, by name.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// The workflows.
    pub workflows: BTreeMap<String, Workflow>,
    /// Their definitions, with `${function-name}` in place of what is called.
    pub definitions: BTreeMap<String, Value>,
}

/// The longest file that is read, in bytes; what is longer is told with its own words.
const MAX_FILE: usize = 1024 * 1024;

impl Library {
    /// Reads and compiles every `workflows/<name>.yaml` of the bot's folder, and looks whether the tools that start one
    /// fit it.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(files: &dyn BotFiles, bot: &Bot, syntax: &dyn Syntax) -> Result<Self, Problems> {
        let (workflows, mut problems) = read_all(files)?;
        let mut library = Self {
            workflows,
            definitions: BTreeMap::new(),
        };
        for (name, workflow) in &library.workflows {
            let workflows = &library.workflows;
            match compile(
                workflow,
                Around {
                    bot,
                    workflows,
                    syntax,
                },
            ) {
                Ok(compiled) => drop(
                    library
                        .definitions
                        .insert(name.clone(), compiled.definition),
                ),
                Err(Problems(found)) => problems.extend(found),
            }
        }
        problems.extend(unfit_starters(files, &library.workflows));
        match problems.is_empty() {
            true => Ok(library),
            false => Err(Problems(problems)),
        }
    }

    /// Reads the workflows alone, which were compiled before.
    ///
    /// # Errors
    /// Everything that is wrong in one file by itself.
    pub fn read(files: &dyn BotFiles) -> Result<BTreeMap<String, Workflow>, Problems> {
        let (workflows, problems) = read_all(files)?;
        match problems.is_empty() {
            true => Ok(workflows),
            false => Err(Problems(problems)),
        }
    }

    /// The names of the secrets that its requests and webhooks need.
    #[must_use]
    pub fn secret_names(&self) -> Vec<String> {
        self.workflows
            .values()
            .flat_map(Workflow::secret_names)
            .collect()
    }
}

/// What steps give in a dry run, by name: the file `path`.
///
/// # Errors
/// What is wrong with the file.
pub fn mocks(files: &dyn BotFiles, path: &str) -> Result<BTreeMap<String, Value>, Problems> {
    let content = files.read(path, MAX_FILE)?;
    let text = String::from_utf8_lossy(&content);
    let wrong =
        |(what, place, hint): yaml::Fault| Problem::new(path, what).at(Some(place)).hint(hint);
    let root = yaml::parse(&text, 1).map_err(wrong)?;
    match root.map(|root| root.json()) {
        None => Ok(BTreeMap::new()),
        Some(Value::Object(answers)) => Ok(answers.into_iter().collect()),
        Some(_) => Err(Problem::new(path, "this is no table")
            .hint("write `<step>: <what it gives>` lines")
            .into()),
    }
}

/// The values of a workflow file, as an editor's schema sees them; nothing when it is no YAML.
#[must_use]
pub fn as_json(text: &str) -> Option<Value> {
    yaml::parse(text, 1).ok()?.map(|root| root.json())
}

/// Every workflow that can be read, and what is wrong with the others.
fn read_all(files: &dyn BotFiles) -> Result<(BTreeMap<String, Workflow>, Vec<Problem>), Problems> {
    let mut problems = Vec::new();
    let mut workflows = BTreeMap::new();
    for path in files.list()? {
        let Some(name) = path.strip_prefix("workflows/") else {
            continue;
        };
        if name.starts_with("mocks/") {
            continue;
        }
        if !name.ends_with(".yaml") || name.contains('/') {
            let hint = "a workflow is a file `workflows/<name>.yaml`";
            problems.push(Problem::new(&path, "this is no workflow").hint(hint));
            continue;
        }
        match read(files, &path) {
            Ok(workflow) => drop(workflows.insert(workflow.name.clone(), workflow)),
            Err(Problems(found)) => problems.extend(found),
        }
    }
    Ok((workflows, problems))
}

fn read(files: &dyn BotFiles, path: &str) -> Result<Workflow, Problems> {
    let content = files.read(path, MAX_FILE)?;
    let text = String::from_utf8(content)
        .map_err(|_| Problem::new(path, "this is not UTF-8 text").hint("save the file as UTF-8"))?;
    Workflow::read(path, &text)
}
