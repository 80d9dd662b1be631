//! Secrets by name: from the secrets file, else from the environment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use engine::bot::secrets::Secrets;
use engine::bot::{Bot, Problem, Tool};
use engine::error::{Error, Kind};
use engine::secret::{ChosenBy, Secret, advice};
use secrecy::ExposeSecret;

use super::{Env, Error as AssembleError};

#[cfg(test)]
mod tests;

/// The file that is looked for in a bot's folder.
const FILE: &str = "secrets.toml";

/// Where the secrets of this machine are found.
#[derive(Clone)]
pub struct Vault {
    file: Arc<Secrets>,
    path: PathBuf,
    env: Env,
}

impl Vault {
    /// Opens the secrets file that the environment names, or the one in the bot's folder, or none.
    ///
    /// # Errors
    /// Everything that is wrong with the file, or that the named one is not there.
    pub fn open(bot: &Path, env: &Env) -> Result<Self, AssembleError> {
        let path = env.secrets_file.clone();
        let path = path.unwrap_or_else(|| bot.join(FILE));
        let file = if env.secrets_file.is_some() || path.exists() {
            Secrets::read(&path).map_err(AssembleError::Secrets)?
        } else {
            Secrets::default()
        };
        Ok(Self {
            file: Arc::new(file),
            path,
            env: env.clone(),
        })
    }

    /// What the secrets file holds.
    #[must_use]
    pub fn file(&self) -> &Arc<Secrets> {
        &self.file
    }

    /// Where the secrets file is, or would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is doubtful about the secrets file.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.file.warnings
    }

    /// The secret `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Secret> {
        // Each with the hosts of the place it comes from: a bot's folder may hold the file.
        let kept = self.file.get(name).cloned();
        kept.or_else(|| Secret::from_lookup(name, |name| self.env.variable(name)))
    }

    /// What the user is told when there is no secret `name`.
    #[must_use]
    pub fn missing(&self, name: &str) -> String {
        let path = self.path.display();
        format!(
            "the secret {name} is missing: put it into {path} under [secrets], or into the environment"
        )
    }

    /// What the user is told of the secrets that tools of `bot` send where they must not go.
    #[must_use]
    pub fn off_limits(&self, bot: &Bot) -> Vec<String> {
        let told = |(name, host): (String, String)| {
            let refused = self.find(&name)?.for_host(&host, ChosenBy::Bot).err()?;
            Some(format!(
                "a tool needs the secret {name}, but {refused}: {}",
                advice(&name, &host)
            ))
        };
        let sends = bot.tools.values().flat_map(Tool::sends);
        let sends: BTreeSet<(String, String)> = sends.collect();
        sends.into_iter().filter_map(told).collect()
    }

    /// The variable `name` of the secrets file or the environment, which says where `key` is sent. A file in the
    /// bot's folder does not say it of a key that it does not hold.
    pub(super) fn address(&self, name: &str, key: Option<&str>) -> Option<String> {
        let trusted = self.env.secrets_file.is_some();
        let own = key.is_none_or(|key| self.file.get(key).is_some() || self.find(key).is_none());
        let kept = self.file.get(name).filter(|_| trusted || own);
        let kept = kept.map(|secret| secret.kept().expose_secret().to_owned());
        kept.or_else(|| self.env.variable(name))
    }
}

#[async_trait]
impl engine::tool::Secrets for Vault {
    async fn secret(&self, _tenant: &str, name: &str) -> Result<Secret, Error> {
        self.find(name)
            .ok_or_else(|| Error::new(Kind::NotFound, self.missing(name)))
    }
}
