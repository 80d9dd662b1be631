//! The bots that a function carries beside its code.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use engine::bot::{Bot, Folder};
use engine::error::{Error, Kind};
use engine::turn::Bots;

/// Bots by name, the same for every tenant.
#[derive(Debug)]
pub struct Shelf(BTreeMap<String, Arc<Bot>>);

impl Shelf {
    /// Loads every bot of the folder `bots`, one folder each, each found sound before it was deployed.
    ///
    /// # Errors
    /// Says which bot is wrong all the same; a deployment with a broken bot does not start.
    pub fn load(bots: &Path) -> Result<Self, Error> {
        let unreadable = |error: std::io::Error| {
            let message = format!("{} holds no bots", bots.display());
            Error::new(Kind::Internal, message).because(error)
        };
        let mut shelf = BTreeMap::new();
        for entry in std::fs::read_dir(bots).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let broken = |wrong: String| {
                let message = format!("the bot in {} is not valid: {wrong}", path.display());
                Error::new(Kind::Internal, message)
            };
            let folder = Folder::open(&path).map_err(|wrong| broken(wrong.to_string()))?;
            let loaded = Bot::load_trusted(&folder).map_err(|wrong| broken(wrong.to_string()))?;
            shelf.insert(loaded.bot.name.clone(), Arc::new(loaded.bot));
        }
        Ok(Self(shelf))
    }

    /// The same, ready to check the arguments of calls: a start has a whole processor, a call only a share.
    #[must_use]
    pub fn checking_arguments(self: Arc<Self>) -> Arc<Self> {
        for tool in self.iter().flat_map(|bot| bot.tools.values()) {
            tool.arguments.prepare();
        }
        self
    }

    /// Every bot.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Bot>> {
        self.0.values()
    }

    /// The bot `name`.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn get(&self, name: &str) -> Result<&Arc<Bot>, Error> {
        self.0
            .get(name)
            .ok_or_else(|| Error::new(Kind::NotFound, format!("there is no bot {name} here")))
    }
}

#[async_trait]
impl Bots for Shelf {
    async fn find(&self, _tenant: &str, bot: &str) -> Result<Arc<Bot>, Error> {
        self.get(bot).cloned()
    }
}
