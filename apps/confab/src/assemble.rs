//! Puts a real host together: a bot's folder, a data folder, secrets, models and the way to the web.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use channels::accounts::Accounts;
use embedded::{FileDisk, FlushThread, Store};
use engine::bot::Problem;
use engine::runtime::Runtime;
use engine::turn::{Staff, Timing};
use models::{Environment, Models};

use crate::host::{Ground, Host, Shelf};
use crate::http::signing_key;
use ground::tokio_runtime;

mod data;
mod env;
mod error;
mod folder;
pub mod reload;
mod survey;
mod vault;
mod versions;

pub use data::{DataFolder, data_path, database_path};
pub use env::Env;
pub use error::Error;
pub use folder::{BotFolder, Ready, settings_problem};
pub use survey::{Survey, survey};
pub use vault::Vault;
pub use versions::{Version, Versions, text_of};

/// The tenant of this machine's own user.
pub const LOCAL_TENANT: &str = "local";

/// What to put together.
#[derive(Clone, Debug)]
pub struct Options {
    /// The bot's folder.
    pub bot: PathBuf,
    /// Where conversations are kept.
    pub data: Data,
    /// What another process is told about who holds the data folder, such as `confab dev`.
    pub holder: String,
}

/// Where conversations are kept.
#[derive(Clone, Debug)]
pub enum Data {
    /// In this folder, or where [`data_path`] says.
    Kept(Option<PathBuf>),
    /// In a folder that goes with the process.
    Fresh,
}

/// A host and what it was put together from. The data folder is released when this is dropped.
pub struct Assembly {
    /// The host; [`Host::recover`] starts it.
    pub host: Arc<Host>,
    /// The bot's folder.
    pub folder: BotFolder,
    /// The models of this machine.
    pub models: Arc<Models>,
    /// The secrets of this machine.
    pub vault: Vault,
    /// Time, randomness, spawning.
    pub runtime: Runtime,
    /// Doubts about files of the bot's folder.
    pub bot_warnings: Vec<Problem>,
    /// Doubts about the secrets file and the models.
    pub warnings: Vec<String>,
    /// The data folder.
    pub data: DataFolder,
}

impl Assembly {
    /// Puts a host together. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// What stands in the way: see [`Error`].
    pub fn open(options: &Options, env: &Env) -> Result<Self, Error> {
        let folder = BotFolder::open(&options.bot)?;
        let vault = Vault::open(&options.bot, env)?;
        let runtime = tokio_runtime();
        let models = Arc::new(open_models(&runtime, &vault));
        let ready = folder.ready(&models)?;
        let data = match &options.data {
            Data::Kept(chosen) => DataFolder::lock(
                &data_path(&options.bot, chosen.as_deref(), env),
                &options.holder,
            )?,
            Data::Fresh => DataFolder::fresh(&options.holder)?,
        };
        let warnings = warnings(&vault, &ready);
        let host = Host::new(ground(&runtime, &vault, env, ready.staff, &data)?)?;
        host.shelve(&ready.library)?;
        let kept = Versions::new(data.path()).keep_all(folder.files(), &ready.library);
        kept.map_err(|source| Error::Data {
            folder: data.path().to_owned(),
            source,
        })?;
        Ok(Self {
            host,
            folder,
            models,
            vault,
            runtime,
            bot_warnings: ready.warnings,
            warnings,
            data,
        })
    }
}

fn ground(
    runtime: &Runtime,
    vault: &Vault,
    env: &Env,
    staff: Staff,
    data: &DataFolder,
) -> Result<Ground, Error> {
    let mut tenants: BTreeSet<String> = vault.file().tenants().map(str::to_owned).collect();
    tenants.insert(LOCAL_TENANT.to_owned());
    let shelf = Arc::new(Shelf::new(tenants, staff));
    let secrets = Arc::new(vault.clone());
    let http = Arc::new(channels::http::Client::new()?);
    let flush = FlushThread::start().map_err(Error::NoThread)?;
    let links = signing_key(data.path()).map_err(|source| Error::Data {
        folder: data.path().to_owned(),
        source,
    })?;
    let store = Store::open(&data.database(), Arc::new(FileDisk), Arc::new(flush))?;
    Ok(Ground {
        runtime: runtime.clone(),
        journal: store.clone(),
        store,
        carriers: Arc::new(Accounts {
            runtime: runtime.clone(),
            bots: shelf.clone(),
            secrets: secrets.clone(),
            http: http.clone(),
            twilio_base: env.twilio_base.clone(),
            whatsapp_base: env.whatsapp_base.clone(),
        }),
        links: Arc::new(links),
        shelf,
        http,
        secrets,
        timing: Timing::default(),
    })
}

fn warnings(vault: &Vault, ready: &Ready) -> Vec<String> {
    let mut names = ready.staff.bot.secret_names();
    names.extend(ready.library.secret_names());
    let names = names.into_iter();
    let missing = names
        .filter(|name| vault.find(name).is_none())
        .map(|name| vault.missing(&name));
    let file = vault.warnings().iter().map(ToString::to_string);
    file.chain(ready.model_warnings.iter().cloned())
        .chain(missing)
        .chain(vault.off_limits(&ready.staff.bot))
        .collect()
}

/// The models that this machine's secrets and environment open.
#[must_use]
pub fn open_models(runtime: &Runtime, vault: &Vault) -> Models {
    let environment = Environment::from_lookup(
        |name| vault.find(name),
        |name, key| vault.address(name, key),
    );
    Models::new(runtime.clone(), environment)
}
