//! `confab check`: everything that is wrong with a bot's folder, and what this machine lacks for it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use engine::bot::{Bot, Problem};
use engine::workflow::{Action, Library};
use models::scripted::Script;
use serde::Serialize;
use serde_json::json;

use super::failure::Failure;
use super::screen::{Ink, Screen};
use super::wording;
use crate::assemble::{BotFolder, Env, Error, Vault, settings_problem, survey};
use crate::host::machine_problems;
use ground::tokio_runtime;

/// Look for mistakes in a bot's folder
///
/// A secret that this machine lacks is told but is no mistake of the folder: the exit code stays 0.
#[derive(Args)]
pub(super) struct Check {
    /// The folder that holds the bot's bot.toml
    #[arg(value_name = "BOT_DIR", default_value = ".")]
    bot: PathBuf,
}

/// What a check found.
#[derive(Default, Serialize)]
struct Findings {
    ok: bool,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    model_warnings: Vec<String>,
    missing_secrets: BTreeSet<String>,
    missing_variables: BTreeSet<String>,
    #[serde(skip)]
    bot: Option<Bot>,
    #[serde(skip)]
    workflows: Vec<String>,
}

impl Check {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let folder = BotFolder::open(&self.bot)?;
        let findings = findings(&folder, env)?;
        if screen.is_json() {
            let mut document = json!(findings);
            document["bot"] = findings
                .bot
                .as_ref()
                .map(|bot| summary(bot, &findings))
                .into();
            screen.document(&document)?;
        } else {
            tell(screen, &folder, &findings)?;
        }
        if findings.ok {
            Ok(())
        } else {
            Err(Failure::Told)
        }
    }
}

fn findings(folder: &BotFolder, env: &Env) -> Result<Findings, Failure> {
    let mut findings = Findings::default();
    match folder.load() {
        Ok(loaded) => {
            findings.warnings = loaded.warnings;
            findings.bot = Some(loaded.bot);
        }
        Err(Error::Folder { problems, .. }) => findings.problems = problems.0,
        Err(error) => return Err(error.into()),
    }
    if let Some(bot) = &findings.bot {
        let vault = Vault::open(folder.path(), env)?;
        findings.warnings.extend(vault.warnings().iter().cloned());
        match folder.library(bot) {
            Ok(library) => {
                findings.warnings.extend(unknown_tools(bot, &library));
                findings.problems.extend(machine_problems(&library));
                findings.workflows = library.workflows.into_keys().collect();
            }
            Err(Error::Folder { problems, .. }) => findings.problems.extend(problems.0),
            Err(error) => return Err(error.into()),
        }
        let survey = survey(bot, &vault, &tokio_runtime());
        findings
            .problems
            .extend(survey.mistake.as_ref().map(settings_problem));
        findings.model_warnings = survey.warnings;
        findings.missing_secrets = survey.missing_secrets;
        findings.missing_variables = survey.missing_variables;
    }
    findings.ok = findings.problems.is_empty();
    Ok(findings)
}

/// Calls of a script that neither the bot nor a step of its workflows has a tool for.
fn unknown_tools(bot: &Bot, library: &Library) -> Vec<Problem> {
    let Some(file) = &bot.model.script else {
        return Vec::new();
    };
    // A script that cannot be read is told as a mistake of the model settings.
    let Ok(script) = Script::parse(&file.path, &file.text) else {
        return Vec::new();
    };
    let mut steps_want_answers = false;
    for workflow in library.workflows.values() {
        workflow.steps.walk(&mut |step| {
            steps_want_answers |= matches!(
                &step.action,
                Action::Ask {
                    answer: Some(_),
                    ..
                }
            );
        });
    }
    let unknown = script.tools().filter(|tool| {
        !(bot.tools.contains_key(*tool) || *tool == engine::run::ANSWER && steps_want_answers)
    });
    let unknown: BTreeSet<&str> = unknown.collect();
    let warn = |tool| {
        let what = format!("the script calls `{tool}`, which is not an enabled tool of the bot");
        Problem::new(file.path.display().to_string(), what).hint(format!(
            "add or enable tools/{tool}.toml, or change the script"
        ))
    };
    unknown.into_iter().map(warn).collect()
}

fn tell(screen: &Screen, folder: &BotFolder, findings: &Findings) -> Result<(), Failure> {
    let red = screen.paint(Ink::Red, "error");
    for problem in wording::under(folder.path(), findings.problems.clone()) {
        screen.line(wording::problem(&problem, Some(&red)))?;
    }
    tell_doubts(screen, folder, findings)?;
    match &findings.bot {
        Some(bot) if findings.ok => tell_bot(screen, bot, &findings.workflows),
        _ => {
            let count = wording::count(findings.problems.len(), "mistake");
            Ok(screen.line(format_args!("{count} in {}", folder.path().display()))?)
        }
    }
}

fn tell_doubts(screen: &Screen, folder: &BotFolder, findings: &Findings) -> Result<(), Failure> {
    const HELP: &str =
        "  help: put it into the secrets file under [secrets], or into the environment";
    let yellow = screen.paint(Ink::Yellow, "warning");
    for warning in wording::under(folder.path(), findings.warnings.clone()) {
        screen.line(wording::problem(&warning, Some(&yellow)))?;
    }
    for warning in &findings.model_warnings {
        screen.line(format_args!("{yellow}: {}", wording::plain(warning)))?;
    }
    for name in &findings.missing_secrets {
        let what = format!("this machine has no secret {name}; what needs it will fail");
        screen.line(format_args!("{yellow}: {what}\n{HELP}"))?;
    }
    for name in &findings.missing_variables {
        let what = format!("this machine has no {name}; the bot will not start here without it");
        screen.line(format_args!("{yellow}: {what}\n{HELP}"))?;
    }
    Ok(())
}

fn tell_bot(screen: &Screen, bot: &Bot, workflows: &[String]) -> Result<(), Failure> {
    let names = |names: Vec<&str>| match names.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    let tools = names(bot.tools.keys().map(String::as_str).collect());
    let skills = names(bot.skills.keys().map(String::as_str).collect());
    let workflows = names(workflows.iter().map(String::as_str).collect());
    let ok = screen.paint(Ink::Green, "ok");
    screen.line(format_args!("{ok}: {} (version {})", bot.name, bot.version))?;
    for (what, which) in [
        ("model", wording::models(&bot.model)),
        ("tools", tools),
        ("skills", skills),
        ("workflows", workflows),
        ("on", channels(bot).join(", ")),
    ] {
        screen.line(format_args!("  {what:<9}  {which}"))?;
    }
    Ok(())
}

fn channels(bot: &Bot) -> Vec<&'static str> {
    let sms = bot.channels.twilio.as_ref().map(|_| "sms");
    let whatsapp = bot.channels.whatsapp.as_ref().map(|_| "whatsapp");
    ["web"].into_iter().chain(sms).chain(whatsapp).collect()
}

fn summary(bot: &Bot, findings: &Findings) -> serde_json::Value {
    json!({
        "name": bot.name,
        "version": bot.version,
        "models": bot.model.chain,
        "tools": bot.tools.keys().collect::<Vec<_>>(),
        "skills": bot.skills.keys().collect::<Vec<_>>(),
        "workflows": findings.workflows,
        "channels": channels(bot),
    })
}
