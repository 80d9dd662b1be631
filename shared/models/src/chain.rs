//! Turns a bot's model settings into the chain that answers it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use engine::bot::{ModelSettings, host_of};
use engine::model::Model;
use engine::runtime::Runtime;
use engine::secret::{ChosenBy, advice};
use secrecy::SecretString;

use crate::breaker::Breaker;
use crate::environment::Environment;
use crate::fallback::{Fallback, Link};
use crate::prices::Price;
use crate::provider::{self, Provider, Remote};
use crate::scripted::{Script, ScriptError, Scripted};

#[cfg(test)]
mod tests;

/// The chain entry of the model that reads its replies from a file.
const SCRIPTED: &str = "scripted";

/// Every model a host can reach. Make one per host: chains made by it share what they learn about
/// a model's health.
pub struct Models {
    runtime: Runtime,
    environment: Environment,
    /// Made when first needed: a host whose bots are all scripted needs no certificates.
    client: Mutex<Option<genai::Client>>,
    /// By model and base URL.
    breakers: Mutex<BTreeMap<(String, String), Arc<Breaker>>>,
}

/// What answers a bot.
#[derive(Clone)]
pub struct Chain {
    /// Asks the models of the chain.
    pub model: Arc<dyn Model>,
    /// What the bot's owner should know: models left out, models without a price.
    pub warnings: Vec<String>,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// Why a bot's model settings give no chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The chain has no entries.
    #[error(
        "the bot has no model: list one, such as `anthropic/claude-sonnet-4-5`, or `scripted`, which needs no key"
    )]
    NoModel,
    /// An entry names no provider we know.
    #[error(
        "`{0}` is not a model: write `provider/model` with one of the providers anthropic, openai, gemini, ollama, bedrock, or write `scripted`"
    )]
    UnknownModel(String),
    /// The key of the chain's first model is missing.
    #[error(
        "`{model}` needs a key: set {variable}, or put `scripted` first in the bot's models to run without one"
    )]
    MissingKey {
        /// The chain's entry.
        model: String,
        /// The environment variable to set.
        variable: &'static str,
    },
    /// The bot sends its model's requests to a host that must not see the key.
    #[error(
        "`{model}` is at {host}, which must not see {variable}: {}, or give the address as the provider's base URL in the environment",
        advice(variable, host)
    )]
    KeyOffLimits {
        /// The chain's entry.
        model: String,
        /// The key's variable.
        variable: &'static str,
        /// The host.
        host: String,
    },
    /// Bedrock is asked for, but nothing says in which region.
    #[error("`{0}` needs a region: set AWS_REGION, such as us-east-1, or BEDROCK_BASE_URL")]
    MissingRegion(String),
    /// A base URL cannot be used.
    #[error(
        "the base URL of {provider} cannot be used: give an http or https address without a query, such as https://gateway.example.com/v1"
    )]
    BadBaseUrl {
        /// Whose base URL.
        provider: String,
    },
    /// `scripted` is in the chain but the bot has no script.
    #[error("`scripted` needs a file of replies: name one in the bot's model settings")]
    MissingScript,
    /// The script cannot be read.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// This machine cannot make TLS connections.
    #[error(
        "no model can be reached from this machine: {0}. Install the system's root certificates (package ca-certificates), or set SSL_CERT_FILE"
    )]
    NoTls(String),
}

/// One entry of a chain, or why it is left out.
type Entry = Result<Link, SettingsError>;

impl Models {
    /// Models on `runtime`, reached with what `environment` holds. Requests need a tokio runtime
    /// around them; scripted replies do not.
    #[must_use]
    pub fn new(runtime: Runtime, environment: Environment) -> Self {
        Self {
            runtime,
            environment,
            client: Mutex::new(None),
            breakers: Mutex::new(BTreeMap::new()),
        }
    }

    /// The chain that `settings` ask for.
    ///
    /// # Errors
    /// [`SettingsError`], which says what to change. A fallback whose key or region is missing, or whose key
    /// must not be sent to where it is, is no error: it is left out, and a warning says so.
    pub fn chain(&self, settings: &ModelSettings) -> Result<Chain, SettingsError> {
        let mut links = Vec::with_capacity(settings.chain.len());
        let mut warnings = Vec::new();
        for entry in &settings.chain {
            match self.link(entry, settings, &mut warnings) {
                Ok(link) => links.push(link),
                Err(error) if !links.is_empty() && error.only_disables_a_fallback() => {
                    warnings.push(format!("left out of the chain: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        if links.is_empty() {
            return Err(SettingsError::NoModel);
        }
        Ok(Chain {
            model: Arc::new(Fallback {
                runtime: self.runtime.clone(),
                links,
                timeout: settings.timeout,
                idle: settings.idle_timeout,
            }),
            warnings,
        })
    }

    fn link(&self, entry: &str, settings: &ModelSettings, warnings: &mut Vec<String>) -> Entry {
        if entry == SCRIPTED {
            let file = settings
                .script
                .as_ref()
                .ok_or(SettingsError::MissingScript)?;
            let script = Script::parse(&file.path, &file.text)?;
            return Ok(Link {
                source: Arc::new(Scripted::new(self.runtime.clone(), script)),
                breaker: None,
            });
        }
        let remote = self.remote(entry, settings, warnings)?;
        let breaker = self.breaker(&remote);
        Ok(Link {
            source: Arc::new(remote),
            breaker: Some(breaker),
        })
    }

    fn remote(
        &self,
        entry: &str,
        settings: &ModelSettings,
        warnings: &mut Vec<String>,
    ) -> Result<Remote, SettingsError> {
        let (provider, model) = named(entry)?;
        let (base_url, chosen) = self.base_url(provider, entry, settings)?;
        let key = self.key(provider, (&base_url, chosen), entry, warnings)?;
        if let (None, Some(variable)) = (&key, provider.key_variable())
            && !may_be_open(provider, &base_url)
        {
            return Err(SettingsError::MissingKey {
                model: entry.to_owned(),
                variable,
            });
        }
        let price = Price::of(provider, model);
        if price.is_none() {
            warnings.push(format!(
                "`{entry}` has no entry in the price table, so its cost counts as zero"
            ));
        }
        Ok(Remote {
            name: entry.to_owned(),
            provider,
            model: model.to_owned(),
            base_url,
            key,
            price: price.unwrap_or_default(),
            temperature: settings.temperature,
            max_tokens: settings.max_tokens,
            client: self.client()?,
        })
    }

    fn base_url(
        &self,
        provider: Provider,
        entry: &str,
        settings: &ModelSettings,
    ) -> Result<(String, ChosenBy), SettingsError> {
        let own = self.environment.base_url(provider).or(provider.home());
        let own = own.map(str::to_owned).or_else(|| {
            let region = self.environment.aws_region()?;
            Some(format!("https://bedrock-runtime.{region}.amazonaws.com/"))
        });
        let named = settings.base_urls.get(provider.name());
        let url = named.cloned().or_else(|| own.clone());
        let url = url.ok_or_else(|| SettingsError::MissingRegion(entry.to_owned()))?;
        let url = provider.base_url(&url);
        let url = url.ok_or_else(|| SettingsError::BadBaseUrl {
            provider: provider.to_string(),
        })?;
        let host = host_of(&url);
        let known = named.is_none()
            || own.as_deref().and_then(host_of) == host
            || host.is_some_and(|host| provider.is_home(host));
        let chosen = if known {
            ChosenBy::Operator
        } else {
            ChosenBy::Bot
        };
        Ok((url, chosen))
    }

    /// The key for the address, if it may be sent there.
    fn key(
        &self,
        provider: Provider,
        (url, chosen): (&str, ChosenBy),
        entry: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Option<SecretString>, SettingsError> {
        let (Some(key), Some(variable)) = (self.environment.key(provider), provider.key_variable())
        else {
            return Ok(None);
        };
        let host = host_of(url).unwrap_or(url);
        match key.for_host(host, chosen) {
            Ok(value) => Ok(Some(value.clone())),
            Err(_) => {
                let refused = SettingsError::KeyOffLimits {
                    model: entry.to_owned(),
                    variable,
                    host: host.to_owned(),
                };
                if !may_be_open(provider, url) {
                    return Err(refused);
                }
                warnings.push(format!("asked without a key: {refused}"));
                Ok(None)
            }
        }
    }

    fn client(&self) -> Result<genai::Client, SettingsError> {
        let mut slot = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = slot.as_ref() {
            return Ok(client.clone());
        }
        let client = provider::client().map_err(SettingsError::NoTls)?;
        *slot = Some(client.clone());
        Ok(client)
    }

    fn breaker(&self, remote: &Remote) -> Arc<Breaker> {
        let key = (remote.name.clone(), remote.base_url.clone());
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(breakers.entry(key).or_insert_with(Breaker::new))
    }
}

impl SettingsError {
    fn only_disables_a_fallback(&self) -> bool {
        matches!(
            self,
            Self::MissingKey { .. } | Self::KeyOffLimits { .. } | Self::MissingRegion(_)
        )
    }
}

/// The provider and the model that an entry such as `openai/gpt-5-mini` names.
fn named(entry: &str) -> Result<(Provider, &str), SettingsError> {
    entry
        .split_once('/')
        .and_then(|(provider, model)| Some((Provider::named(provider)?, model)))
        .filter(|(_, model)| {
            !model.is_empty()
                && !model.contains("..")
                && model
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._:/@+-".contains(c))
        })
        .ok_or_else(|| SettingsError::UnknownModel(entry.to_owned()))
}

/// Whether a server there may want no key: one's own that speaks Chat Completions.
fn may_be_open(provider: Provider, base_url: &str) -> bool {
    provider == Provider::OpenAi && provider.home() != Some(base_url)
}
