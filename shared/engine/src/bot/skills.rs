//! `skills/<name>/SKILL.md`, in the agentskills.io format.

use std::collections::{BTreeMap, BTreeSet};

use crate::bot::Skill;
use crate::bot::front_matter;
use crate::bot::names;
use crate::bot::problem::{Place, Problem, did_you_mean, listed, nearest};
use crate::bot::reader::{MAX_FILE, Reader};
use crate::bot::settings::Settings;
use crate::yaml::{Entry, Yaml};

/// The fields of the format.
const FIELDS: [&str; 6] = [
    "name",
    "description",
    "license",
    "compatibility",
    "metadata",
    "allowed-tools",
];

const MAX_NAME: usize = 64;
const MAX_DESCRIPTION: usize = 1024;
const MAX_COMPATIBILITY: usize = 500;

/// Loads every skill.
pub(super) fn load(
    reader: &mut Reader<'_>,
    tools: &BTreeSet<String>,
    settings: Option<&Settings>,
) -> BTreeMap<String, Skill> {
    let paths: Vec<(String, String)> = reader
        .listed()
        .filter_map(|path| {
            let name = path.strip_prefix("skills/")?.strip_suffix("/SKILL.md")?;
            (!name.contains('/')).then(|| (path.to_owned(), name.to_owned()))
        })
        .collect();
    let mut skills = BTreeMap::new();
    for (path, folder) in paths {
        let Some(text) = reader.text(&path, MAX_FILE) else {
            continue;
        };
        let mut file = SkillFile {
            path: &path,
            problems: Vec::new(),
            warnings: Vec::new(),
        };
        let skill = file.read(&text, &folder, tools);
        if let Some(settings) = settings {
            file.check_length(&skill, settings.limits.tool_result_chars);
        }
        reader.problems.append(&mut file.problems);
        reader.warnings.append(&mut file.warnings);
        if let Some(skill) = skill {
            skills.insert(folder, skill);
        }
    }
    skills
}

struct SkillFile<'a> {
    path: &'a str,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl SkillFile<'_> {
    fn read(&mut self, text: &str, folder: &str, tools: &BTreeSet<String>) -> Option<Skill> {
        let parsed = front_matter::split(text)
            .and_then(|(head, body)| Ok((front_matter::parse(head)?, body)));
        let (entries, body) = match parsed {
            Ok(parsed) => parsed,
            Err((what, place, hint)) => {
                self.wrong(place, what, Some(hint.to_owned()));
                return None;
            }
        };
        self.check_fields(&entries);
        let name = self.text(&entries, "name", MAX_NAME);
        if let Some((name, place)) = &name {
            self.check_name(name, folder, *place);
        }
        let description = self.text(&entries, "description", MAX_DESCRIPTION);
        for field in ["name", "description"] {
            if !entries.iter().any(|entry| entry.key == field) {
                let hint = format!("add a line `{field}: …` between the `---` lines");
                self.wrong(Place::line(1), format!("`{field}` is missing"), Some(hint));
            }
        }
        self.text(&entries, "license", usize::MAX);
        self.text(&entries, "compatibility", MAX_COMPATIBILITY);
        let allowed_tools = self.allowed_tools(&entries, tools);
        if body.trim().is_empty() {
            let hint = "write the steps to follow under the front matter";
            self.wrong(
                Place::line(1),
                "the skill says nothing",
                Some(hint.to_owned()),
            );
        }
        Some(Skill {
            name: name?.0,
            description: description?.0,
            body: body.trim().to_owned(),
            allowed_tools,
        })
    }

    fn check_fields(&mut self, entries: &[Entry]) {
        for entry in entries {
            let known = FIELDS.contains(&entry.key.as_str());
            let similar = (!known).then(|| nearest(&entry.key, FIELDS)).flatten();
            match similar {
                _ if known => {}
                Some(field) => {
                    let hint = format!("did you mean `{field}`?");
                    self.wrong(
                        entry.place,
                        format!("unknown field `{}`", entry.key),
                        Some(hint),
                    );
                }
                None => {
                    let what = format!("`{}` is no field of a skill and has no say", entry.key);
                    let warning = Problem::new(self.path, what).at(Some(entry.place));
                    self.warnings
                        .push(warning.hint("put further data under `metadata`"));
                }
            }
            if entry.key == "metadata" && !matches!(entry.value.value, Yaml::Table(_)) {
                let hint = "write `key: value` lines under it, indented";
                self.wrong(
                    entry.place,
                    "`metadata` must be a table",
                    Some(hint.to_owned()),
                );
            }
        }
    }

    fn check_name(&mut self, name: &str, folder: &str, place: Place) {
        let words = name.split('-');
        let plain = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !words.clone().all(plain) {
            let (rule, hint) = names::rule(names::SKILL, name);
            self.wrong(place, format!("`name` must be {rule}"), hint);
        } else if name != folder {
            let what = format!("the skill is called `{name}`, but its folder `{folder}`");
            self.wrong(place, what, Some("give both the same name".to_owned()));
        }
    }

    /// A field that is one text.
    fn text(&mut self, entries: &[Entry], field: &str, limit: usize) -> Option<(String, Place)> {
        let entry = entries.iter().find(|entry| entry.key == field)?;
        match &entry.value.value {
            Yaml::Scalar { text, .. } if text.trim().is_empty() => {
                self.wrong(entry.place, format!("`{field}` is empty"), None);
                None
            }
            Yaml::Scalar { text, .. } if text.chars().count() > limit => {
                let what = format!("`{field}` is longer than {limit} characters");
                self.wrong(entry.place, what, Some("shorten it".to_owned()));
                None
            }
            Yaml::Scalar { text, .. } => Some((text.trim().to_owned(), entry.place)),
            Yaml::List(_) | Yaml::Table(_) => {
                let hint = "write it on one line, in quotes if it holds a colon";
                self.wrong(
                    entry.place,
                    format!("`{field}` must be text"),
                    Some(hint.to_owned()),
                );
                None
            }
        }
    }

    fn allowed_tools(&mut self, entries: &[Entry], tools: &BTreeSet<String>) -> Vec<String> {
        let Some(entry) = entries.iter().find(|entry| entry.key == "allowed-tools") else {
            return Vec::new();
        };
        let names = match &entry.value.value {
            Yaml::Scalar { text, .. } => words(text),
            Yaml::List(items) => items
                .iter()
                .flat_map(|item| match &item.value {
                    Yaml::Scalar { text, .. } => words(text),
                    Yaml::List(_) | Yaml::Table(_) => Vec::new(),
                })
                .collect(),
            Yaml::Table(_) => {
                let hint = "write the tools' names with spaces between them";
                self.wrong(
                    entry.place,
                    "`allowed-tools` must be text or a list",
                    Some(hint.to_owned()),
                );
                Vec::new()
            }
        };
        for name in names.iter().filter(|name| !tools.contains(*name)) {
            let hint = did_you_mean(name, tools.iter().map(String::as_str)).unwrap_or_else(|| {
                format!("its tools are {}", listed(tools.iter().map(String::as_str)))
            });
            let warning = Problem::new(self.path, format!("this bot has no tool `{name}`"));
            self.warnings.push(warning.at(Some(entry.place)).hint(hint));
        }
        names
    }

    fn check_length(&mut self, skill: &Option<Skill>, limit: usize) {
        let chars = skill.as_ref().map_or(0, |skill| skill.body.chars().count());
        if chars > limit {
            let what =
                format!("the body has {chars} characters; a model is shown {limit} of a result");
            let hint = "raise `tool_result_chars` under `[limits]` in bot.toml, or split the skill";
            self.warnings.push(Problem::new(self.path, what).hint(hint));
        }
    }

    fn wrong(&mut self, place: Place, what: impl Into<String>, hint: Option<String>) {
        let problem = Problem::new(self.path, what).at(Some(place));
        self.problems.push(problem.perhaps(hint));
    }
}

/// Splits at spaces and commas outside of brackets, as in `Read Bash(git add:*)`.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut depth = 0_u32;
    for letter in text.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match words.last_mut() {
            Some(word) if depth > 0 || !(letter.is_whitespace() || letter == ',') => {
                word.push(letter)
            }
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
