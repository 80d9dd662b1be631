//! `confab unknown`: calls of which nobody knows whether they happened.

use clap::{Args, Subcommand};
use engine::session::Sessions as _;
use engine::transcript::Truth;
use engine::unknown::{self, Settling, UnknownKind};
use serde_json::{Value, json};

use super::Place;
use super::columns::Side;
use super::conversations::Conversations;
use super::failure::Failure;
use super::screen::Screen;
use super::wording::{brief, moment, plain};
use super::{logs, warnings};
use crate::assemble::{Assembly, Env, Error, LOCAL_TENANT};

#[cfg(test)]
mod tests;

/// Characters of a call's arguments that are shown; `--json` has all of them.
const SHOWN: usize = 60;

/// List calls of which nobody knows whether they happened, and settle them
///
/// Look the call up where it would have happened, then say what you found: the bot is told, and tells the contact.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Unknown {
    #[command(subcommand)]
    verdict: Option<Verdict>,
    #[command(flatten)]
    scope: Scope,
}

#[derive(Args)]
struct Scope {
    #[command(flatten)]
    place: Place,
    /// Whose calls
    #[arg(long, default_value = LOCAL_TENANT)]
    tenant: String,
}

#[derive(Subcommand)]
enum Verdict {
    /// It happened
    Happened {
        /// Its ID in the list
        id: String,
        /// What it answered, as far as you know
        #[arg(long, value_name = "JSON", value_parser = parse)]
        result: Option<Value>,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        scope: Scope,
    },
    /// It did not happen
    DidNot {
        /// Its ID in the list
        id: String,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        scope: Scope,
    },
}

#[derive(Args)]
struct By {
    /// Who found it out [default: USER]
    #[arg(long = "as", value_name = "NAME")]
    person: Option<String>,
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))
}

impl Unknown {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        match &self.verdict {
            None => super::on_tokio(self.scope.list(screen, env)),
            Some(Verdict::Happened {
                id,
                result,
                by,
                scope,
            }) => {
                let result = result.clone().unwrap_or_default();
                let truth = Truth::Happened { result };
                super::on_tokio(scope.settle(screen, env, (id, &truth), by))
            }
            Some(Verdict::DidNot { id, by, scope }) => {
                super::on_tokio(scope.settle(screen, env, (id, &Truth::DidNot), by))
            }
        }
    }
}

impl By {
    /// Who is said to have found it out, or who works on this machine.
    fn name(&self, env: &Env) -> Result<String, Failure> {
        let user = || env.variable("USER").or_else(|| env.variable("USERNAME"));
        let name = self.person.clone().or_else(user);
        let name = name.filter(|name| !name.trim().is_empty());
        name.ok_or_else(|| Failure::wrong("it is not said who found it out", "add `--as NAME`"))
    }
}

impl Scope {
    async fn list(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let conversations = Conversations::open(&self.place, env)?;
        let open = unknown::open(&**conversations.store(), &self.tenant).await?;
        if screen.is_json() {
            return Ok(screen.document(&open)?);
        }
        let titles = [
            ("ID", Side::Left),
            ("WHEN", Side::Left),
            ("SESSION", Side::Left),
            ("CALL", Side::Left),
            ("WHAT IS NOT KNOWN", Side::Left),
        ];
        Ok(screen.table(titles, open.iter().map(row))?)
    }

    async fn settle(
        &self,
        screen: &Screen,
        env: &Env,
        (id, truth): (&str, &Truth),
        by: &By,
    ) -> Result<(), Failure> {
        let by = by.name(env)?;
        logs::start(screen, env)?;
        let assembly = Assembly::open(&self.place.options("unknown"), env)
            .map_err(|error| self.explain(error, id, truth))?;
        warnings::tell(screen, &assembly);
        let host = &assembly.host;
        let unknowns = host.unknowns();
        let settling = unknowns.settle(&self.tenant, id, truth, &by);
        let settling = settling.await.map_err(|error| match error.kind() {
            engine::error::Kind::NotFound => {
                Failure::wrong(error.to_string(), "`confab unknown` lists what there is")
            }
            _ => error.into(),
        })?;
        let unknown = match settling {
            Settling::Done(unknown) => unknown,
            Settling::Contrary(unknown) => {
                let help = "if that was wrong, tell the contact yourself";
                return Err(Failure::wrong(surface::contrary(&unknown), help));
            }
        };
        // The bot tells the contact now; what an interrupt leaves the next start takes up.
        host.idle().await;
        host.store().durable().await?;
        if screen.is_json() {
            return Ok(screen.document(&unknown)?);
        }
        let said = match truth {
            Truth::Happened { .. } => "happened",
            Truth::DidNot => "did not happen",
        };
        let (tool, session) = (plain(&unknown.tool), plain(unknown.session.as_str()));
        Ok(screen.line(format_args!("{tool} in {session} {said}; the bot knows"))?)
    }

    /// A host that runs settles it itself.
    fn explain(&self, error: Error, id: &str, truth: &Truth) -> Failure {
        let Error::DataInUse { .. } = error else {
            return error.into();
        };
        let found = match truth {
            Truth::Happened { result } => json!({ "happened": true, "result": result }),
            Truth::DidNot => json!({ "happened": false }),
        };
        let help = format!(
            "stop it, or tell it: `curl -H 'content-type: application/json' -d '{found}' http://ITS-ADDRESS/v1/{}/unknown/{id}`",
            self.tenant
        );
        Failure::cannot_run(error.to_string(), Some(help))
    }
}

fn row(unknown: &unknown::Unknown) -> [String; 5] {
    let arguments = brief(&unknown.arguments.to_string(), SHOWN);
    let what = match unknown.kind {
        UnknownKind::Effect => "whether it happened",
        UnknownKind::Undo => "whether what it was to undo still stands",
    };
    [
        unknown.id.clone(),
        moment(unknown.at),
        plain(unknown.session.as_str()),
        format!("{} {arguments}", plain(&unknown.tool)),
        what.to_owned(),
    ]
}
