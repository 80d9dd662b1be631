//! The switch that stops a bot, or all bots of a tenant: no new turn thinks and no new effect begins.
//!
//! A tenant's switches are one document, read anew when what a process knows is a second old. An effect that
//! has begun runs to its end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::{Amendment, DocumentKey, Documents, Topic, amend, parse};
use crate::error::Error;
use crate::runtime::{Runtime, Time};

#[cfg(test)]
mod tests;

/// How old a stop is at most when no process begins anything against it.
pub const PROMISE: Duration = Duration::from_secs(1);

/// How long a process trusts what it read.
const TRUST: Duration = Duration::from_secs(1);

const _: () = assert!(TRUST.as_nanos() <= PROMISE.as_nanos());

/// Who stopped something, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stopped {
    /// Who stopped it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// What of a tenant is stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Switch {
    /// All its bots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Stopped>,
    /// Single bots, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bots: BTreeMap<String, Stopped>,
}

impl Switch {
    /// Who stopped `bot`, if somebody did.
    #[must_use]
    pub fn stopped(&self, bot: &str) -> Option<&Stopped> {
        self.tenant.as_ref().or_else(|| self.bots.get(bot))
    }
}

/// What a switch was read as, and when the reading began.
struct Known {
    switch: Arc<Switch>,
    since: Duration,
}

/// Every tenant's switch, as one process knows them.
pub struct Switches {
    runtime: Runtime,
    documents: Arc<dyn Documents>,
    known: Mutex<BTreeMap<String, Known>>,
}

impl Switches {
    /// The switches in `documents`.
    #[must_use]
    pub fn new(runtime: Runtime, documents: Arc<dyn Documents>) -> Self {
        Self {
            runtime,
            documents,
            known: Mutex::default(),
        }
    }

    /// The tenant's switch as it was at most a second ago.
    ///
    /// # Errors
    /// When it had to be read and could not be.
    pub async fn of(&self, tenant: &str) -> Result<Arc<Switch>, Error> {
        let now = self.runtime.clock.monotonic();
        if let Some(known) = self.known().get(tenant)
            && now.saturating_sub(known.since) < TRUST
        {
            return Ok(Arc::clone(&known.switch));
        }
        let switch = Arc::new(self.read(tenant).await?);
        let known = Known {
            switch: Arc::clone(&switch),
            since: now,
        };
        self.known().insert(tenant.to_owned(), known);
        Ok(switch)
    }

    /// The tenant's switch as it is now.
    ///
    /// # Errors
    /// When it could not be read.
    pub async fn read(&self, tenant: &str) -> Result<Switch, Error> {
        let found = self.documents.read(&key(tenant)).await?;
        found.map_or_else(|| Ok(Switch::default()), |found| parse(found.body))
    }

    /// Stops `bot`, or all bots of `tenant`. What is stopped already stays so, by whom and why it was.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn stop(
        &self,
        tenant: &str,
        bot: Option<&str>,
        by: &str,
        reason: &str,
    ) -> Result<Switch, Error> {
        let stopped = Stopped {
            by: by.to_owned(),
            reason: reason.to_owned(),
            at: self.runtime.now(),
        };
        self.change(tenant, |switch| {
            let stopped = stopped.clone();
            match bot {
                Some(bot) => switch.bots.entry(bot.to_owned()).or_insert(stopped),
                None => switch.tenant.get_or_insert(stopped),
            };
        })
        .await
    }

    /// Lets `bot`, or all bots of `tenant` that were not stopped alone, go on.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn resume(&self, tenant: &str, bot: Option<&str>) -> Result<Switch, Error> {
        self.change(tenant, |switch| match bot {
            Some(bot) => drop(switch.bots.remove(bot)),
            None => switch.tenant = None,
        })
        .await
    }

    async fn change(
        &self,
        tenant: &str,
        change: impl Fn(&mut Switch) + Send,
    ) -> Result<Switch, Error> {
        let switch = amend(&*self.documents, &key(tenant), |switch: Option<Switch>| {
            let before = switch.unwrap_or_default();
            let mut switch = before.clone();
            change(&mut switch);
            let amendment = if switch == before {
                Amendment::Keep
            } else {
                Amendment::Save {
                    body: switch.clone(),
                    expires: None,
                }
            };
            (amendment, switch)
        })
        .await?;
        self.known().remove(tenant);
        Ok(switch)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(tenant: &str) -> DocumentKey {
    DocumentKey::new(tenant, Topic::Switch, "switch")
}
