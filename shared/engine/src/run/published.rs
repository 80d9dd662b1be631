//! Versions of workflows that were published since the deployment, and stand in front of what was deployed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Catalogue, Offer};
use crate::document::{DocumentKey, Documents, Topic, parse};
use crate::error::{Error, Kind};
use crate::runtime::Time;
use crate::workflow::Workflow;

/// The most workflows of a tenant that have published versions.
const MAX_WORKFLOWS: usize = 1000;

/// The number of the version that was deployed.
pub(super) const DEPLOYED: u32 = 0;

/// A version of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Release {
    /// Counts from 1 in the order they came; 0 is the version that was deployed.
    pub number: u32,
    /// A hash of the file.
    pub version: String,
    /// When it was published; absent for the version that was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Who published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What is kept of a published version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(flatten)]
    pub(super) release: Release,
    pub(super) bot: String,
    /// Its machine, which nothing changes.
    pub(super) machine: String,
}

/// The versions of a workflow that were published, and which of them is live.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Releases {
    /// The oldest first.
    pub(super) versions: Vec<Kept>,
    /// The number of the live one.
    live: u32,
    /// The deployed version that the live one stands in front of; another deployment ends that.
    over: Option<String>,
}

impl Releases {
    pub(super) fn at(&self, number: u32) -> Option<&Kept> {
        let mut versions = self.versions.iter();
        versions.find(|kept| kept.release.number == number)
    }

    /// The live version, unless that is the one that was deployed.
    pub(super) fn live(&self, deployed: Option<&str>) -> Option<&Kept> {
        let stands = self.over.as_deref() == deployed;
        self.at(self.live).filter(|_| stands)
    }

    pub(super) fn put_live(&mut self, number: u32, deployed: Option<&str>) {
        self.live = number;
        self.over = deployed.map(str::to_owned);
    }
}

/// What a workflow file says, as it was published.
#[derive(Serialize, Deserialize)]
pub(super) struct Text {
    pub(super) text: String,
}

/// The workflows that were deployed, with what was published since in front of them. What a version says never changes,
/// so it is read once.
pub struct Published {
    /// Those that were deployed.
    pub deployed: Arc<dyn Catalogue>,
    /// Keeps the others.
    pub documents: Arc<dyn Documents>,
    read: Mutex<BTreeMap<DocumentKey, Arc<Workflow>>>,
}

impl Published {
    /// What was published, as `documents` has it, in front of `deployed`.
    #[must_use]
    pub fn new(deployed: Arc<dyn Catalogue>, documents: Arc<dyn Documents>) -> Self {
        Self {
            deployed,
            documents,
            read: Mutex::default(),
        }
    }

    /// What is live of a workflow that has these `releases`, if something is.
    async fn resolve(
        &self,
        tenant: &str,
        name: &str,
        deployed: Option<Offer>,
        releases: &Releases,
    ) -> Result<Option<Offer>, Error> {
        let version = deployed.as_ref().map(|offer| &*offer.workflow.version);
        let Some(live) = releases.live(version) else {
            return Ok(deployed);
        };
        let workflow = self.text(tenant, name, &live.release.version).await?;
        Ok(Some(Offer {
            bot: live.bot.clone(),
            workflow,
            machine: Some(live.machine.clone()),
        }))
    }

    /// A version that was published.
    pub(super) async fn text(
        &self,
        tenant: &str,
        name: &str,
        version: &str,
    ) -> Result<Arc<Workflow>, Error> {
        let key = text_key(tenant, name, version);
        if let Some(workflow) = self.known().get(&key) {
            return Ok(workflow.clone());
        }
        let lost = || {
            let message = format!("version {version} of {name} cannot be read; publish another");
            Error::new(Kind::Internal, message)
        };
        let found = self.documents.read(&key).await?.ok_or_else(lost)?;
        let Text { text } = parse(found.body)?;
        let workflow = Workflow::read(&file(name), &text);
        let workflow = Arc::new(workflow.map_err(|problems| lost().because(problems))?);
        self.known().insert(key, workflow.clone());
        Ok(workflow)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<DocumentKey, Arc<Workflow>>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was published of a workflow.
    pub(super) async fn releases(&self, tenant: &str, name: &str) -> Result<Releases, Error> {
        let found = self.documents.read(&releases_key(tenant, name)).await?;
        let found = found.map(|found| parse(found.body)).transpose()?;
        Ok(found.unwrap_or_default())
    }

    /// The version of a workflow that was deployed, if one was.
    pub(super) async fn deployed(&self, tenant: &str, name: &str) -> Result<Option<Offer>, Error> {
        match self.deployed.offer(tenant, name).await {
            Ok(offer) => Ok(Some(offer)),
            Err(error) if error.kind() == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Catalogue for Published {
    async fn offers(&self, tenant: &str) -> Result<Vec<Offer>, Error> {
        let deployed = self.deployed.offers(tenant).await?;
        let deployed = deployed.into_iter();
        let mut offers: BTreeMap<String, Offer> = deployed
            .map(|offer| (offer.workflow.name.clone(), offer))
            .collect();
        let published = self
            .documents
            .list(tenant, Topic::Workflow, "", MAX_WORKFLOWS)
            .await?;
        for found in published {
            let releases = parse(found.body)?;
            let deployed = offers.remove(&found.id);
            match self.resolve(tenant, &found.id, deployed, &releases).await {
                Ok(live) => offers.extend(live.map(|live| (found.id, live))),
                // The others are none the worse for it; whoever asks for this one is told.
                Err(error) if error.kind() == Kind::Internal => {
                    tracing::error!(tenant, workflow = found.id, error = %error.chain(), "what was published is left out");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(offers.into_values().collect())
    }

    async fn offer(&self, tenant: &str, name: &str) -> Result<Offer, Error> {
        let deployed = self.deployed(tenant, name).await?;
        let releases = self.releases(tenant, name).await?;
        let live = self.resolve(tenant, name, deployed, &releases).await?;
        live.ok_or_else(|| Error::new(Kind::NotFound, format!("there is no workflow {name}")))
    }
}

/// What a workflow's file is called.
pub(super) fn file(name: &str) -> String {
    format!("workflows/{name}.yaml")
}

pub(super) fn releases_key(tenant: &str, name: &str) -> DocumentKey {
    DocumentKey::new(tenant, Topic::Workflow, name)
}

pub(super) fn text_key(tenant: &str, name: &str, version: &str) -> DocumentKey {
    DocumentKey::new(tenant, Topic::WorkflowText, format!("{name}.{version}"))
}
