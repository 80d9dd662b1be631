//! What the environment says.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use channels::{twilio, whatsapp};

use super::Error;

#[cfg(test)]
mod tests;

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// The variables that Confab reads; each is read once, when a command starts. An empty one counts as
/// absent.
///
/// Beside these, a variable whose name a bot uses for a secret stands in for that secret when the
/// secrets file does not hold it. That goes for the keys and addresses of model providers too:
/// `ANTHROPIC_API_KEY`, `ANTHROPIC_BASE_URL` and their like, listed at
/// [`models::Environment::from_lookup`]. A secret's name and `_HOSTS` lists the hosts that it may be sent to.
/// `CONFAB_KEY` is the key with which commands ask a running host.
#[derive(Clone)]
pub struct Env {
    /// `CONFAB_DATA`: the folder that holds the database. `--data` goes before it; without either it
    /// is `.confab` in the bot's folder.
    pub data: Option<PathBuf>,
    /// `CONFAB_SECRETS_FILE`: the secrets file. Without it, `secrets.toml` in the bot's folder, if
    /// there is one.
    pub secrets_file: Option<PathBuf>,
    /// `TWILIO_API_BASE`: where Twilio's API is; `https://api.twilio.com` unless it says otherwise.
    pub twilio_base: String,
    /// `WHATSAPP_API_BASE`: where Meta's Graph API is; `https://graph.facebook.com` unless it says
    /// otherwise.
    pub whatsapp_base: String,
    /// `RUST_LOG`: which log lines go to stderr; `warn,confab=info` unless it says otherwise.
    pub log: Option<String>,
    /// `NO_COLOR`: set to anything, it keeps colours off the terminal. `TERM=dumb` does too.
    pub no_color: bool,
    lookup: Arc<Lookup>,
}

impl Env {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// When a variable that must be text is not UTF-8.
    pub fn read() -> Result<Self, Error> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// Reads the variables through `lookup`.
    ///
    /// # Errors
    /// When a variable that must be text is not UTF-8.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let read = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let text = |name: &str| {
            let value = read(name).map(OsString::into_string).transpose();
            value.map_err(|_| Error::NotText(name.to_owned()))
        };
        let or = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
        Ok(Self {
            data: read("CONFAB_DATA").map(PathBuf::from),
            secrets_file: read("CONFAB_SECRETS_FILE").map(PathBuf::from),
            twilio_base: or(text("TWILIO_API_BASE")?, twilio::API_BASE),
            whatsapp_base: or(text("WHATSAPP_API_BASE")?, whatsapp::API_BASE),
            log: text("RUST_LOG")?,
            no_color: read("NO_COLOR").is_some() || read("TERM").is_some_and(|term| term == "dumb"),
            lookup: Arc::new(lookup),
        })
    }

    /// The variable `name`, if it is set to text.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?.into_string().ok();
        value.filter(|value| !value.is_empty())
    }
}
