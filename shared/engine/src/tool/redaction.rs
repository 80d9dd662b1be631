//! Keeps the values of secrets out of what is written down.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Secrets, Toolbox};

/// What stands in a secret's place.
const REMOVED: &str = "[secret removed]";

/// A shorter value would be found by chance, in words that are not secret.
const SHORTEST: usize = 6;

/// The values of some secrets, to find them in texts.
#[derive(Clone, Debug, Default)]
pub struct KnownSecrets(Vec<SecretString>);

impl Toolbox {
    /// The values of the tenant's secrets `names`, as far as they are set.
    pub async fn secrets_of(
        &self,
        tenant: &str,
        names: impl IntoIterator<Item = String>,
    ) -> KnownSecrets {
        KnownSecrets::read(&*self.secrets, tenant, names).await
    }
}

impl KnownSecrets {
    /// The values of the tenant's secrets `names`, as far as they are set.
    pub async fn read(
        secrets: &dyn Secrets,
        tenant: &str,
        names: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut known = Vec::new();
        for name in names {
            if let Ok(secret) = secrets.secret(tenant, &name).await
                && secret.kept().expose_secret().len() >= SHORTEST
            {
                known.push(secret.kept().clone());
            }
        }
        // One may begin with another.
        known.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Self(known)
    }

    /// Takes the secrets out of every text in `value`.
    pub fn redact(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.redact_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact(item)),
            Value::Object(members) => {
                members.values_mut().for_each(|member| self.redact(member));
                if members.keys().any(|name| self.are_in_text(name)) {
                    *members = std::mem::take(members)
                        .into_iter()
                        .map(|(mut name, member)| {
                            self.redact_text(&mut name);
                            (name, member)
                        })
                        .collect();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Whether one of them, or the place of one that was taken out, is in `value`.
    #[must_use]
    pub fn are_in(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.are_in_text(text) || text.contains(REMOVED),
            Value::Array(items) => items.iter().any(|item| self.are_in(item)),
            Value::Object(members) => members
                .iter()
                .any(|(name, member)| self.are_in_text(name) || self.are_in(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    fn are_in_text(&self, text: &str) -> bool {
        self.0
            .iter()
            .any(|secret| text.contains(secret.expose_secret()))
    }

    /// Takes from `text` all that can be shown, secrets taken out; what may yet become a secret stays.
    #[must_use]
    pub fn sift(&self, text: &mut String) -> String {
        self.redact_text(text);
        let begun = |secret: &SecretString| {
            let secret = secret.expose_secret();
            (1..secret.len())
                .rev()
                .filter_map(|end| secret.get(..end))
                .find(|part| text.ends_with(part))
                .map_or(0, str::len)
        };
        let held = self.0.iter().map(begun).max().unwrap_or(0);
        let rest = text.split_off(text.len() - held);
        std::mem::replace(text, rest)
    }

    /// Takes the secrets out of `text`.
    pub fn redact_text(&self, text: &mut String) {
        for secret in &self.0 {
            if text.contains(secret.expose_secret()) {
                *text = text.replace(secret.expose_secret(), REMOVED);
            }
        }
    }
}
