//! Loads a bot's folder, or says everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::bot::files::BotFiles;
use crate::bot::problem::{Problem, Problems, did_you_mean, nearest};
use crate::bot::reader::{MAX_FILE, Reader, hash};
use crate::bot::rigour::{Rigour, Strict, Trusting};
use crate::bot::{Bot, Soul, people, settings, skills, tools};
use crate::goal::{self, REPORT_GOAL};
use crate::workflow::Workflow;

/// A bot and what is doubtful about its folder.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The bot, ready to run.
    pub bot: Bot,
    /// What it can run with but was probably not meant.
    pub warnings: Vec<Problem>,
}

/// The longest persona or rules, in bytes.
const MAX_SOUL: usize = 64 * 1024;

/// The files that have a say by their name alone.
const NAMED: [&str; 4] = ["bot.toml", "people.toml", "SOUL.md", "AGENTS.md"];

/// Folders of a bot.
const FOLDERS: [&str; 2] = ["tools", "skills"];

impl Bot {
    /// Loads a bot's folder.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn load(files: &dyn BotFiles) -> Result<Loaded, Problems> {
        Self::load_with(files, &Strict)
    }

    /// Loads a folder that [`load`](Self::load) has found sound. What its schemas alone say, such as how many
    /// characters a field may have, is not looked at again.
    ///
    /// # Errors
    /// What is wrong with it all the same.
    pub fn load_trusted(files: &dyn BotFiles) -> Result<Loaded, Problems> {
        Self::load_with(files, &Trusting)
    }

    fn load_with(files: &dyn BotFiles, rigour: &'static dyn Rigour) -> Result<Loaded, Problems> {
        let mut reader = Reader::open(files, rigour)?;
        let people = people::load(&mut reader);
        let settings = settings::load(&mut reader, people.as_ref());
        let soul = soul(&mut reader);
        let rules = rules(&mut reader);
        let names = tools::names(&reader);
        let approvals = settings.as_ref().map(|settings| &settings.approvals);
        let mut tools = tools::load(&mut reader, approvals, people.as_ref());
        let skills = skills::load(&mut reader, &names, settings.as_ref());
        misplaced(&mut reader);
        if let Some(tool) = tools::open_skill(&skills) {
            tools.insert(tool.offer.name.clone(), tool);
        }
        if converses(files, &reader) {
            tools.insert(REPORT_GOAL.to_owned(), goal::tool());
        }
        let version = reader.version();
        let (Some(settings), Some(soul), []) = (settings, soul, reader.problems.as_slice()) else {
            return Err(sorted(reader.problems));
        };
        let bot = Bot {
            name: settings.name,
            version,
            soul,
            rules,
            skills,
            tools,
            model: settings.model,
            channels: settings.channels,
            people: people.unwrap_or_default(),
            approvals: settings.approvals,
            overlap: settings.overlap,
            limits: settings.limits,
            budget: settings.budget,
            notices: settings.notices,
            page: settings.page,
        };
        let Problems(warnings) = sorted(reader.warnings);
        Ok(Loaded { bot, warnings })
    }

    /// The names of the secrets the bot needs.
    #[must_use]
    pub fn secret_names(&self) -> BTreeSet<String> {
        let twilio = self.channels.twilio.iter().map(|twilio| &twilio.auth_token);
        let whatsapp = self.channels.whatsapp.iter().flat_map(|whatsapp| {
            [
                &whatsapp.access_token,
                &whatsapp.app_secret,
                &whatsapp.verify_token,
            ]
        });
        let mut names: BTreeSet<String> = twilio.chain(whatsapp).cloned().collect();
        names.extend(self.tools.values().flat_map(tools::secrets));
        names
    }
}

/// Whether a workflow of the folder has the bot hold conversations. What is wrong with one is told where it is compiled.
fn converses(files: &dyn BotFiles, reader: &Reader<'_>) -> bool {
    let workflow = |path: &&str| path.starts_with("workflows/") && path.ends_with(".yaml");
    reader.listed().filter(workflow).any(|path| {
        let text = files.read(path, MAX_FILE).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        // Most say so nowhere, and need not be read.
        text.contains("converse")
            && Workflow::read(path, &text).is_ok_and(|workflow| workflow.converses())
    })
}

fn sorted(mut problems: Vec<Problem>) -> Problems {
    problems.sort();
    problems.dedup();
    Problems(problems)
}

fn soul(reader: &mut Reader<'_>) -> Option<Soul> {
    if !reader.has("SOUL.md") {
        let problem = Problem::new("SOUL.md", "there is no SOUL.md")
            .hint("write who the bot is, how it speaks and what it will not do into SOUL.md")
            .perhaps(misnamed(reader, "SOUL.md"));
        reader.problems.push(problem);
        return None;
    }
    let text = reader.text("SOUL.md", MAX_SOUL)?;
    if text.trim().is_empty() {
        let problem = Problem::new("SOUL.md", "SOUL.md is empty")
            .hint("write who the bot is, how it speaks and what it will not do");
        reader.problems.push(problem);
        return None;
    }
    let hash = hash(&text);
    Some(Soul { text, hash })
}

fn rules(reader: &mut Reader<'_>) -> Option<String> {
    if !reader.has("AGENTS.md") {
        return None;
    }
    reader
        .text("AGENTS.md", MAX_SOUL)
        .filter(|text| !text.trim().is_empty())
}

/// Advice when a file is missing but another one has nearly its name.
pub(super) fn misnamed(reader: &Reader<'_>, name: &str) -> Option<String> {
    let top = reader.listed().filter(|path| !path.contains('/'));
    nearest(name, top).map(|found| format!("rename `{found}` to `{name}`"))
}

/// Warns of files that look as if they should have a say and have none.
fn misplaced(reader: &mut Reader<'_>) {
    let mut warnings = BTreeMap::new();
    for path in reader.listed() {
        let what = "this file has no say";
        let hint = match path.split_once('/') {
            None if NAMED.contains(&path) => None,
            None => nearest(path, NAMED)
                .filter(|name| !reader.has(name))
                .map(|name| format!("rename it to `{name}`, if that is what it is")),
            Some(("tools", file)) if file.ends_with(".toml") && !file.contains('/') => None,
            Some(("tools", _)) => Some("a tool is a file `tools/<name>.toml`".to_owned()),
            Some(("skills", file)) if file.contains('/') => file
                .split_once('/')
                .filter(|(_, file)| *file != "SKILL.md" && file.eq_ignore_ascii_case("skill.md"))
                .map(|_| "rename it to `SKILL.md`".to_owned()),
            Some(("skills", _)) => Some("a skill is a file `skills/<name>/SKILL.md`".to_owned()),
            Some((folder, _)) => did_you_mean(folder, FOLDERS),
        };
        if let Some(hint) = hint {
            warnings.insert(path.to_owned(), Problem::new(path, what).hint(hint));
        }
    }
    reader.warnings.extend(warnings.into_values());
}
