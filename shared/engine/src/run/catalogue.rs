//! Which workflows there are.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::{Error, Kind};
use crate::workflow::Workflow;

/// A workflow that can be started.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The bot whose folder it is in.
    pub bot: String,
    /// The workflow.
    pub workflow: Arc<Workflow>,
    /// The machine of this version, when it was published since the deployment.
    pub machine: Option<String>,
}

/// Finds workflows. Their names are unlike among all bots of a host.
#[async_trait]
pub trait Catalogue: Send + Sync {
    /// The workflows that a tenant may start, by name.
    ///
    /// # Errors
    /// When they cannot be read.
    async fn offers(&self, tenant: &str) -> Result<Vec<Offer>, Error>;

    /// The workflow `name`.
    ///
    /// # Errors
    /// `NotFound` when there is none, and when it cannot be read.
    async fn offer(&self, tenant: &str, name: &str) -> Result<Offer, Error> {
        let mut offers = self.offers(tenant).await?.into_iter();
        let found = offers.find(|offer| offer.workflow.name == name);
        found.ok_or_else(|| Error::new(Kind::NotFound, format!("there is no workflow {name}")))
    }
}
