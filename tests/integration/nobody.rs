//! Whoever is not there: no carriers and no secrets; nobody watches, and nobody is asked.

use std::sync::Arc;

use async_trait::async_trait;
use engine::approval::{ApprovalStart, Waits};
use engine::error::{Error, Kind};
use engine::event::{Event, Events};
use engine::message::Carrier;
use engine::secret::Secret;
use engine::session::SessionKey;
use engine::tool::Secrets;
use engine::turn::Carriers;
use serde_json::Value;

/// Carries nothing, keeps no secrets, watches nothing and is not asked.
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

impl Events for Nobody {
    fn is_watched(&self, _: &SessionKey) -> bool {
        false
    }

    fn publish(&self, _: &SessionKey, _: Event) {}
}

#[async_trait]
impl Waits for Nobody {
    async fn start(&self, _: ApprovalStart) -> Result<(), Error> {
        Ok(())
    }

    async fn go_on(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    async fn end(&self, _: &str, _: Result<Value, Error>) -> Result<(), Error> {
        Ok(())
    }
}
