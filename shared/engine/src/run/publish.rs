//! Publishing a workflow between deployments, and going back.
//!
//! ```text
//! text ──> compiled among the deployed bot and what is live ──> a machine of its own ──> one write makes it live
//! ```
//!
//! A version is its text and the machine that was made of it; neither is ever changed. What inputs are checked by and
//! what is run are named by the same write, so no run begins with one version's inputs in another one's machine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::published::{
    DEPLOYED, Kept, Published, Release, Releases, Text, file, releases_key, text_key,
};
use super::{Catalogue, Offer};
use crate::bot::{Bot, Problem, Problems, ToolKind, misfits};
use crate::document::{Amendment, amend};
use crate::error::{Error, Kind};
use crate::goal::REPORT_GOAL;
use crate::runtime::Runtime;
use crate::turn::Bots;
use crate::workflow::{Around, Syntax, Workflow, compile};

/// The most versions of a workflow.
const MAX_VERSIONS: usize = 500;

/// The machines of the workflows that one starts, by name; those that were deployed have none of their own.
pub type Children = BTreeMap<String, Option<String>>;

/// Makes the machines of versions.
#[async_trait]
pub trait Machines: Send + Sync {
    /// Makes the machine of a `definition` unless it is there, and gives its name.
    ///
    /// # Errors
    /// `Invalid` when the service refuses it, and when it could not be made.
    async fn make(
        &self,
        workflow: &str,
        definition: &Value,
        children: &Children,
    ) -> Result<String, Error>;
}

/// Publishes workflows.
#[derive(Clone)]
pub struct Publisher {
    /// Time.
    pub runtime: Runtime,
    /// What is live.
    pub published: Arc<Published>,
    /// The bots whose tools they use.
    pub bots: Arc<dyn Bots>,
    /// Reads expressions.
    pub syntax: &'static dyn Syntax,
    /// Makes their machines.
    pub machines: Arc<dyn Machines>,
    /// The events that are told, as the deployment says.
    pub events: BTreeSet<String>,
}

/// Somebody's wish that a text be live.
#[derive(Clone, Debug)]
pub struct Publication {
    /// For whom.
    pub tenant: String,
    /// The workflow.
    pub workflow: String,
    /// The bot whose tools it uses; that of the live version when absent.
    pub bot: Option<String>,
    /// The file.
    pub text: String,
    /// Who publishes it.
    pub by: Option<String>,
}

impl Publisher {
    /// Makes a version of a text and puts it live; says whether it is new. What was a version already is live again.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong with the text, or that only a deployment changes; `NotFound` when there is
    /// no such bot; and when a store or the service failed.
    pub async fn publish(&self, wish: Publication) -> Result<(Release, bool), Error> {
        let Publication {
            tenant,
            workflow: name,
            bot,
            text,
            by,
        } = wish;
        let workflow = Workflow::read(&file(&name), &text).map_err(invalid)?;
        let deployed = self.published.deployed(&tenant, &name).await?;
        let offers = self.published.offers(&tenant).await?;
        let live = offers.iter().find(|offer| offer.workflow.name == name);
        let bot = bot_of(&name, live, bot)?;
        let bot = self.bots.find(&tenant, &bot).await?;
        self.fits(&workflow, &deployed)?;
        let (definition, children) = self.compile(&bot, &workflow, offers)?;
        let deployed = deployed.map(|offer| offer.workflow.version.clone());
        if deployed.as_ref() == Some(&workflow.version) {
            let release = self.put_live(&tenant, &name, DEPLOYED, deployed).await?;
            return Ok((release, false));
        }
        let documents = &*self.published.documents;
        let key = text_key(&tenant, &name, &workflow.version);
        amend(documents, &key, |found: Option<Text>| match found {
            Some(_) => (Amendment::Keep, ()),
            None => (forever(Text { text: text.clone() }), ()),
        })
        .await?;
        let machine = self.machines.make(&name, &definition, &children).await?;
        let now = self.runtime.now();
        let key = releases_key(&tenant, &name);
        amend(documents, &key, |found: Option<Releases>| {
            let mut releases = found.unwrap_or_default();
            let known = releases
                .versions
                .iter()
                .find(|kept| kept.machine == machine && kept.release.version == workflow.version);
            if let Some(Kept { release, .. }) = known.cloned() {
                releases.put_live(release.number, deployed.as_deref());
                return (forever(releases), Ok((release, false)));
            }
            if releases.versions.len() >= MAX_VERSIONS {
                let message = format!(
                    "{name} has {MAX_VERSIONS} versions, which is as many as are kept; deploy it"
                );
                return (Amendment::Keep, Err(Error::new(Kind::Invalid, message)));
            }
            let last = releases.versions.last();
            let release = Release {
                number: last.map_or(DEPLOYED, |last| last.release.number) + 1,
                version: workflow.version.clone(),
                at: Some(now),
                by: by.clone(),
            };
            releases.versions.push(Kept {
                release: release.clone(),
                bot: bot.name.clone(),
                machine: machine.clone(),
            });
            releases.put_live(release.number, deployed.as_deref());
            (forever(releases), Ok((release, true)))
        })
        .await?
    }

    /// Puts an earlier version live again: the one before the live one, or that with the number `to`.
    ///
    /// # Errors
    /// `NotFound` when there is none; `Invalid` when it no longer fits what is deployed; and when a store failed.
    pub async fn roll_back(
        &self,
        tenant: &str,
        name: &str,
        to: Option<u32>,
    ) -> Result<Release, Error> {
        let deployed = self.published.deployed(tenant, name).await?;
        let releases = self.published.releases(tenant, name).await?;
        let version = deployed.as_ref().map(|offer| &*offer.workflow.version);
        let live = releases.live(version);
        let live = live.map_or(DEPLOYED, |live| live.release.number);
        let mut earlier = releases.versions.iter().map(|kept| kept.release.number);
        let to = to.or_else(|| {
            let before = earlier.rfind(|number| *number < live);
            let deployed = version.filter(|_| live != DEPLOYED);
            before.or(deployed.map(|_| DEPLOYED))
        });
        let Some(to) = to else {
            let message = format!("there is no version of {name} before the live one");
            return Err(Error::new(Kind::NotFound, message));
        };
        if let Some(Kept { release, bot, .. }) = releases.at(to) {
            let workflow = self.published.text(tenant, name, &release.version);
            let workflow = workflow.await?;
            self.fits(&workflow, &deployed)?;
            let offers = self.published.offers(tenant).await?;
            let bot = self.bots.find(tenant, bot).await?;
            self.compile(&bot, &workflow, offers)?;
        }
        let deployed = version.map(str::to_owned);
        self.put_live(tenant, name, to, deployed).await
    }

    /// The versions of a workflow, the oldest first, and the number of the live one.
    ///
    /// # Errors
    /// `NotFound` when there is no such workflow, and when a store failed.
    pub async fn versions(&self, tenant: &str, name: &str) -> Result<(Vec<Release>, u32), Error> {
        let deployed = self.published.deployed(tenant, name).await?;
        let releases = self.published.releases(tenant, name).await?;
        let version = deployed.map(|offer| offer.workflow.version.clone());
        let live = releases.live(version.as_deref());
        let live = live.map_or(DEPLOYED, |live| live.release.number);
        let mut versions: Vec<Release> = version.map(as_deployed).into_iter().collect();
        versions.extend(releases.versions.into_iter().map(|kept| kept.release));
        match versions.is_empty() {
            false => Ok((versions, live)),
            true => Err(Error::new(
                Kind::NotFound,
                format!("there is no workflow {name}"),
            )),
        }
    }

    async fn put_live(
        &self,
        tenant: &str,
        name: &str,
        number: u32,
        deployed: Option<String>,
    ) -> Result<Release, Error> {
        let documents = &*self.published.documents;
        let key = releases_key(tenant, name);
        amend(documents, &key, |found: Option<Releases>| {
            let mut releases = found.unwrap_or_default();
            let release = match releases.at(number) {
                Some(kept) => Some(kept.release.clone()),
                None => deployed
                    .clone()
                    .filter(|_| number == DEPLOYED)
                    .map(as_deployed),
            };
            let Some(release) = release else {
                let message = format!("there is no version {number} of {name}");
                return (Amendment::Keep, Err(Error::new(Kind::NotFound, message)));
            };
            releases.put_live(number, deployed.as_deref());
            (forever(releases), Ok(release))
        })
        .await?
    }

    /// The definition of a workflow among what is live, and the machines of what it may start.
    fn compile(
        &self,
        bot: &Bot,
        workflow: &Workflow,
        offers: Vec<Offer>,
    ) -> Result<(Value, Children), Error> {
        if workflow.converses() && !bot.tools.contains_key(REPORT_GOAL) {
            let message = format!(
                "no workflow of {} that was deployed has it hold conversations, so it cannot report goals: deploy this one",
                bot.name
            );
            return Err(Error::new(Kind::Invalid, message));
        }
        let mut workflows = BTreeMap::new();
        let mut children = BTreeMap::new();
        let needed = workflow.children();
        for offer in offers.into_iter().filter(|offer| offer.bot == bot.name) {
            let name = &offer.workflow.name;
            workflows.insert(name.clone(), Workflow::clone(&offer.workflow));
            if needed.contains(name.as_str()) {
                children.insert(name.clone(), offer.machine);
            }
        }
        workflows.insert(workflow.name.clone(), workflow.clone());
        let around = Around {
            bot,
            workflows: &workflows,
            syntax: self.syntax,
        };
        let starters = bot.tools.values().filter(|tool| {
            matches!(&tool.kind, ToolKind::Workflow { workflow: starts } if *starts == workflow.name)
        });
        let misfits = starters.flat_map(|tool| {
            let misfits = misfits(workflow, &tool.offer.parameters).into_iter();
            misfits.map(|misfit| misfit.of_tool(&tool.offer.name))
        });
        let misfits: Vec<Problem> = misfits.collect();
        if !misfits.is_empty() {
            return Err(invalid(Problems(misfits)));
        }
        let compiled = compile(workflow, around).map_err(invalid)?;
        Ok((compiled.definition, children))
    }

    /// What wakes a workflow by itself is part of the deployment: schedules, and which events are told.
    fn fits(&self, workflow: &Workflow, deployed: &Option<Offer>) -> Result<(), Error> {
        let before = deployed.as_ref().map(|offer| offer.workflow.timers());
        let before = before.transpose().map_err(invalid)?.unwrap_or_default();
        if workflow.timers().map_err(invalid)? != before {
            let message = "its schedules are others than those that were deployed, and change with a deployment only";
            return Err(Error::new(Kind::Invalid, message));
        }
        let events = workflow.events();
        let mut untold = events
            .into_iter()
            .filter(|event| !self.events.contains(*event));
        match untold.next() {
            None => Ok(()),
            Some(event) => {
                let message = format!(
                    "it waits for {event}, which no workflow did when it was deployed; deploy it"
                );
                Err(Error::new(Kind::Invalid, message))
            }
        }
    }
}

/// The bot whose tools a workflow uses: that of what is live of it, or else the one that is named.
fn bot_of(name: &str, live: Option<&Offer>, named: Option<String>) -> Result<String, Error> {
    let invalid = |message| Err(Error::new(Kind::Invalid, message));
    match (live.map(|offer| &offer.bot), named) {
        (Some(live), Some(named)) if *live != named => invalid(format!(
            "{name} is a workflow of the bot {live}: call yours otherwise"
        )),
        (Some(bot), _) => Ok(bot.clone()),
        (None, Some(bot)) => Ok(bot),
        (None, None) => invalid(format!("{name} is new: say with `bot` whose tools it uses")),
    }
}

fn as_deployed(version: String) -> Release {
    Release {
        number: DEPLOYED,
        version,
        at: None,
        by: None,
    }
}

fn forever<T>(body: T) -> Amendment<T> {
    Amendment::Save {
        body,
        expires: None,
    }
}

fn invalid(problems: Problems) -> Error {
    Error::new(Kind::Invalid, problems.to_string())
}
