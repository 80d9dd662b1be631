//! `confab workflow publish`, `versions` and `rollback`.

use std::path::{Path, PathBuf};

use clap::Args;
use engine::workflow::Workflow;
use serde_json::json;

use super::stage::{Stage, StageOptions};
use super::{FolderOption, find, library};
use crate::assemble::{BotFolder, Env, Error, Version, Versions, data_path, text_of};
use crate::cli::columns::Side;
use crate::cli::failure::Failure;
use crate::cli::on_tokio;
use crate::cli::screen::Screen;
use crate::cli::wording::{moment, plain};

/// A workflow, and where its versions are.
#[derive(Args)]
pub(super) struct Named {
    /// The workflow
    name: String,
    #[command(flatten)]
    folder: FolderOption,
    #[arg(long, value_name = "DIR", help = crate::cli::DATA)]
    data: Option<PathBuf>,
    #[command(flatten)]
    stage: StageOptions,
}

#[derive(Args)]
pub(super) struct Rollback {
    #[command(flatten)]
    named: Named,
    /// The version to go back to; the one before the present one when it is left out; at a stage, 0 is the deployed one
    #[arg(value_name = "NUMBER")]
    number: Option<u32>,
}

impl Named {
    /// The workflow's name, when it is one.
    fn name(&self) -> Result<&str, Failure> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if self.name.is_empty() || !self.name.chars().all(is_name) {
            let help = "a workflow is called as its file, without `.yaml`";
            return Err(Failure::wrong(
                format!("`{}` is no name of a workflow", plain(&self.name)),
                help,
            ));
        }
        Ok(&self.name)
    }

    fn stage(&self, env: &Env) -> Result<Option<Stage<'_>>, Failure> {
        self.stage.open(self.name()?, env)
    }

    fn versions(&self, env: &Env) -> Result<(Versions, PathBuf), Failure> {
        self.name()?;
        let data = data_path(&self.folder.bot, self.data.as_deref(), env);
        Ok((Versions::new(&data), data))
    }

    fn file(&self) -> PathBuf {
        let folder = self.folder.bot.join("workflows");
        folder.join(format!("{}.yaml", self.name))
    }

    /// Keeps the file as it is now as a version, at a stage as the live one.
    pub(super) fn publish(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        if let Some(stage) = self.stage(env)? {
            let (bot, text) = self.present()?;
            return on_tokio(stage.publish(screen, &bot, &text));
        }
        let (versions, data) = self.versions(env)?;
        let (version, is_new) = self.keep(&versions, &data)?;
        if screen.is_json() {
            return Ok(screen
                .document(&json!({ "workflow": self.name, "version": version, "new": is_new }))?);
        }
        let Version {
            number, version, ..
        } = version;
        let name = &self.name;
        let became = if is_new { "is now" } else { "was already" };
        Ok(screen.line(format_args!("{name} {became} version {number} ({version})"))?)
    }

    fn keep(&self, versions: &Versions, data: &Path) -> Result<(Version, bool), Failure> {
        let (_, text) = self.present()?;
        let kept = versions.keep(&self.name, &text);
        Ok(kept.map_err(|error| unusable(data, error))?)
    }

    /// The bot's name and the file as it is now, when nothing is wrong in the folder.
    fn present(&self) -> Result<(String, String), Failure> {
        let folder = BotFolder::open(&self.folder.bot)?;
        let bot = folder.load()?.bot;
        let library = folder.library(&bot)?;
        let workflow = find(&library, &self.name)?;
        let text = text_of(folder.files(), workflow).ok_or_else(|| {
            let help = "do it again when the file is saved";
            Failure::wrong(format!("{} was edited meanwhile", workflow.file), help)
        })?;
        Ok((bot.name, text))
    }

    pub(super) fn list(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        if let Some(stage) = self.stage(env)? {
            return on_tokio(stage.list(screen));
        }
        let (versions, data) = self.versions(env)?;
        let known = versions.of(&self.name);
        let known = known.map_err(|error| unusable(&data, error))?;
        if known.is_empty() {
            BotFolder::open(&self.folder.bot)?;
            let help = format!("`confab workflow publish {}` makes the first", self.name);
            return Err(Failure::wrong(
                format!("there are no versions of {}", self.name),
                help,
            ));
        }
        let now = self.now();
        if screen.is_json() {
            let rows: Vec<_> = known
                .iter()
                .map(|it| json!({ "number": it.number, "version": it.version, "at": it.at, "now": Some(&it.version) == now.as_ref() }))
                .collect();
            return Ok(screen.document(&rows)?);
        }
        let titles = [
            ("NUMBER", Side::Right),
            ("VERSION", Side::Left),
            ("SINCE", Side::Left),
            ("", Side::Left),
        ];
        let rows = known.iter().map(|it| {
            let is_now = Some(&it.version) == now.as_ref();
            let mark = if is_now { "now" } else { "" };
            let (number, version) = (it.number.to_string(), it.version.clone());
            [number, version, moment(it.at), mark.to_owned()]
        });
        Ok(screen.table(titles, rows)?)
    }

    /// The version that the file is, if it can be read.
    fn now(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.file()).ok()?;
        Some(Workflow::version_of(&text))
    }
}

impl Rollback {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let named = &self.named;
        if let Some(stage) = named.stage(env)? {
            return on_tokio(stage.roll_back(screen, self.number));
        }
        let (versions, data) = named.versions(env)?;
        let file = named.file();
        let before = std::fs::read_to_string(&file).ok();
        // What is there must not be lost.
        let present = match &before {
            Some(_) => Some(named.keep(&versions, &data)?.0.number),
            None => None,
        };
        let known = versions.of(&named.name);
        let known = known.map_err(|error| unusable(&data, error))?;
        let wanted = match self.number {
            Some(number) => known.iter().find(|it| it.number == number),
            None => known
                .iter()
                .rfind(|it| present.is_none_or(|present| it.number < present)),
        };
        let wanted = wanted.ok_or_else(|| {
            let help = format!(
                "`confab workflow versions {}` lists those there are",
                named.name
            );
            let what = match self.number {
                Some(number) => format!("there is no version {number} of {}", named.name),
                None => format!("there is no version of {} before this one", named.name),
            };
            Failure::wrong(what, help)
        })?;
        std::fs::write(&file, &wanted.text)?;
        if let Err(failure) = library(&named.folder.bot) {
            // The tools may be others by now.
            match before {
                Some(text) => std::fs::write(&file, text)?,
                None => std::fs::remove_file(&file)?,
            }
            return Err(failure);
        }
        if screen.is_json() {
            return Ok(screen.document(&json!({ "workflow": named.name, "version": wanted }))?);
        }
        Ok(screen.line(format_args!(
            "{} is version {} again ({}); runs that are under way keep theirs",
            named.name, wanted.number, wanted.version
        ))?)
    }
}

fn unusable(data: &Path, source: std::io::Error) -> Error {
    Error::Data {
        folder: data.to_owned(),
        source,
    }
}
