//! `confab reminders`: what bots mean to say later.

use std::sync::Arc;

use clap::{Args, Subcommand};
use embedded::{FileDisk, FlushThread, Store};
use engine::error::Kind;
use engine::reminder::{self, Reminder, State};
use engine::session::Sessions as _;
use ground::tokio_runtime;

use super::Place;
use super::columns::Side;
use super::conversations::Conversations;
use super::failure::Failure;
use super::screen::Screen;
use super::wording::{brief, moment, plain};
use crate::assemble::{DataFolder, Env, Error, LOCAL_TENANT, data_path};

/// Characters of a reminder that are shown; `--json` has all of them.
const SHOWN: usize = 60;

/// List what bots mean to say later, and call it off
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Reminders {
    #[command(subcommand)]
    wish: Option<Wish>,
    #[command(flatten)]
    scope: Scope,
    /// Of this session only
    #[arg(long)]
    session: Option<String>,
}

#[derive(Args)]
struct Scope {
    #[command(flatten)]
    place: Place,
    /// Whose reminders
    #[arg(long, default_value = LOCAL_TENANT)]
    tenant: String,
}

#[derive(Subcommand)]
enum Wish {
    /// Call one off
    Cancel {
        /// Its ID in the list
        id: String,
        #[command(flatten)]
        scope: Scope,
    },
}

impl Reminders {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        match &self.wish {
            None => super::on_tokio(self.list(screen, env)),
            Some(Wish::Cancel { id, scope }) => super::on_tokio(scope.cancel(screen, env, id)),
        }
    }

    async fn list(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let conversations = Conversations::open(&self.scope.place, env)?;
        let store = &**conversations.store();
        let mut pending = reminder::pending(store, &self.scope.tenant).await?;
        if let Some(name) = &self.session {
            let session = conversations.find(name)?;
            pending.retain(|reminder| reminder.session == session);
        }
        if screen.is_json() {
            return Ok(screen.document(&pending)?);
        }
        let titles = [
            ("ID", Side::Left),
            ("DUE", Side::Left),
            ("SESSION", Side::Left),
            ("WHAT", Side::Left),
        ];
        Ok(screen.table(titles, pending.iter().map(row))?)
    }
}

impl Scope {
    async fn cancel(&self, screen: &Screen, env: &Env, id: &str) -> Result<(), Failure> {
        let data = data_path(&self.place.bot, self.place.data.as_deref(), env);
        let data = DataFolder::lock(&data, "confab reminders")?;
        let flush = FlushThread::start().map_err(Error::NoThread)?;
        let store = Store::open(&data.database(), Arc::new(FileDisk), Arc::new(flush))?;
        let now = tokio_runtime().now();
        let cancelled = reminder::cancel(&*store, &self.tenant, id, now).await;
        let reminder = cancelled.map_err(|error| match error.kind() {
            Kind::NotFound => {
                Failure::wrong(error.to_string(), "`confab reminders` lists what there is")
            }
            _ => error.into(),
        })?;
        store.durable().await?;
        if screen.is_json() {
            return Ok(screen.document(&reminder)?);
        }
        let (session, text) = (
            plain(reminder.session.as_str()),
            brief(&reminder.text, SHOWN),
        );
        let what = match reminder.state {
            State::Cancelled { .. } => "is called off",
            State::Told { .. } => "has been told already",
            State::Disarmed { .. } => "was dropped already",
            State::Pending => "still waits",
        };
        Ok(screen.line(format_args!("\"{text}\" in {session} {what}"))?)
    }
}

fn row(reminder: &Reminder) -> [String; 4] {
    let unless = if reminder.unless_reply {
        ", unless they write"
    } else {
        ""
    };
    [
        reminder.id.clone(),
        moment(reminder.due),
        plain(reminder.session.as_str()),
        format!("{}{unless}", brief(&reminder.text, SHOWN)),
    ]
}
