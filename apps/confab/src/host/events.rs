//! The bus of this host: what is put is handled at once.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use engine::bus::{Bus, BusEvent, Dispatched};
use engine::error::{Error, Kind};
use engine::run::Fire;

use super::Host;

/// Hands events to what waits for them in this process.
pub(super) struct Here(pub(super) Weak<Host>);

#[async_trait]
impl Bus for Here {
    fn is_wanted(&self, name: &str) -> bool {
        let host = self.0.upgrade();
        host.is_some_and(|host| host.workflows.waits_for(name))
    }

    async fn put(&self, event: BusEvent) -> Result<(), Error> {
        let host = self.0.upgrade();
        let host = host.ok_or_else(|| Error::new(Kind::Unavailable, "this host is stopping"))?;
        let Dispatched { runs, steps } = host.dispatch.handle(&event).await?;
        tracing::debug!(event = event.name, runs = runs.len(), steps, "an event");
        Ok(())
    }
}

impl Host {
    /// Starts runs when triggers fire.
    #[must_use]
    pub fn fire(&self) -> &Fire {
        &self.dispatch.fire
    }

    /// Takes events in for what waits for them.
    #[must_use]
    pub fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(Here(self.me.clone()))
    }
}
