//! `confab take`, `say`, `give-back`, `close` and `redrive`: what a person does with a conversation.

use std::time::Duration;

use clap::Args;
use engine::attend::{Attend, Objection};
use engine::session::{Lifecycle, SessionKey, Sessions as _};
use serde_json::{Value, json};
use surface::Problem;

use super::Place;
use super::conversations::Conversations;
use super::failure::Failure;
use super::screen::Screen;
use super::wording::plain;
use super::{logs, warnings};
use crate::assemble::{Assembly, Env, Error, data_path};

mod remote;

use remote::Remote;

/// How long what was begun may take when no other process works in the data folder.
const PATIENCE: Duration = Duration::from_secs(120);

/// Take a conversation over: the bot is silent in it until you give it back
#[derive(Args)]
pub(super) struct Take {
    /// Its name: `web:dana`, `dana`, `sms:+15550100`, or all of `local/support/web:dana`
    session: String,
    /// Your name, which the contact and the bot see
    #[arg(long = "as", value_name = "NAME")]
    person: String,
    #[command(flatten)]
    place: Place,
}

/// Say something in a conversation that was taken over
#[derive(Args)]
pub(super) struct Say {
    /// Its name, as `confab sessions` lists it
    session: String,
    /// What the contact is told, as it stands
    text: String,
    /// Your name; that of who has taken it over when absent
    #[arg(long = "as", value_name = "NAME")]
    person: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Give a conversation back to the bot
#[derive(Args)]
pub(super) struct GiveBack {
    /// Its name, as `confab sessions` lists it
    session: String,
    #[command(flatten)]
    place: Place,
}

/// End a conversation: what was said until now is not shown to the bot again
#[derive(Args)]
pub(super) struct Close {
    /// Its name, as `confab sessions` lists it
    session: String,
    #[command(flatten)]
    place: Place,
}

/// Give the messages of a parked turn another try
#[derive(Args)]
pub(super) struct Redrive {
    /// The conversation's name, as `confab sessions` lists it
    session: String,
    /// The turn's number, as `confab show` tells it
    turn: u64,
    #[command(flatten)]
    place: Place,
}

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) enum Wish<'a> {
    Take(&'a str),
    Say(Option<&'a str>, &'a str),
    GiveBack,
    Close,
    Redrive(u64),
}

impl Take {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        Attempt::new(&self.session, Wish::Take(&self.person)).run(&self.place, screen, env)
    }
}

impl Say {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let wish = Wish::Say(self.person.as_deref(), &self.text);
        Attempt::new(&self.session, wish).run(&self.place, screen, env)
    }
}

impl GiveBack {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        Attempt::new(&self.session, Wish::GiveBack).run(&self.place, screen, env)
    }
}

impl Close {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        Attempt::new(&self.session, Wish::Close).run(&self.place, screen, env)
    }
}

impl Redrive {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        Attempt::new(&self.session, Wish::Redrive(self.turn)).run(&self.place, screen, env)
    }
}

/// A wish for a conversation as the user calls it.
struct Attempt<'a> {
    session: &'a str,
    wish: Wish<'a>,
}

impl<'a> Attempt<'a> {
    fn new(session: &'a str, wish: Wish<'a>) -> Self {
        Self { session, wish }
    }

    fn run(&self, place: &Place, screen: &Screen, env: &Env) -> Result<(), Failure> {
        logs::start(screen, env)?;
        super::on_tokio(self.make(place, screen, env))
    }

    async fn make(&self, place: &Place, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let conversations = Conversations::open(place, env)?;
        let key = conversations.find(self.session)?;
        let holder = conversations.store().load(&key).await?.handoff.clone();
        drop(conversations);
        let wish = match self.wish {
            Wish::Say(None, text) => {
                let holder = holder
                    .as_deref()
                    .ok_or_else(|| refused(&Objection::NotTaken.into(), self.session))?;
                Wish::Say(Some(holder), text)
            }
            wish => wish,
        };
        let answer = match Assembly::open(&place.options("take"), env) {
            Ok(assembly) => {
                warnings::tell(screen, &assembly);
                here(&assembly, &key, wish).await
            }
            Err(Error::DataInUse { holder, .. }) => {
                let data = data_path(&place.bot, place.data.as_deref(), env);
                let host = Remote::of(holder.as_deref(), data)
                    .ok_or_else(|| unreachable(holder.as_deref()))?;
                host.ask(&key, wish).await?
            }
            Err(error) => return Err(error.into()),
        };
        let answer = answer.map_err(|problem| refused(&problem, self.session))?;
        tell(screen, &key, wish, &answer)
    }
}

/// Does it in this process, since no other works in the data folder, and waits for what follows.
async fn here(assembly: &Assembly, key: &SessionKey, wish: Wish<'_>) -> Result<Value, Problem> {
    let host = &assembly.host;
    host.recover().await?;
    let desk = host.attend();
    let answer = match wish {
        Wish::Take(person) => json!(desk.take_over(key, person).await?),
        Wish::GiveBack => json!(desk.hand_back(key).await?),
        Wish::Close => json!(desk.close(key).await?),
        Wish::Say(person, text) => say(&desk, key, person.unwrap_or_default(), text).await?,
        Wish::Redrive(turn) => {
            let redriven = host.redrive().handle(key, turn).await?;
            json!({ "accepted": redriven.accepted, "duplicates": redriven.duplicates })
        }
    };
    // What did not end is taken up at the next start.
    drop(tokio::time::timeout(PATIENCE, host.idle()).await);
    host.store().durable().await?;
    Ok(answer)
}

async fn say(
    desk: &Attend,
    key: &SessionKey,
    person: &str,
    text: &str,
) -> Result<Value, Objection> {
    let id = desk.intake.accept.runtime.new_id().to_string();
    desk.reply(key, person, &id, text).await?;
    Ok(json!({ "session": key.id(), "message": id, "status": "accepted" }))
}

fn tell(screen: &Screen, key: &SessionKey, wish: Wish<'_>, answer: &Value) -> Result<(), Failure> {
    if screen.is_json() {
        return Ok(screen.document(answer)?);
    }
    let name = plain(key.id());
    let text = match wish {
        Wish::Take(person) => format!(
            "{name} is yours, {}: the bot is silent until `confab give-back {name}`",
            plain(person)
        ),
        Wish::Say(..) => format!("said in {name}; `confab show {name}` tells what became of it"),
        Wish::GiveBack => format!("the bot answers in {name} again"),
        Wish::Close => match answer["state"] == json!(Lifecycle::HandedOff) {
            true => format!("{name} is with a person again"),
            false => format!("{name} is closed; the next message begins another conversation"),
        },
        Wish::Redrive(turn) => format!(
            "turn {turn} of {name}: {} accepted again, {} had been before",
            answer["accepted"], answer["duplicates"]
        ),
    };
    Ok(screen.line(text)?)
}

/// Why it was refused, and what to do.
fn refused(problem: &Problem, session: &str) -> Failure {
    let help = match problem.code() {
        "held_by_another" => {
            format!("they give it back with `confab give-back {session}`; so can you")
        }
        "not_taken_over" => format!("take it over with `confab take {session} --as NAME`"),
        "turn_running" => format!("`confab show {session}` tells when the message is answered"),
        "nothing_said" => "`confab sessions` lists the conversations".to_owned(),
        "opted_out" => "wait for them to write START, or reach them another way".to_owned(),
        _ => format!("`confab show {session}` tells where the conversation stands"),
    };
    Failure::wrong(problem.detail(), help)
}

fn unreachable(holder: Option<&str>) -> Failure {
    let holder = holder.unwrap_or("another process");
    Failure::cannot_run(
        format!("the data folder is in use by {holder}, which serves nobody"),
        Some("wait until it has ended, or end it".to_owned()),
    )
}
