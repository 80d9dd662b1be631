//! `confab stop` and `confab resume`: the switch of a bot, or of all bots of a tenant.
//!
//! A host that runs is asked over HTTP, since it alone may write to its data folder; without one the folder is
//! written to directly, and the next host finds it so.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use embedded::{FileDisk, FlushThread, Store};
use engine::session::Sessions as _;
use engine::switch::{Stopped, Switch, Switches};
use ground::tokio_runtime;
use serde_json::json;

use super::Place;
use super::client::{Answer, Client, address, key};
use super::failure::Failure;
use super::screen::Screen;
use super::wording::{moment, plain};
use crate::assemble::{BotFolder, DataFolder, Env, Error, LOCAL_TENANT, data_path};

/// How long a host may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whom the switch names when it was turned without a host to ask who turns it.
const SOMEBODY: &str = "whoever runs this host";

/// Stop a bot: within a second it thinks no more and does nothing more; whoever writes is told so
#[derive(Args)]
pub(super) struct Stop {
    #[command(flatten)]
    which: Which,
    /// Why: shown with every message that is refused
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Let a bot go on that was stopped
#[derive(Args)]
pub(super) struct Resume {
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
struct Which {
    #[command(flatten)]
    place: Place,
    /// For whom it stops
    #[arg(long, default_value = LOCAL_TENANT)]
    tenant: String,
    /// All bots of the tenant
    #[arg(long)]
    all: bool,
}

/// What to do, to what.
struct Turn<'a> {
    which: &'a Which,
    bot: Option<String>,
    /// Why it is stopped; without one, it goes on.
    reason: Option<&'a str>,
}

impl Stop {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        super::on_tokio(self.which.turn(screen, env, Some(&self.reason)))
    }
}

impl Resume {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        super::on_tokio(self.which.turn(screen, env, None))
    }
}

impl Which {
    async fn turn(&self, screen: &Screen, env: &Env, reason: Option<&str>) -> Result<(), Failure> {
        let bot = if self.all {
            None
        } else {
            Some(BotFolder::open(&self.place.bot)?.load()?.bot.name)
        };
        let turn = Turn {
            which: self,
            bot,
            reason,
        };
        let data = data_path(&self.place.bot, self.place.data.as_deref(), env);
        let switch = match DataFolder::lock(&data, "confab stop") {
            Ok(data) => turn.write(&data).await?,
            Err(Error::DataInUse { folder, holder }) => match holder.as_deref().and_then(address) {
                Some(url) => turn.ask(url, env).await?,
                None => return Err(Error::DataInUse { folder, holder }.into()),
            },
            Err(error) => return Err(error.into()),
        };
        turn.tell(screen, &switch)
    }
}

impl Turn<'_> {
    async fn write(&self, data: &DataFolder) -> Result<Switch, Failure> {
        let flush = FlushThread::start().map_err(Error::NoThread)?;
        let store = Store::open(&data.database(), Arc::new(FileDisk), Arc::new(flush))?;
        let switches = Switches::new(tokio_runtime(), store.clone());
        let (tenant, bot) = (&self.which.tenant, self.bot.as_deref());
        let switch = match self.reason {
            Some(reason) => switches.stop(tenant, bot, SOMEBODY, reason).await?,
            None => switches.resume(tenant, bot).await?,
        };
        store.durable().await?;
        Ok(switch)
    }

    async fn ask(&self, url: &str, env: &Env) -> Result<Switch, Failure> {
        let verb = if self.reason.is_some() {
            "stop"
        } else {
            "resume"
        };
        let bot = self.bot.iter().map(|bot| format!("/{bot}"));
        let path = format!(
            "/v1/{}{}/{verb}",
            self.which.tenant,
            bot.collect::<String>()
        );
        let body = match self.reason {
            Some(reason) => json!({ "reason": reason }),
            None => json!({}),
        };
        let client = Client::new(url, key(env), PATIENCE)?;
        let answer = client.post(&path, &body).await.map_err(|failure| {
            let help =
                "if it hangs, end it; `confab stop` then writes to its data folder".to_owned();
            Failure::cannot_run(format!("{url} does not answer: {failure}"), Some(help))
        })?;
        read(answer)
    }

    fn tell(&self, screen: &Screen, switch: &Switch) -> Result<(), Failure> {
        if screen.is_json() {
            return Ok(screen.document(switch)?);
        }
        let stopped = match &self.bot {
            Some(bot) => switch.stopped(bot),
            None => switch.tenant.as_ref(),
        };
        let name = match &self.bot {
            Some(bot) => plain(bot),
            None => format!("every bot of {}", plain(&self.which.tenant)),
        };
        match stopped {
            Some(Stopped { by, reason, at }) => screen.line(format_args!(
                "{name} is stopped since {}, by {}: {}",
                moment(*at),
                plain(by),
                plain(reason)
            ))?,
            None => screen.line(format_args!("{name} is not stopped"))?,
        }
        Ok(())
    }
}

fn read(answer: Answer) -> Result<Switch, Failure> {
    let status = answer.status;
    let switch = answer.given().map_err(|problem| {
        let help = match status {
            401 | 403 => "set CONFAB_KEY to a key of the secrets file whose role is operator",
            _ => "`confab stop --help` says how to name a bot and a tenant",
        };
        Failure::wrong(problem.detail(), help)
    })?;
    serde_json::from_value(switch).map_err(|_| {
        let what = format!("the host answers {status} and nothing to read");
        Failure::cannot_run(what, None)
    })
}
