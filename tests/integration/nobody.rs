//! A house without carriers and without secrets.

use std::sync::Arc;

use async_trait::async_trait;
use engine::error::{Error, Kind};
use engine::message::Carrier;
use engine::secret::Secret;
use engine::session::SessionKey;
use engine::tool::Secrets;
use engine::turn::Carriers;

/// Carries nothing and keeps no secrets.
pub(crate) struct Nobody;

#[async_trait]
impl Carriers for Nobody {
    async fn carrier(&self, _: &SessionKey) -> Result<Option<Arc<dyn Carrier>>, Error> {
        Ok(None)
    }
}

#[async_trait]
impl Secrets for Nobody {
    async fn secret(&self, _tenant: &str, name: &str) -> Result<Secret, Error> {
        Err(Error::new(Kind::NotFound, format!("no secret {name}")))
    }
}
