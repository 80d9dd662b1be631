//! The secrets file: what bots refer to by name, and who may use the HTTP surface.
//!
//! ```toml
//! format = 1
//!
//! [secrets]
//! ANTHROPIC_API_KEY = "…"
//! DHL_API_KEY = "…"
//!
//! [hosts]
//! DHL_API_KEY = ["api-eu.dhl.com"]
//!
//! [[keys]]
//! sha256 = "…"       # or key = "…", the key itself
//! tenant = "local"
//! person = "dana"
//! role = "operator"
//! ```

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::bot::document::Document;
use crate::bot::format::Format;
use crate::bot::names;
use crate::bot::problem::{Problem, Problems, nearest};
use crate::bot::reader::{MAX_FILE, hex};
use crate::bot::rigour::{Rigour, Strict, Trusting, Written};
use crate::bot::wording::escape;
use crate::secret::Secret;

/// Everything a secrets file holds. Its debug output shows no values.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    values: BTreeMap<String, Secret>,
    keys: BTreeMap<String, KeyHolder>,
    /// What is doubtful about the file.
    pub warnings: Vec<Problem>,
}

/// Who a key of the HTTP surface stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyHolder {
    /// The tenant whose data the key opens.
    pub tenant: String,
    /// Who holds it, for the audit trail.
    pub person: String,
    /// What they may do.
    pub role: Role,
}

/// What the holder of a key may do; each role may do what the ones before it may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Talks to bots: for a website's own back end.
    Client,
    /// Reads sessions and traces.
    Viewer,
    /// Approves, settles unknown calls, redrives failed messages.
    Operator,
    /// Everything, deletion included.
    Admin,
}

/// The secrets file: what bots refer to by name, and who may use the HTTP surface.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Confab secrets")]
pub(super) struct SecretsFile {
    /// The version of this file's format; write `format = 1`.
    #[expect(dead_code, reason = "checked while it is read")]
    format: Format,
    /// Secrets by name; bots refer to them by these names.
    #[serde(default)]
    secrets: SecretsTable,
    /// Where bots may send a secret, by its name: `NAME = ["api.example.com", "*.example.com"]`. Without an entry a
    /// secret goes to the carrier or model provider it is for, and to no tool; with one, only to these hosts.
    #[serde(default)]
    hosts: HostsTable,
    /// The keys of the HTTP surface.
    #[serde(default)]
    keys: Vec<KeyTable>,
}

/// Secrets by name, such as `TWILIO_AUTH_TOKEN`.
#[derive(Default, Deserialize)]
struct SecretsTable(BTreeMap<String, String>);

impl JsonSchema for SecretsTable {
    fn schema_name() -> Cow<'static, str> {
        "Secrets".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": names::SECRET },
            "additionalProperties": { "type": "string", "minLength": 1 },
        })
    }
}

/// Hosts by the name of the secret that may be sent there.
#[derive(Default, Deserialize)]
struct HostsTable(BTreeMap<String, Vec<String>>);

impl JsonSchema for HostsTable {
    fn schema_name() -> Cow<'static, str> {
        "Hosts".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": names::SECRET },
            "additionalProperties": {
                "type": "array",
                "minItems": 1,
                "items": { "type": "string", "pattern": names::HOST },
            },
        })
    }
}

/// A key of the HTTP surface: exactly one of `key` and `sha256`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KeyTable {
    /// The key itself, at least 16 characters.
    key: Option<String>,
    /// The SHA-256 of the key in hexadecimal, so that the file does not hold the key.
    #[schemars(regex(pattern = names::SHA256))]
    sha256: Option<String>,
    /// The tenant whose data the key opens.
    #[schemars(regex(pattern = names::SLUG))]
    tenant: String,
    /// Who holds the key, for the audit trail.
    #[schemars(length(min = 1, max = MAX_PERSON))]
    person: String,
    /// What the holder may do: `client`, `viewer`, `operator` or `admin`.
    role: Role,
}

/// The shortest key, in characters.
const MIN_KEY: usize = 16;

/// The longest name of a key's holder, in characters.
const MAX_PERSON: usize = 100;

impl Secrets {
    /// Reads a secrets file from disk, and warns when others may read it too.
    ///
    /// # Errors
    /// Everything that is wrong with it; never a value.
    pub fn read(path: &Path) -> Result<Self, Problems> {
        let name = path.display().to_string();
        let unreadable = |error: std::io::Error| {
            Problem::new(&name, format!("the secrets file cannot be read: {error}"))
        };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let bound = u64::try_from(MAX_FILE).unwrap_or(u64::MAX);
        let mut text = String::new();
        file.take(bound)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        let mut secrets = Self::parse(&name, &text)?;
        if is_open(&metadata) {
            let warning = Problem::new(&name, "other users of this machine can read this file");
            secrets
                .warnings
                .push(warning.hint(format!("run `chmod 600 {name}`")));
        }
        Ok(secrets)
    }

    /// Reads the text of a secrets file called `name`.
    ///
    /// # Errors
    /// Everything that is wrong with it; never a value.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        Self::parse_with(name, text, &Strict)
    }

    /// Reads the text of a secrets file without finding out what is wrong with a wrong one: `None` is all that
    /// is told of it. Accepts what [`parse`](Self::parse) accepts and needs none of its schemas.
    #[must_use]
    pub fn parse_or_none(text: &str) -> Option<Self> {
        let secrets = Self::parse_with("", text, &Trusting).ok()?;
        let named = |(name, value): (&String, &Secret)| {
            names::is_secret(name) && !value.kept().expose_secret().is_empty()
        };
        let known = |(digest, holder): (&String, &KeyHolder)| {
            digest.len() == 64
                && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
                && names::is_slug(&holder.tenant)
                && (1..=MAX_PERSON).contains(&holder.person.chars().count())
        };
        let fits = secrets.values.iter().all(named) && secrets.keys.iter().all(known);
        fits.then_some(secrets)
    }

    fn parse_with(name: &str, text: &str, rigour: &dyn Rigour) -> Result<Self, Problems> {
        let document = Document::parse(name, text).map_err(|errors| Problems(untold(errors)))?;
        let mut problems = Vec::new();
        let file = document.read::<SecretsFile>(rigour, Written::Secrets, &mut problems);
        let mut secrets = Self::default();
        if let Some(file) = file {
            let values = file.secrets.0.into_iter();
            secrets.values = values
                .map(|(name, value)| (name, Secret::new(value)))
                .collect();
            for (name, hosts) in file.hosts.0 {
                match secrets.values.remove(&name) {
                    Some(secret) => drop(secrets.values.insert(name, secret.only_for(hosts))),
                    None => {
                        let known = nearest(&name, secrets.values.keys().map(String::as_str));
                        let pointer = format!("/hosts/{}", escape(&name));
                        let problem = document
                            .problem(&pointer, format!("there is no `{name}` under [secrets]"))
                            .perhaps(known.map(|known| format!("did you mean `{known}`?")));
                        problems.push(problem);
                    }
                }
            }
            for (index, key) in file.keys.into_iter().enumerate() {
                let pointer = format!("/keys/{index}");
                if let Err((what, hint)) = secrets.admit(key) {
                    problems.push(document.problem(&pointer, what).hint(hint));
                }
            }
        }
        if problems.is_empty() {
            Ok(secrets)
        } else {
            Err(Problems(problems))
        }
    }

    fn admit(&mut self, key: KeyTable) -> Result<(), (&'static str, &'static str)> {
        let digest = match (key.key, key.sha256) {
            (Some(key), None) if key.chars().count() < MIN_KEY => {
                return Err((
                    "this key is too short to be safe",
                    "use 16 random characters or more, such as from `openssl rand -hex 24`",
                ));
            }
            (Some(key), None) => hex(&Sha256::digest(key)),
            (None, Some(digest)) => digest.to_ascii_lowercase(),
            _ => {
                return Err((
                    "an entry of `[[keys]]` has either `key` or `sha256`",
                    "`printf %s \"$KEY\" | sha256sum` gives a key's SHA-256",
                ));
            }
        };
        let holder = KeyHolder {
            tenant: key.tenant,
            person: key.person,
            role: key.role,
        };
        match self.keys.insert(digest, holder) {
            None => Ok(()),
            Some(_) => Err((
                "this key is there twice",
                "give every holder a key of their own",
            )),
        }
    }

    /// A secret by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.values.get(name)
    }

    /// Which of `names` are not there.
    #[must_use]
    pub fn missing(&self, names: &BTreeSet<String>) -> Vec<String> {
        let absent = |name: &&String| !self.values.contains_key(*name);
        names.iter().filter(absent).cloned().collect()
    }

    /// Who holds a presented key. Compares hashes, so the time it takes tells nothing about a key.
    #[must_use]
    pub fn holder(&self, presented: &SecretString) -> Option<&KeyHolder> {
        let digest = Sha256::digest(presented.expose_secret());
        self.keys.get(&hex(&digest))
    }

    /// The tenants that keys open, some perhaps twice.
    pub fn tenants(&self) -> impl Iterator<Item = &str> {
        self.keys.values().map(|holder| holder.tenant.as_str())
    }

    /// Whether anybody may use the HTTP surface.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }
}

/// A parser may quote what it stumbled over, so only the places are kept.
fn untold(errors: Vec<Problem>) -> Vec<Problem> {
    let bare = errors.into_iter().map(|error| Problem {
        what: "this is not valid TOML".to_owned(),
        ..error
    });
    bare.map(|problem| {
        problem.hint("write `NAME = \"value\"`, with the value in quotes, and each name once")
    })
    .collect()
}

#[cfg(unix)]
fn is_open(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open(_: &Metadata) -> bool {
    false
}
