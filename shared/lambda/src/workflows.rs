//! The workflows of the bots that a function carries beside its code.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use engine::bot::Folder;
use engine::error::{Error, Kind};
use engine::run::{Catalogue, Offer};
use engine::workflow::Library;

/// Workflows by name, the same for every tenant.
#[derive(Debug, Default)]
pub struct Workflows(Vec<Offer>);

impl Workflows {
    /// Reads every workflow of the folder `bots`, one folder each, called as its bot; they were compiled when they
    /// were deployed.
    ///
    /// # Errors
    /// Says which is wrong all the same.
    pub fn load(bots: &Path) -> Result<Self, Error> {
        let unreadable = |error: std::io::Error| {
            let message = format!("{} holds no bots", bots.display());
            Error::new(Kind::Internal, message).because(error)
        };
        let mut offers = Vec::new();
        for entry in std::fs::read_dir(bots).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let bot = entry.file_name().to_string_lossy().into_owned();
            let broken = |wrong: String| {
                let message = format!("a workflow of {bot} is not valid: {wrong}");
                Error::new(Kind::Internal, message)
            };
            let folder = Folder::open(entry.path()).map_err(|wrong| broken(wrong.to_string()))?;
            let read = Library::read(&folder).map_err(|wrong| broken(wrong.to_string()))?;
            offers.extend(read.into_values().map(|workflow| Offer {
                bot: bot.clone(),
                workflow: Arc::new(workflow),
                machine: None,
            }));
        }
        offers.sort_by(|one, other| one.workflow.name.cmp(&other.workflow.name));
        Ok(Self(offers))
    }
}

#[async_trait]
impl Catalogue for Workflows {
    async fn offers(&self, _tenant: &str) -> Result<Vec<Offer>, Error> {
        Ok(self.0.clone())
    }
}
