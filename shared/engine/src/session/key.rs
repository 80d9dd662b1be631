//! What names a session.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message::Channel;

/// Tenant, bot, channel and contact: one conversation, one lock.
///
/// Written `<tenant>/<bot>/<channel>:<contact>`. Tenant and bot hold neither `/` nor `:`;
/// a contact may hold anything but control characters and `#`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(Arc<str>);

/// A name that cannot stand in a [`SessionKey`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} must be {rule}")]
pub struct BadKey {
    /// `tenant`, `bot`, `channel` or `contact`.
    pub part: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

/// The longest contact, in bytes.
const MAX_CONTACT: usize = 200;

/// Whether `name` can name a tenant or a bot: 1 to 63 of `a-z 0-9 -`, no dash at an end.
#[must_use]
pub fn is_slug(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

impl SessionKey {
    /// Names the session of `contact` with `bot` on `channel`.
    ///
    /// # Errors
    /// [`BadKey`] when a part is not of the allowed form.
    pub fn new(tenant: &str, bot: &str, channel: Channel, contact: &str) -> Result<Self, BadKey> {
        const SLUG: &str = "1 to 63 of a-z, 0-9 and -";
        if !is_slug(tenant) {
            return Err(BadKey {
                part: "tenant",
                rule: SLUG,
            });
        }
        if !is_slug(bot) {
            return Err(BadKey {
                part: "bot",
                rule: SLUG,
            });
        }
        let legal = |c: char| !c.is_control() && c != '#';
        if contact.is_empty() || contact.len() > MAX_CONTACT || !contact.chars().all(legal) {
            return Err(BadKey {
                part: "contact",
                rule: "1 to 200 bytes without control characters or #",
            });
        }
        Ok(Self(format!("{tenant}/{bot}/{channel}:{contact}").into()))
    }

    /// The session `id` (`<channel>:<contact>`, or a bare name on the web) of a tenant's bot.
    ///
    /// # Errors
    /// [`BadKey`] when a part is not of the allowed form.
    pub fn from_id(tenant: &str, bot: &str, id: &str) -> Result<Self, BadKey> {
        match id.split_once(':') {
            None => Self::new(tenant, bot, Channel::Web, id),
            Some((channel, contact)) => {
                let channel = channel.parse().map_err(|()| BadKey {
                    part: "channel",
                    rule: "web, sms or whatsapp",
                })?;
                Self::new(tenant, bot, channel, contact)
            }
        }
    }

    /// The place of a run among the sessions.
    ///
    /// # Errors
    /// [`BadKey`] when a part is not of the allowed form.
    pub fn of_run(tenant: &str, bot: &str, workflow: &str, run: &str) -> Result<Self, BadKey> {
        Self::new(tenant, bot, Channel::Run, &format!("{workflow}.{run}"))
    }

    fn parts(&self) -> (&str, &str, &str, &str) {
        let (tenant, rest) = self.0.split_once('/').unwrap_or_default();
        let (bot, id) = rest.split_once('/').unwrap_or_default();
        let (channel, contact) = id.split_once(':').unwrap_or_default();
        (tenant, bot, channel, contact)
    }

    /// Who the session belongs to.
    #[must_use]
    pub fn tenant(&self) -> &str {
        self.parts().0
    }

    /// Who answers in it.
    #[must_use]
    pub fn bot(&self) -> &str {
        self.parts().1
    }

    /// The way its messages come and go.
    #[must_use]
    pub fn channel(&self) -> Channel {
        match self.parts().2 {
            "run" => Channel::Run,
            name => name.parse().unwrap_or(Channel::Web),
        }
    }

    /// Whom the bot talks to.
    #[must_use]
    pub fn contact(&self) -> &str {
        self.parts().3
    }

    /// `<channel>:<contact>`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.splitn(3, '/').nth(2).unwrap_or_default()
    }

    /// The whole key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SessionKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let mut parts = text.splitn(3, '/');
        let mut next = || parts.next().unwrap_or_default();
        let (tenant, bot, id) = (next(), next(), next());
        match id.strip_prefix("run:") {
            Some(run) => Self::new(tenant, bot, Channel::Run, run),
            None => Self::from_id(tenant, bot, id),
        }
    }
}

impl JsonSchema for SessionKey {
    fn schema_name() -> Cow<'static, str> {
        "SessionKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "`<tenant>/<bot>/<channel>:<contact>`" })
    }
}

impl Serialize for SessionKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SessionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
