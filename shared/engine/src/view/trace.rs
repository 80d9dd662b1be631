//! The trace of a session: every turn with its rounds, and every message with its verdict.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::View;
use crate::error::Error;
use crate::message::Delivery;
use crate::model::{ModelCall, Usage};
use crate::runtime::Time;
use crate::session::{Session, SessionKey};
use crate::transcript::{
    Settled, Settlement, ToolResult, ToolStatus, Turn, TurnRecord, Undoing, Verdict, conversation,
};

/// Everything that happened in a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// The session.
    pub session: SessionKey,
    /// Every accepted message in order, with how it ended.
    pub messages: Vec<MessageTrace>,
    /// Every turn that passed its gate, in order.
    pub turns: Vec<TurnTrace>,
    /// What all of them cost.
    pub usage: Usage,
}

/// An accepted message and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageTrace {
    /// Its id.
    pub id: String,
    /// Its arrival number, from 1.
    pub arrival: u64,
    /// When it was accepted.
    pub at: Time,
    /// How it ended.
    pub verdict: MessageVerdict,
    /// The turn that settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u64>,
}

/// How a message ended, or that it has not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageVerdict {
    /// It waits, or its reply is on its way.
    Pending,
    /// It ended thus.
    #[serde(untagged)]
    Settled(Verdict),
}

/// A turn that passed its gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TurnTrace {
    /// Its number, from 1.
    pub turn: u64,
    /// How its messages ended.
    pub verdict: MessageVerdict,
    /// Why, where it is not `answered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ids of its messages.
    pub messages: Vec<String>,
    /// The version of the bot that answered.
    pub bot_version: String,
    /// The hash of its soul.
    pub soul: String,
    /// Its calls of the brain.
    pub rounds: Vec<RoundTrace>,
    /// What the contact was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// What became of each part of it, on carriers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delivery: Vec<Delivery>,
    /// What it cost.
    pub usage: Usage,
    /// When it began.
    pub at: Time,
}

/// One call of the brain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoundTrace {
    /// Every try at a model.
    pub model_calls: Vec<ModelCall>,
    /// The tools it called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolTrace>,
    /// Why they undid what earlier rounds had done, if they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoing: Option<Undoing>,
    /// How long it thought, in milliseconds.
    pub millis: u64,
}

/// One tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolTrace {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// The key under which it happened at most once.
    pub intent: String,
    /// The intent of the effect that it undid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ToolStatus>,
    /// What a person found out later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
    /// What it answered.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub result: Value,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// What is known of all turns besides their transcript items.
struct Known {
    results: BTreeMap<String, ToolResult>,
    settlements: BTreeMap<u64, Settlement>,
    deliveries: BTreeMap<u64, Vec<Delivery>>,
}

impl View {
    /// Everything that happened in the session.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn trace(&self, key: &SessionKey) -> Result<Trace, Error> {
        let session = self.sessions.load(key).await?;
        let turns = conversation(&session, &self.transcripts.since(key, 1).await?);
        let mut known = Known {
            results: self.results.results_since(key, 1).await?,
            settlements: self.outcomes.settlements_since(key, 1).await?,
            deliveries: self.outcomes.deliveries_since(key, 1).await?,
        };
        let mut messages = Vec::new();
        let mut traces = Vec::new();
        for turn in &turns {
            let verdict = verdict(&session, turn.last().turn, &known);
            messages.extend(settled(turn, verdict));
            traces.push(known.trace(turn, verdict));
        }
        messages.extend(
            session
                .inbox
                .iter()
                .zip(session.head()..)
                .map(|(message, arrival)| MessageTrace {
                    id: message.id.clone(),
                    arrival,
                    at: message.at,
                    verdict: MessageVerdict::Pending,
                    turn: None,
                }),
        );
        let usage = traces
            .iter()
            .fold(Usage::default(), |sum, turn| sum.plus(turn.usage));
        self.sessions.durable_of(key).await?;
        Ok(Trace {
            session: key.clone(),
            messages,
            turns: traces,
            usage,
        })
    }
}

/// `answered` is derived: the gate is passed, the outbox settled, and nothing else was said.
fn verdict(session: &Session, turn: u64, known: &Known) -> MessageVerdict {
    match known.settlements.get(&turn) {
        Some(settlement) => MessageVerdict::Settled(settlement.verdict),
        None if session.out.as_ref().is_some_and(|out| out.turn == turn) => MessageVerdict::Pending,
        None => MessageVerdict::Settled(Verdict::Answered),
    }
}

fn settled(turn: &Turn, verdict: MessageVerdict) -> impl Iterator<Item = MessageTrace> {
    let number = turn.last().turn;
    turn.messages()
        .filter(|(_, taken)| !taken.repeat)
        .map(move |(arrival, taken)| MessageTrace {
            id: taken.id.clone(),
            arrival,
            at: taken.at,
            verdict: match verdict {
                MessageVerdict::Settled(Verdict::Answered) if turn.absorbed(arrival) => {
                    MessageVerdict::Settled(Verdict::Absorbed)
                }
                verdict => verdict,
            },
            turn: Some(number),
        })
}

impl Known {
    fn trace(&mut self, turn: &Turn, verdict: MessageVerdict) -> TurnTrace {
        let (first, last) = (&turn.rounds[0], turn.last());
        TurnTrace {
            turn: last.turn,
            verdict,
            reason: self
                .settlements
                .remove(&last.turn)
                .map(|settlement| settlement.reason),
            messages: turn.messages().map(|(_, taken)| taken.id.clone()).collect(),
            bot_version: last.bot.clone(),
            soul: last.soul.clone(),
            rounds: turn.rounds.iter().map(|round| self.round(round)).collect(),
            reply: turn.reply().map(str::to_owned),
            delivery: self.deliveries.remove(&last.turn).unwrap_or_default(),
            usage: turn.usage(),
            at: first.at,
        }
    }

    fn round(&self, record: &TurnRecord) -> RoundTrace {
        let tools = record.decision.calls().iter().map(|call| {
            let result = self.results.get(&call.intent);
            ToolTrace {
                tool: call.tool.clone(),
                arguments: call.arguments.clone(),
                intent: call.intent.clone(),
                undoes: call.undoes.clone(),
                status: result.map(|result| result.status),
                settled: result.and_then(|result| result.settled.clone()),
                result: result
                    .map(|result| result.content.clone())
                    .unwrap_or_default(),
                millis: result.map_or(0, |result| result.millis),
            }
        });
        RoundTrace {
            model_calls: record.model_calls.clone(),
            tools: tools.collect(),
            undoing: record.decision.undoing().cloned(),
            millis: record.millis,
        }
    }
}
