//! The bot that this host serves, and for whom.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use engine::bot::Bot;
use engine::error::{Error, Kind};
use engine::turn::{Bots, Crew, Staff};

/// One bot, replaced as a whole when its folder changes.
pub struct Shelf {
    tenants: BTreeSet<String>,
    staff: RwLock<Staff>,
}

impl Shelf {
    /// Serves `staff` to `tenants`.
    #[must_use]
    pub fn new(tenants: BTreeSet<String>, staff: Staff) -> Self {
        Self {
            tenants,
            staff: RwLock::new(staff),
        }
    }

    /// The running version.
    #[must_use]
    pub fn current(&self) -> Staff {
        self.staff
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Puts another version in its place; turns that run keep theirs.
    pub fn replace(&self, staff: Staff) {
        *self.staff.write().unwrap_or_else(PoisonError::into_inner) = staff;
    }

    /// The tenants that may be spoken of here.
    pub fn tenants(&self) -> impl Iterator<Item = &String> {
        self.tenants.iter()
    }

    /// Whether `tenant` may be spoken of here.
    #[must_use]
    pub fn has_tenant(&self, tenant: &str) -> bool {
        self.tenants.contains(tenant)
    }
}

#[async_trait]
impl Bots for Shelf {
    async fn find(&self, tenant: &str, bot: &str) -> Result<Arc<Bot>, Error> {
        Ok(self.staff(tenant, bot).await?.bot)
    }
}

#[async_trait]
impl Crew for Shelf {
    async fn staff(&self, tenant: &str, bot: &str) -> Result<Staff, Error> {
        if !self.has_tenant(tenant) {
            return Err(Error::new(
                Kind::NotFound,
                format!("there is no tenant {tenant} here"),
            ));
        }
        let staff = self.current();
        if staff.bot.name == bot {
            Ok(staff)
        } else {
            let message = format!(
                "there is no bot {bot} here; this host serves {}",
                staff.bot.name
            );
            Err(Error::new(Kind::NotFound, message))
        }
    }
}
