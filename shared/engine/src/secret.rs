//! A secret and the hosts it may be sent to: a bot's folder names secrets, and must not decide who learns them.

use secrecy::{ExposeSecret, SecretString};

/// Who decided where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChosenBy {
    /// A bot's folder.
    Bot,
    /// Confab itself, or whoever runs it.
    Operator,
}

/// A secret. Its debug output shows no value.
#[derive(Clone, Debug)]
pub struct Secret {
    value: SecretString,
    hosts: Vec<String>,
}

/// The secret must not reach the host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it may not be sent to {host}")]
pub struct OffLimits {
    /// The host.
    pub host: String,
}

impl Secret {
    /// A secret for the hosts that Confab knows, or its operator names, for its purpose.
    pub fn new(value: impl Into<SecretString>) -> Self {
        Self {
            value: value.into(),
            hosts: Vec::new(),
        }
    }

    /// The variable `name`, for the hosts that the variable `name` and `_HOSTS` lists with commas.
    #[must_use]
    pub fn from_lookup(name: &str, lookup: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let hosts = lookup(&format!("{name}_HOSTS")).unwrap_or_default();
        let hosts = hosts.split(',').map(str::trim);
        let hosts = hosts.filter(|host| !host.is_empty());
        Some(Self::new(lookup(name)?).only_for(hosts))
    }

    /// The same for these hosts and no others, if there are any: `api.example.com`, or `*.example.com` for
    /// every host below it.
    #[must_use]
    pub fn only_for(self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            hosts: hosts.into_iter().map(Into::into).collect(),
            ..self
        }
    }

    /// The same with another value, for the same hosts.
    #[must_use]
    pub fn map(&self, change: impl FnOnce(&str) -> String) -> Self {
        Self {
            value: change(self.value.expose_secret()).into(),
            hosts: self.hosts.clone(),
        }
    }

    /// Its value, to compare with and to find in texts. Whoever sends it asks [`for_host`](Self::for_host).
    #[must_use]
    pub fn kept(&self) -> &SecretString {
        &self.value
    }

    /// Its value, to be sent to `host`, a name or an IP address. A host that a bot chose must be among those that
    /// the secret names.
    ///
    /// # Errors
    /// When it must not be sent there.
    pub fn for_host(&self, host: &str, chosen: ChosenBy) -> Result<&SecretString, OffLimits> {
        let unnamed = self.hosts.is_empty() && chosen == ChosenBy::Operator;
        if unnamed || self.hosts.iter().any(|known| covers(known, host)) {
            return Ok(&self.value);
        }
        Err(OffLimits {
            host: host.to_owned(),
        })
    }
}

fn covers(known: &str, host: &str) -> bool {
    let Some(domain) = known.strip_prefix("*.") else {
        return known.eq_ignore_ascii_case(host);
    };
    // A label and a dot go before it.
    let end = host.split_once('.').map(|(label, _)| label.len() + 1);
    let mut rest = end.filter(|end| *end > 1).map(|end| &host[end..]);
    while let Some(below) = rest {
        if !domain.is_empty() && below.eq_ignore_ascii_case(domain) {
            return true;
        }
        rest = below.split_once('.').map(|(_, below)| below);
    }
    false
}

/// What to do so that the secret `name` may be sent to `host`.
#[must_use]
pub fn advice(name: &str, host: &str) -> String {
    format!(
        "allow it in the secrets file with `{name} = [\"{host}\"]` under [hosts], or beside the variable with {name}_HOSTS={host}"
    )
}

#[cfg(test)]
mod tests {
    use super::{ChosenBy, Secret};

    #[test]
    fn a_bot_chooses_among_the_hosts_that_the_secret_names() {
        let secret =
            Secret::new("hunter2").only_for(["api.example.com", "*.parcels.example", "::1"]);
        for (host, allowed) in [
            ("api.example.com", true),
            ("API.Example.com", true),
            ("eu.parcels.example", true),
            ("a.b.parcels.example", true),
            ("::1", true),
            ("parcels.example", false),
            (".parcels.example", false),
            ("evilparcels.example", false),
            ("api.example.com.evil.example", false),
            ("xapi.example.com", false),
            ("é.example.com", false),
        ] {
            for chosen in [ChosenBy::Bot, ChosenBy::Operator] {
                let sent = secret.for_host(host, chosen);
                assert_eq!(sent.is_ok(), allowed, "{host} {chosen:?}");
            }
        }
    }

    #[test]
    fn a_secret_that_names_no_host_goes_where_the_operator_says_only() {
        let secret = Secret::new("hunter2");
        assert!(
            secret
                .for_host("api.twilio.com", ChosenBy::Operator)
                .is_ok()
        );
        let refused = secret.for_host("evil.example", ChosenBy::Bot).unwrap_err();
        assert_eq!(refused.to_string(), "it may not be sent to evil.example");
    }
}
