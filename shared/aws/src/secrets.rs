//! A secrets file kept in Secrets Manager, cached.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use engine::bot::secrets::Secrets;
use engine::error::{Error, Kind};
use engine::runtime::Runtime;
use engine::secret::Secret;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::call::Service;

/// How old what was read may be: a changed secret is in force everywhere after that.
const FRESH: Duration = Duration::from_secs(300);

/// One secret that holds the text of a `secrets.toml`.
pub struct Vault {
    service: Service,
    id: String,
    runtime: Runtime,
    cached: Mutex<Option<Cached>>,
}

#[derive(Clone)]
struct Cached {
    file: Arc<SecretsFile>,
    read: Duration,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue<'a> {
    secret_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    secret_string: Option<String>,
}

/// A `secrets.toml` as it was read.
pub struct SecretsFile {
    /// What it says.
    pub secrets: Arc<Secrets>,
    /// Its text.
    pub text: SecretString,
}

impl Vault {
    /// The secret `id`, by name or ARN.
    pub(crate) fn new(service: Service, id: String, runtime: Runtime) -> Self {
        Self {
            service,
            id,
            runtime,
            cached: Mutex::default(),
        }
    }

    /// What it holds, at most five minutes ago. Older when it cannot be read or parsed now.
    ///
    /// # Errors
    /// When it was never read and cannot be.
    pub async fn file(&self) -> Result<Arc<SecretsFile>, Error> {
        let cached = self.cached().clone();
        let now = self.runtime.clock.monotonic();
        match cached {
            Some(cached) if now.saturating_sub(cached.read) < FRESH => Ok(cached.file),
            stale => match self.read().await {
                Ok(file) => {
                    *self.cached() = Some(Cached {
                        file: Arc::clone(&file),
                        read: now,
                    });
                    Ok(file)
                }
                Err(error) => {
                    let stale = stale.ok_or(error)?;
                    tracing::warn!(
                        "the secrets could not be read again; the ones read before stay"
                    );
                    Ok(stale.file)
                }
            },
        }
    }

    async fn read(&self) -> Result<Arc<SecretsFile>, Error> {
        let unreadable = || Error::new(Kind::Unavailable, "the secrets cannot be read");
        let get = GetSecretValue {
            secret_id: &self.id,
        };
        let value = self.service.ask("secretsmanager.GetSecretValue", &get);
        let SecretValue { secret_string } =
            value.await.map_err(|error| unreadable().because(error))?;
        let text = secret_string.ok_or_else(unreadable)?;
        let secrets = Secrets::parse_or_none(&text).ok_or_else(|| {
            let message = "the text in Secrets Manager is not a valid secrets.toml; check it with `confab check`";
            Error::new(Kind::Internal, message)
        })?;
        Ok(Arc::new(SecretsFile {
            secrets: Arc::new(secrets),
            text: text.into(),
        }))
    }

    fn cached(&self) -> std::sync::MutexGuard<'_, Option<Cached>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl engine::tool::Secrets for Vault {
    async fn secret(&self, _tenant: &str, name: &str) -> Result<Secret, Error> {
        let file = self.file().await?;
        file.secrets.get(name).cloned().ok_or_else(|| {
            let message = format!(
                "the secret {name} is missing: add it to the stage's secrets in Secrets Manager"
            );
            Error::new(Kind::NotFound, message)
        })
    }
}
