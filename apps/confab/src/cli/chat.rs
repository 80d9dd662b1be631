//! `confab chat`: a conversation in the terminal.

use std::io::{self, IsTerminal};

use clap::Args;
use engine::message::Channel;
use engine::session::{SessionKey, Sessions as _};
use engine::view::{Message, Role};
use serde_json::json;

use super::Place;
use super::failure::Failure;
use super::screen::{Ink, Screen};
use super::{logs, signal, warnings, wording};
use crate::assemble::{Assembly, Data, Env, Error, LOCAL_TENANT, Options};

mod answer;
mod lines;
mod voice;

use answer::Exchange;
use lines::{Line, Lines};
use voice::Voice;

/// Earlier messages that are shown when a conversation goes on.
const SHOWN: u64 = 6;

const HELP: &str = "\
/new    begin another conversation
/quit   leave; Ctrl-C and Ctrl-D do too
/help   this
Anything else is said to the bot.";

/// Talk to a bot in the terminal
///
/// Reads one message per line, also from a pipe: replies go to stdout then, all else to stderr.
#[derive(Args)]
pub(super) struct Chat {
    #[command(flatten)]
    place: Place,
    /// The conversation to go on with, or to begin
    #[arg(long, value_name = "NAME", default_value = "terminal")]
    session: String,
    /// Keep nothing: the conversation is gone when you leave
    #[arg(long, conflicts_with = "data")]
    fresh: bool,
}

/// Whether to read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Go,
    Leave,
}

/// A conversation under way.
struct Talk {
    assembly: Assembly,
    key: SessionKey,
    voice: Voice,
    refused: u32,
}

impl Chat {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        logs::start(screen, env)?;
        super::on_tokio(self.talk(screen, env))
    }

    async fn talk(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let options = Options {
            data: match self.fresh {
                true => Data::Fresh,
                false => Data::Kept(self.place.data.clone()),
            },
            ..self.place.options("chat")
        };
        let assembly = Assembly::open(&options, env).map_err(explain)?;
        warnings::tell(screen, &assembly);
        let bot = assembly.host.shelf().current().bot;
        let key = key(&bot.name, &self.session)?;
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let mut talk = Talk {
            voice: Voice::new(*screen, is_terminal),
            assembly,
            key,
            refused: 0,
        };
        let prompt = is_terminal && !screen.is_json();
        let mut lines = Lines::start(prompt.then(|| screen.paint(Ink::Cyan, "you › ")))?;
        tokio::select! {
            // An interrupt while the bot answers loses nothing: the next start takes the turn up.
            () = signal::asked() => talk.voice.leave()?,
            done = talk.hold(&mut lines) => done?,
        }
        talk.assembly.host.store().durable().await?;
        match talk.refused {
            0 => Ok(()),
            _ if prompt => Ok(()),
            _ => Err(Failure::Told),
        }
    }
}

/// Another process holding the folder does not keep anyone from talking.
fn explain(error: Error) -> Failure {
    let help = "talk to the bot on that process's page, stop it, or use `--fresh` for a conversation that is not kept";
    match error {
        Error::DataInUse { .. } => Failure::cannot_run(error.to_string(), Some(help.to_owned())),
        error => error.into(),
    }
}

fn key(bot: &str, name: &str) -> Result<SessionKey, Failure> {
    let name = name.strip_prefix("web:").unwrap_or(name);
    SessionKey::new(LOCAL_TENANT, bot, Channel::Web, name).map_err(|bad| {
        let help = "choose another name with --session, such as `--session dana`";
        Failure::wrong(format!("the session cannot be called {name}: {bad}"), help)
    })
}

impl Talk {
    async fn introduce(&self) -> Result<(), Failure> {
        let bot = self.assembly.host.shelf().current().bot;
        let earlier = self.earlier().await?;
        if self.voice.is_json() {
            let ready = json!({
                "type": "ready",
                "session": self.key,
                "bot": bot.name,
                "version": bot.version,
                "models": bot.model.chain,
                "earlier": earlier,
            });
            return Ok(self.voice.event(&ready)?);
        }
        let title = match bot.page.title.as_str() {
            "" => &bot.name,
            title => title,
        };
        self.voice.title(title, &wording::models(&bot.model))?;
        let kept = match self.assembly.data.is_fresh() {
            true => "not kept".to_owned(),
            false => format!("kept in {}", self.assembly.data.path().display()),
        };
        self.voice.aside(&format!(
            "session {}, {kept} · /help lists commands",
            self.key.contact()
        ))?;
        self.voice.gap()?;
        if earlier.is_empty() {
            self.voice
                .greet(&bot.page.greeting, &bot.page.suggestions)?;
        }
        for message in &earlier {
            self.voice.recall(message.role, &message.text)?;
        }
        Ok(())
    }

    /// The last few messages.
    async fn earlier(&self) -> Result<Vec<Message>, Failure> {
        let host = &self.assembly.host;
        let session = host.store().load(&self.key).await?;
        let last = session.arrivals + session.delivered;
        let messages = host
            .view()
            .messages(&self.key, last.saturating_sub(SHOWN))
            .await?;
        Ok(messages)
    }

    async fn hold(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        self.introduce().await?;
        self.take_up().await?;
        self.read(lines).await
    }

    /// Starts the host, and shows the answer to what an earlier run left.
    async fn take_up(&mut self) -> Result<(), Failure> {
        let host = &self.assembly.host;
        let watch = host.hub().watch(&self.key);
        let session = host.store().load(&self.key).await?;
        host.recover().await?;
        if let Some(message) = session.inbox.last() {
            let exchange = Exchange {
                host,
                key: &self.key,
                voice: &mut self.voice,
            };
            if let Err(refusal) = exchange.follow(watch, &message.id).await? {
                self.refuse(&refusal)?;
            }
        }
        Ok(())
    }

    async fn read(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        loop {
            let then = match lines.next().await {
                Line::Text(text) => self.take(text.trim()).await?,
                Line::NotText => {
                    self.refuse("that line is not UTF-8; nothing was sent")?;
                    Then::Go
                }
                Line::End => Then::Leave,
            };
            if then == Then::Leave {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, text: &str) -> Result<Then, Failure> {
        match text {
            "" => {}
            "/quit" | "/exit" | "/q" => return Ok(Then::Leave),
            "/help" | "/?" => self.voice.aside(HELP)?,
            "/new" => self.begin_anew().await?,
            text if is_command(text) => {
                self.refuse(&format!(
                    "there is no command {text}; /help lists those there are"
                ))?;
            }
            text => {
                let exchange = Exchange {
                    host: &self.assembly.host,
                    key: &self.key,
                    voice: &mut self.voice,
                };
                if let Err(refusal) = exchange.say(text).await? {
                    self.refuse(&refusal)?;
                }
            }
        }
        Ok(Then::Go)
    }

    async fn begin_anew(&mut self) -> Result<(), Failure> {
        let bot = self.assembly.host.shelf().current().bot;
        let id = self.assembly.runtime.new_id().simple().to_string();
        let name = format!("terminal-{}", id.get(..12).unwrap_or(&id));
        self.key = key(&bot.name, &name)?;
        self.introduce().await
    }

    fn refuse(&mut self, why: &str) -> io::Result<()> {
        self.refused += 1;
        self.voice.refuse(why)
    }
}

/// One word after a slash; a path or a sentence is not a command.
fn is_command(text: &str) -> bool {
    let name = text.strip_prefix('/').unwrap_or_default();
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic())
}

/// Whose words they are.
fn speaker(role: Role) -> &'static str {
    match role {
        Role::User => "you › ",
        Role::Assistant => "bot › ",
        Role::Person => "person › ",
    }
}
