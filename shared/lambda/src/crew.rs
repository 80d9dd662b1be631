//! Bots with their brains, whose models are asked with the stage's secrets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws::{SecretsFile, Vault};
use engine::brain::{Brain, ToolLoop};
use engine::error::{Error, Kind};
use engine::runtime::Runtime;
use engine::secret::Secret;
use engine::turn::Staff;
use models::{Environment, Models};
use secrecy::ExposeSecret;

use crate::{Ground, Shelf, variable};

/// Finds bots and makes their brains, anew when the secrets change.
pub struct Crew {
    runtime: Runtime,
    shelf: Arc<Shelf>,
    secrets: Arc<Vault>,
    brains: Mutex<Option<Brains>>,
}

/// Brains by bot, and the secrets they were made with.
struct Brains {
    file: Arc<SecretsFile>,
    models: Models,
    made: BTreeMap<String, Arc<dyn Brain>>,
}

impl Crew {
    /// The bots of `shelf`, whose models are asked with `secrets`.
    #[must_use]
    pub fn new(ground: &Ground, shelf: Arc<Shelf>, secrets: Arc<Vault>) -> Self {
        Self {
            runtime: ground.runtime.clone(),
            shelf,
            secrets,
            brains: Mutex::default(),
        }
    }

    fn brains(&self, file: Arc<SecretsFile>) -> Brains {
        let secret = |name: &str| {
            let kept = file.secrets.get(name).cloned();
            kept.or_else(|| Secret::from_lookup(name, variable))
        };
        let address = |name: &str, _: Option<&str>| {
            let kept = file.secrets.get(name);
            kept.map(|secret| secret.kept().expose_secret().to_owned())
                .or_else(|| variable(name))
        };
        let models = Models::new(
            self.runtime.clone(),
            Environment::from_lookup(secret, address),
        );
        Brains {
            file,
            models,
            made: BTreeMap::new(),
        }
    }
}

#[async_trait]
impl engine::turn::Crew for Crew {
    async fn staff(&self, _tenant: &str, name: &str) -> Result<Staff, Error> {
        let bot = self.shelf.get(name)?.clone();
        let file = self.secrets.file().await?;
        let mut held = self.brains.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = held
            .take()
            .filter(|brains| Arc::ptr_eq(&brains.file, &file))
            .unwrap_or_else(|| self.brains(file));
        let brains = held.insert(fresh);
        if let Some(brain) = brains.made.get(name) {
            let brain = brain.clone();
            return Ok(Staff { bot, brain });
        }
        let chain = brains.models.chain(&bot.model).map_err(|error| {
            let message = format!("the models of the bot {name} cannot be asked");
            Error::new(Kind::ModelFailed, message).because(error)
        })?;
        let brain: Arc<dyn Brain> = Arc::new(ToolLoop::new(chain.model));
        brains.made.insert(name.to_owned(), brain.clone());
        Ok(Staff { bot, brain })
    }
}
