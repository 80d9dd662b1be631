//! `confab approvals`, `confab approve`, `confab deny`: what bots ask people, and the answers.

use std::time::Duration;

use clap::Args;
use engine::approval::{Answer, Approval, Desk, State};
use engine::runtime::Time;
use serde_json::json;

use super::Place;
use super::client::{Client, address, key};
use super::columns::Side;
use super::conversations::Conversations;
use super::failure::Failure;
use super::screen::Screen;
use super::wording::{brief, moment, plain};
use crate::assemble::{Assembly, Env, Error, LOCAL_TENANT};

const PERSON: &str =
    "Who decides, by their name in people.toml; not needed with a key in CONFAB_KEY";

/// How much of a call's arguments a line shows, in characters.
const SHOWN: usize = 60;

/// How long a bot may take to do what it was allowed, before it is left to the next start.
const PATIENCE: Duration = Duration::from_secs(60);

/// List what bots ask people
#[derive(Args)]
pub(super) struct Approvals {
    #[command(flatten)]
    place: Place,
    /// Those that were decided or ran out too
    #[arg(long)]
    all: bool,
    /// Whose
    #[arg(long, default_value = LOCAL_TENANT)]
    tenant: String,
}

/// Say yes to what a bot asks
#[derive(Args)]
pub(super) struct Approve {
    #[command(flatten)]
    decision: Decision,
}

/// Say no to what a bot asks
#[derive(Args)]
pub(super) struct Deny {
    #[command(flatten)]
    decision: Decision,
}

#[derive(Args)]
struct Decision {
    /// The approval, as `confab approvals` lists it
    id: String,
    #[command(flatten)]
    place: Place,
    #[arg(long = "as", value_name = "PERSON", help = PERSON)]
    person: Option<String>,
    /// Why; the bot is told
    #[arg(long)]
    reason: Option<String>,
    /// Whose approval
    #[arg(long, default_value = LOCAL_TENANT)]
    tenant: String,
}

impl Approvals {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        super::on_tokio(self.list(screen, env))
    }

    async fn list(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let conversations = Conversations::open(&self.place, env)?;
        let now = ground::tokio_runtime().now();
        let mut approvals = Desk::all(&**conversations.store(), &self.tenant, now).await?;
        approvals.retain(|approval| self.all || approval.state == State::Pending);
        for approval in &mut approvals {
            approval.token = None;
            approval.tells = None;
        }
        if screen.is_json() {
            return Ok(screen.document(&approvals)?);
        }
        let titles = [
            ("APPROVAL", Side::Left),
            ("SESSION", Side::Left),
            ("CALL", Side::Left),
            ("STATE", Side::Left),
            ("UNTIL", Side::Left),
        ];
        Ok(screen.table(titles, approvals.iter().map(row))?)
    }
}

fn row(approval: &Approval) -> [String; 5] {
    let envelope = &approval.envelope;
    let arguments = brief(&envelope.inputs.to_string(), SHOWN);
    let until: Time = approval.expires_at;
    [
        approval.id.clone(),
        plain(approval.session.id()),
        format!("{} {arguments}", plain(&envelope.tool_name)),
        approval.state.name().to_owned(),
        moment(until),
    ]
}

impl Approve {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        super::on_tokio(self.decision.make(Answer::Yes, screen, env))
    }
}

impl Deny {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        super::on_tokio(self.decision.make(Answer::No, screen, env))
    }
}

impl Decision {
    /// Decides through the host that works in the data folder, or else as the host.
    async fn make(&self, answer: Answer, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let options = self.place.options("approve");
        let state = match Assembly::open(&options, env) {
            Ok(assembly) => self.here(&assembly, answer).await?,
            Err(Error::DataInUse { folder, holder }) => match holder.as_deref().and_then(address) {
                Some(address) => self.there(address, answer, env).await?,
                None => return Err(Error::DataInUse { folder, holder }.into()),
            },
            Err(error) => return Err(error.into()),
        };
        if screen.is_json() {
            return Ok(screen.document(&json!({ "approval": self.id, "state": state }))?);
        }
        Ok(screen.line(format_args!("{}: {state}", self.id))?)
    }

    async fn here(&self, assembly: &Assembly, answer: Answer) -> Result<String, Failure> {
        let Some(person) = &self.person else {
            return Err(Failure::wrong(
                "it is not said who decides",
                "add `--as NAME`, with a name of people.toml",
            ));
        };
        let host = &assembly.host;
        host.recover().await?;
        let call = (self.tenant.as_str(), self.id.as_str());
        let reason = self.reason.as_deref();
        let decided = host.desk().decide(call, person, answer, reason).await?;
        let approval = decided.map_err(|refusal| {
            let help =
                "`confab approvals --all` shows what became of it, people.toml who has which role";
            Failure::wrong(format!("that did not count: {refusal}"), help)
        })?;
        engine::session::Sessions::durable(&**host.store()).await?;
        if approval.state != State::Pending {
            // What is not done by then is taken up at the next start.
            let told = tokio::time::timeout(PATIENCE, host.approval_told(&self.id)).await;
            drop(told);
        }
        let approval = host.desk().read(&self.tenant, &self.id).await?;
        Ok(approval.state.name().to_owned())
    }

    async fn there(&self, address: &str, answer: Answer, env: &Env) -> Result<String, Failure> {
        let verb = match answer {
            Answer::Yes => "approve",
            Answer::No => "deny",
        };
        let path = format!("/v1/{}/approvals/{}/{verb}", self.tenant, self.id);
        let body = json!({ "person": self.person, "reason": self.reason });
        let unreachable = || {
            let what = format!("the host at {address} does not answer");
            Failure::cannot_run(what, Some("try again, or stop it first".to_owned()))
        };
        let client = Client::new(address, key(env), PATIENCE)?;
        let answer = client.post(&path, &body).await;
        let said = answer.map_err(|_| unreachable())?.given();
        let said = said.map_err(|problem| {
            let help = "where keys are needed, put yours into CONFAB_KEY; else say `--as NAME`";
            Failure::wrong(problem.detail(), help)
        })?;
        let state = said["state"].as_str().ok_or_else(unreachable)?;
        Ok(state.to_owned())
    }
}
