//! The command line: what can be said to `confab`, and where each command lives.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::assemble::{Data, Env, Options};

mod approvals;
mod attend;
mod chat;
mod check;
mod client;
mod columns;
mod conversations;
mod dev;
mod failure;
mod logs;
mod new;
mod reminders;
mod runs;
mod schema;
mod screen;
mod sessions;
mod show;
mod signal;
mod switch;
mod unknown;
mod warnings;
mod wording;
mod workflow;
mod wrap;

use failure::Failure;
use screen::Screen;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  what was asked about is wrong or not there: a bot with mistakes, no such session
  2  the command line is wrong
  3  Confab cannot run: port or data folder in use, key missing, disk or network unusable

Logs go to stderr; RUST_LOG chooses them. NO_COLOR keeps colours off.";

/// Conversational agents and their workflows on one machine.
#[derive(Parser)]
#[command(name = "confab", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
struct Cli {
    /// Print JSON for programs: one document, or one event per line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a bot on this machine: web page, HTTP, webhooks; picks up edits of its folder
    Dev(dev::Dev),
    /// Talk to a bot in the terminal
    Chat(chat::Chat),
    /// Look for mistakes in a bot's folder
    Check(check::Check),
    /// Make the folder of a new bot that works at once, without a key
    New(new::New),
    /// List a bot's conversations
    Sessions(sessions::Sessions),
    /// Show one conversation: what was said, what was done, what it cost
    Show(show::Show),
    /// List what bots ask people
    Approvals(approvals::Approvals),
    /// Say yes to what a bot asks
    Approve(approvals::Approve),
    /// Say no to what a bot asks
    Deny(approvals::Deny),
    /// List calls of which nobody knows whether they happened, and settle them
    Unknown(unknown::Unknown),
    /// Take a conversation over from the bot
    Take(attend::Take),
    /// Say something in a conversation that was taken over
    Say(attend::Say),
    /// Give a conversation back to the bot
    GiveBack(attend::GiveBack),
    /// End a conversation: the next message begins another
    Close(attend::Close),
    /// Give the messages of a parked turn another try
    Redrive(attend::Redrive),
    /// Stop a bot, or all bots of a tenant
    Stop(switch::Stop),
    /// Let a stopped bot go on
    Resume(switch::Resume),
    /// Check, compile, draw and run workflows
    Workflow(workflow::WorkflowCommand),
    /// List, show and end runs of workflows
    Runs(runs::Runs),
    /// List what bots mean to say later, and call it off
    Reminders(reminders::Reminders),
    /// Print the JSON Schema of a file format
    Schema(schema::Schema),
}

const DATA: &str =
    "The folder that holds the database [default: CONFAB_DATA, else BOT_DIR/.confab]";

/// A bot's folder and where its conversations are kept.
#[derive(Args)]
struct Place {
    /// The folder that holds the bot's bot.toml
    #[arg(value_name = "BOT_DIR", default_value = ".")]
    bot: PathBuf,
    #[arg(long, value_name = "DIR", help = DATA)]
    data: Option<PathBuf>,
}

impl Place {
    fn options(&self, command: &str) -> Options {
        Options {
            bot: self.bot.clone(),
            data: Data::Kept(self.data.clone()),
            holder: format!("confab {command}"),
        }
    }
}

/// Runs `command` to its end on tokio.
fn on_tokio(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::cannot_run(format!("the system gives no threads: {error}"), None)
        })?;
    let done = runtime.block_on(command);
    // A thread that still reads the keyboard must not keep the process.
    runtime.shutdown_background();
    done
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let env = match Env::read() {
        Ok(env) => env,
        Err(error) => return Failure::from(error).tell(&Screen::bare(cli.json)),
    };
    let screen = Screen::new(cli.json, env.no_color);
    match run(&cli.command, &screen, &env) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(&screen),
    }
}

fn run(command: &Command, screen: &Screen, env: &Env) -> Result<(), Failure> {
    match command {
        Command::Dev(dev) => dev.run(screen, env),
        Command::Chat(chat) => chat.run(screen, env),
        Command::Check(check) => check.run(screen, env),
        Command::New(new) => new.run(screen),
        Command::Sessions(sessions) => sessions.run(screen, env),
        Command::Show(show) => show.run(screen, env),
        Command::Approvals(approvals) => approvals.run(screen, env),
        Command::Approve(approve) => approve.run(screen, env),
        Command::Deny(deny) => deny.run(screen, env),
        Command::Unknown(unknown) => unknown.run(screen, env),
        Command::Take(take) => take.run(screen, env),
        Command::Say(say) => say.run(screen, env),
        Command::GiveBack(give_back) => give_back.run(screen, env),
        Command::Close(close) => close.run(screen, env),
        Command::Redrive(redrive) => redrive.run(screen, env),
        Command::Stop(stop) => stop.run(screen, env),
        Command::Resume(resume) => resume.run(screen, env),
        Command::Workflow(workflow) => workflow.run(screen, env),
        Command::Runs(runs) => runs.run(screen, env),
        Command::Reminders(reminders) => reminders.run(screen, env),
        Command::Schema(schema) => schema.run(screen),
    }
}
