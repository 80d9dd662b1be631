//! The bot's folder as the command line meets it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::bot::{Bot, Folder, Loaded, Problem, Problems};
use engine::brain::ToolLoop;
use engine::turn::Staff;
use engine::workflow::Library;
use models::{Models, SettingsError};

use super::Error;

/// A folder that holds a `bot.toml`.
#[derive(Clone)]
pub struct BotFolder {
    given: PathBuf,
    folder: Folder,
}

/// A bot that is ready to answer, and what is doubtful about it.
pub struct Ready {
    /// The bot and its brain.
    pub staff: Staff,
    /// Doubts about files of the folder.
    pub warnings: Vec<Problem>,
    /// Its workflows.
    pub library: Library,
    /// Doubts about its models: some left out, some without a price.
    pub model_warnings: Vec<String>,
}

impl BotFolder {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    /// [`Error::NoBot`] when there is no bot in it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let no_bot = || Error::NoBot {
            folder: path.to_owned(),
        };
        let folder = Folder::open(path).map_err(|_| no_bot())?;
        if !path.join("bot.toml").exists() {
            return Err(no_bot());
        }
        Ok(Self {
            given: path.to_owned(),
            folder,
        })
    }

    /// The path it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.given
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> &Folder {
        &self.folder
    }

    /// Loads the bot.
    ///
    /// # Errors
    /// [`Error::Folder`] with everything that is wrong with it.
    pub fn load(&self) -> Result<Loaded, Error> {
        Bot::load(&self.folder).map_err(|problems| self.wrong(problems))
    }

    /// Loads and compiles the bot's workflows.
    ///
    /// # Errors
    /// [`Error::Folder`] with everything that is wrong with them.
    pub fn library(&self, bot: &Bot) -> Result<Library, Error> {
        Library::load(&self.folder, bot, &asl::Jsonata).map_err(|problems| self.wrong(problems))
    }

    /// Loads the bot and finds its models.
    ///
    /// # Errors
    /// [`Error::Folder`] with everything that is wrong with it; [`Error::Models`] when its models cannot
    /// be asked from this machine.
    pub fn ready(&self, models: &Models) -> Result<Ready, Error> {
        let Loaded { bot, warnings } = self.load()?;
        let library = self.library(&bot)?;
        let chain = models
            .chain(&bot.model)
            .map_err(|error| self.unsettled(error))?;
        Ok(Ready {
            staff: Staff {
                bot: Arc::new(bot),
                brain: Arc::new(ToolLoop::new(chain.model)),
            },
            warnings,
            library,
            model_warnings: chain.warnings,
        })
    }

    fn unsettled(&self, error: SettingsError) -> Error {
        match error {
            SettingsError::MissingKey { .. }
            | SettingsError::KeyOffLimits { .. }
            | SettingsError::MissingRegion(_)
            | SettingsError::BadBaseUrl { .. }
            | SettingsError::NoTls(_) => Error::Models(error),
            error => self.wrong(settings_problem(&error).into()),
        }
    }

    pub(crate) fn wrong(&self, problems: Problems) -> Error {
        Error::Folder {
            folder: self.given.clone(),
            problems,
        }
    }
}

/// A mistake in the model settings as a mistake in a file.
#[must_use]
pub fn settings_problem(error: &SettingsError) -> Problem {
    match error {
        SettingsError::Script(script) => {
            let mut problem = Problem::new(
                script.path.to_string_lossy().into_owned(),
                script.problem.clone(),
            );
            problem.line = u32::try_from(script.line).ok();
            problem
        }
        error => Problem::new("bot.toml", error.to_string()),
    }
}
