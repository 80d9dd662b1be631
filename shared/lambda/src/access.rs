//! Who may do what, as the stage's access secret says.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws::{SecretsFile, Vault};
use engine::approval::{Approval, Links};
use engine::bot::Bot;
use engine::error::Error;
use engine::notify::Notice;
use engine::runtime::Runtime;
use surface::{Access, SigningKey};

/// Access by the keys of a secret, made anew when the secret changes.
pub struct Accesses {
    vault: Arc<Vault>,
    runtime: Runtime,
    made: Mutex<Option<(Arc<SecretsFile>, Arc<Access>)>>,
}

impl Accesses {
    /// Access by the `[[keys]]` that `vault` holds.
    #[must_use]
    pub fn new(vault: Arc<Vault>, runtime: Runtime) -> Self {
        Self {
            vault,
            runtime,
            made: Mutex::default(),
        }
    }

    /// Access as it is now.
    ///
    /// # Errors
    /// When the secret cannot be read.
    pub async fn current(&self) -> Result<Arc<Access>, Error> {
        let file = self.vault.file().await?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((from, access)) = &*made
            && Arc::ptr_eq(from, &file)
        {
            return Ok(Arc::clone(access));
        }
        // Tokens end with any change of the secret.
        let signing = SigningKey::derived(&file.text);
        let access = Access::keyed(file.secrets.clone(), signing, self.runtime.clone());
        let access = Arc::new(access);
        *made = Some((file, Arc::clone(&access)));
        Ok(access)
    }
}

#[async_trait]
impl Links for Accesses {
    async fn link(
        &self,
        bot: &Bot,
        approval: &Approval,
        person: &str,
    ) -> Result<Option<String>, Error> {
        Ok(self.current().await?.link(bot, approval, person))
    }

    async fn notice_link(
        &self,
        bot: &Bot,
        notice: &Notice,
        person: &str,
    ) -> Result<Option<String>, Error> {
        Ok(self.current().await?.notice_link(bot, notice, person))
    }
}
