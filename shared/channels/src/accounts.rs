//! The accounts through which replies leave.

use std::sync::Arc;

use async_trait::async_trait;
use engine::bot::host_of;
use engine::error::{Error, Kind};
use engine::http::Http;
use engine::message::{Carrier, Channel};
use engine::runtime::Runtime;
use engine::secret::{ChosenBy, advice};
use engine::session::SessionKey;
use engine::tool::Secrets;
use engine::turn::{Bots, Carriers};
use secrecy::SecretString;

use crate::render::ChannelStyle;
use crate::{twilio, whatsapp};

/// Finds the account of a session's bot.
pub struct Accounts {
    /// Time.
    pub runtime: Runtime,
    /// Finds the bot's settings.
    pub bots: Arc<dyn Bots>,
    /// Gives the accounts' secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Reaches the carriers.
    pub http: Arc<dyn Http>,
    /// Where Twilio's API is.
    pub twilio_base: String,
    /// Where Meta's Graph API is.
    pub whatsapp_base: String,
}

#[async_trait]
impl Carriers for Accounts {
    async fn carrier(&self, key: &SessionKey) -> Result<Option<Arc<dyn Carrier>>, Error> {
        let channel = key.channel();
        if matches!(channel, Channel::Web | Channel::Run) {
            return Ok(None);
        }
        let bot = self.bots.find(key.tenant(), key.bot()).await?;
        let style = ChannelStyle::configured(channel, &bot.channels);
        let missing = || {
            let message =
                format!("the bot has no account on {channel}; add [channels] to its bot.toml");
            Error::new(Kind::NotFound, message)
        };
        let (http, runtime) = (Arc::clone(&self.http), self.runtime.clone());
        let carrier: Arc<dyn Carrier> = match channel {
            Channel::Web | Channel::Run => return Ok(None),
            Channel::Sms => {
                let settings = bot.channels.twilio.clone().ok_or_else(missing)?;
                let base_url = self.twilio_base.clone();
                let auth_token = self.secret(key, &settings.auth_token, &base_url).await?;
                Arc::new(twilio::Account {
                    http,
                    runtime,
                    settings,
                    auth_token,
                    base_url,
                    style,
                })
            }
            Channel::Whatsapp => {
                let settings = bot.channels.whatsapp.clone().ok_or_else(missing)?;
                let base_url = self.whatsapp_base.clone();
                let access_token = self.secret(key, &settings.access_token, &base_url).await?;
                Arc::new(whatsapp::Account {
                    http,
                    runtime,
                    settings,
                    access_token,
                    base_url,
                    style,
                })
            }
        };
        Ok(Some(carrier))
    }
}

impl Accounts {
    /// The secret `name`, to be sent to the carrier at `base_url`.
    async fn secret(
        &self,
        key: &SessionKey,
        name: &str,
        base_url: &str,
    ) -> Result<SecretString, Error> {
        let secret = self.secrets.secret(key.tenant(), name).await?;
        let host = host_of(base_url).unwrap_or(base_url);
        let value = secret.for_host(host, ChosenBy::Operator);
        let value = value.map_err(|refused| {
            let message = format!("the secret {name}: {refused}; {}", advice(name, host));
            Error::new(Kind::Invalid, message)
        })?;
        Ok(value.clone())
    }
}
