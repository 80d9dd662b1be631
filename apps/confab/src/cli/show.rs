//! `confab show`: one conversation with its trace and its cost.

use std::sync::Arc;

use clap::Args;
use embedded::StoredRecord;
use engine::message::Delivery;
use engine::model::ModelCall;
use engine::session::{Session, Sessions as _};
use engine::transcript::{Settled, Truth, Verdict};
use engine::view::{Message, MessageVerdict, Role, RoundTrace, ToolTrace, Trace, TurnTrace};
use serde_json::{Value, json};

use super::Place;
use super::conversations::{Conversations, state};
use super::failure::Failure;
use super::screen::{Ink, Screen};
use super::wording::{brief, count, dollars, millis, moment, outcome, plain};
use super::wrap::Wrap;
use crate::assemble::Env;

/// Characters of a tool's arguments or result that are shown; `--json` has all of them.
const SHOWN: usize = 300;

/// How far the text of a conversation is set in.
const INDENT: usize = 8;

/// Show one conversation: what was said, what was done, what it cost
#[derive(Args)]
pub(super) struct Show {
    /// Its name: `web:dana`, `dana`, `sms:+15550100`, or all of `local/support/web:dana`
    session: String,
    #[command(flatten)]
    place: Place,
}

/// All that is known of one conversation.
struct Known {
    session: Arc<Session>,
    messages: Vec<Message>,
    trace: Trace,
    records: Vec<StoredRecord>,
}

impl Show {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        super::on_tokio(self.show(screen, env))
    }

    async fn show(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let conversations = Conversations::open(&self.place, env)?;
        let key = conversations.find(&self.session)?;
        let view = conversations.view();
        let known = Known {
            session: conversations.store().load(&key).await?,
            messages: view.messages(&key, 0).await?,
            trace: view.trace(&key).await?,
            records: conversations.store().records(&key)?,
        };
        if screen.is_json() {
            return Ok(screen.document(&known.document())?);
        }
        known.tell(screen)
    }
}

impl Known {
    fn document(&self) -> Value {
        let records = self.records.iter().map(|record| {
            json!({ "collection": record.collection, "id": record.id, "body": record.body })
        });
        json!({
            "session": self.trace.session,
            "state": state(&self.session),
            "messages": self.messages,
            "trace": self.trace,
            "records": records.collect::<Vec<_>>(),
        })
    }

    fn tell(&self, screen: &Screen) -> Result<(), Failure> {
        let usage = self.trace.usage;
        screen.line(format_args!(
            "{} · {} · {}, {}, {}",
            screen.paint(Ink::Bold, plain(self.trace.session.as_str())),
            state(&self.session),
            count(self.session.arrivals, "message"),
            count(self.session.delivered, "turn"),
            dollars(usage.micro_dollars),
        ))?;
        for turn in &self.trace.turns {
            self.tell_turn(screen, turn)?;
        }
        if !self.session.inbox.is_empty() {
            screen.line(format_args!(
                "\n{}",
                screen.paint(Ink::Yellow, "Not answered yet")
            ))?;
            for message in &self.session.inbox {
                say(screen, "them", &message.text)?;
            }
        }
        if !self.records.is_empty() {
            screen.line(format_args!("\n{}", screen.paint(Ink::Bold, "Records")))?;
            for record in &self.records {
                let body = brief(&record.body.to_string(), SHOWN);
                screen.line(format_args!("  {}  {body}", plain(&record.collection)))?;
            }
        }
        Ok(())
    }

    fn tell_turn(&self, screen: &Screen, turn: &TurnTrace) -> Result<(), Failure> {
        let usage = turn.usage;
        let head = format!("Turn {}", turn.turn);
        screen.line(format_args!(
            "\n{} · {} · {} · {} + {} tokens · {}",
            screen.paint(Ink::Bold, head),
            moment(turn.at),
            verdict(screen, turn.verdict),
            usage.input_tokens,
            usage.output_tokens,
            dollars(usage.micro_dollars),
        ))?;
        if let Some(reason) = &turn.reason {
            screen.line(format_args!("  why   {}", prose(screen, reason)))?;
        }
        let said = self.messages.iter();
        for message in
            said.filter(|message| message.turn == turn.turn && message.role == Role::User)
        {
            say(screen, "them", &message.text)?;
        }
        for round in &turn.rounds {
            tell_round(screen, round)?;
        }
        if let Some(reply) = &turn.reply {
            let mut said = self.messages.iter();
            let by = said.find(|said| said.turn == turn.turn && said.role == Role::Person);
            let by = by.and_then(|said| said.by.as_deref());
            say(screen, &by.map_or_else(|| "bot".to_owned(), plain), reply)?;
        }
        for delivery in &turn.delivery {
            screen.line(screen.paint(Ink::Dim, sent(delivery)))?;
        }
        Ok(())
    }
}

fn say(screen: &Screen, who: &str, text: &str) -> Result<(), Failure> {
    let who = screen.paint(Ink::Cyan, format_args!("{who:<4}"));
    Ok(screen.line(format_args!("  {who}  {}", prose(screen, text)))?)
}

fn prose(screen: &Screen, text: &str) -> String {
    Wrap::whole(&plain(text), screen.width(), INDENT)
}

fn tell_round(screen: &Screen, round: &RoundTrace) -> Result<(), Failure> {
    for call in &round.model_calls {
        screen.line(screen.paint(Ink::Dim, asked(call)))?;
    }
    for tool in &round.tools {
        screen.line(screen.paint(Ink::Dim, called(screen, tool)))?;
    }
    Ok(())
}

fn asked(call: &ModelCall) -> String {
    let outcome = match &call.error {
        Some(error) => format!(" · {}", brief(&error.to_string(), SHOWN)),
        None => String::new(),
    };
    format!(
        "  model {} · {}{outcome}",
        plain(&call.model),
        millis(call.millis)
    )
}

fn called(screen: &Screen, tool: &ToolTrace) -> String {
    let arguments = brief(&tool.arguments.to_string(), SHOWN);
    let outcome = tool.status.map_or("not run", outcome);
    let mut text = format!(
        "  tool  {} {arguments} · {outcome} · {}",
        plain(&tool.tool),
        millis(tool.millis)
    );
    match tool.settled.as_ref() {
        Some(Settled { truth, by, .. }) => {
            let truth = match truth {
                Truth::Happened { .. } => "happened",
                Truth::DidNot => "did not happen",
            };
            text = format!(
                "{text}\n{:INDENT$}{} found out that it {truth}",
                "",
                plain(by)
            );
        }
        None if tool.undoes.is_some() => text += " · undoes an earlier call",
        None => {}
    }
    if !tool.result.is_null() {
        let result = brief(&tool.result.to_string(), SHOWN);
        text = format!("{text}\n{:INDENT$}{}", "", prose(screen, &result));
    }
    text
}

fn sent(delivery: &Delivery) -> String {
    let id = delivery.provider_id.as_deref().unwrap_or_default();
    let error = delivery.error.as_deref().unwrap_or_default();
    let state = name(json!(delivery.state));
    let text = format!("  sent  part {} {state} {id} {error}", delivery.part);
    plain(text.trim_end())
}

fn verdict(screen: &Screen, verdict: MessageVerdict) -> String {
    let ink = match verdict {
        MessageVerdict::Settled(Verdict::Answered | Verdict::Absorbed) => Ink::Green,
        MessageVerdict::Settled(Verdict::Failed | Verdict::Unconfirmed) => Ink::Red,
        MessageVerdict::Settled(Verdict::HandedOff | Verdict::Refused)
        | MessageVerdict::Pending => Ink::Yellow,
    };
    screen.paint(ink, name(json!(verdict)))
}

/// The name under which a value is written in JSON.
fn name(value: Value) -> String {
    match value {
        Value::String(name) => name.replace('_', "-"),
        other => other.to_string(),
    }
}
