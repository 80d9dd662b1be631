//! Steps that have the bot talk with somebody.

use serde_json::{Value, json};

use super::calls::waiting;
use super::retry::Retried;
use super::{Compiler, States};
use crate::bot::problem::did_you_mean;
use crate::bot::{Place, misfit};
use crate::message::Channel;
use crate::workflow::plan::{Action, Partner, Step};
use crate::workflow::scope::{Scope, variable};
use crate::workflow::template::jsonata;

/// The function.
const FUNCTION: &str = "step-converse";

/// Seconds that a conversation may take when the step does not say.
const TALKED: u64 = 86_400;

/// Seconds that the function is given to say what has become of a conversation.
const ASKED: u64 = 60;

impl<'w> Compiler<'w> {
    /// A task that waits for the end of a conversation. When its time has passed the function is asked what has become
    /// of the goal, so that a report which came at that moment counts or does not, for the run as for the bot.
    pub(super) fn converse(
        &mut self,
        step: &'w Step,
        scope: &mut Scope<'w>,
        next: &str,
        states: &mut States,
    ) {
        let Action::Converse {
            with,
            place,
            goal,
            answer,
        } = &step.action
        else {
            return;
        };
        self.check_partner(with, *place);
        let seconds = step.timeout.map_or(TALKED, |timeout| timeout.as_secs());
        let mut payload = json!({
            "with": self.partner(with, scope),
            "goal": self.text(goal, scope),
            "seconds": seconds,
        });
        if let Some(answer) = answer {
            payload["answer"] = answer.clone();
        }
        self.identify(step, scope, &mut payload);
        let over = format!("{}.over", step.name);
        let mut state = waiting(FUNCTION, payload.clone(), seconds);
        state["Assign"] = json!({ variable(&step.name): jsonata("$states.result.output") });
        state["Next"] = Value::from(next);
        self.handlers(step, scope, next, &mut state, Retried::Function, states);
        let mut conclusion = json!({
            "Type": "Task",
            "Resource": format!("${{{FUNCTION}}}"),
            "Arguments": payload,
            "TimeoutSeconds": ASKED,
            "Next": next,
        });
        let Some(state) = states.get_mut(&step.name) else {
            return;
        };
        // What is done about failures is the same, and not compiled twice.
        for field in ["Assign", "Retry", "Catch"] {
            if let Some(same) = state.get(field) {
                conclusion[field] = same.clone();
            }
        }
        let late = json!({ "ErrorEquals": ["States.Timeout"], "Next": over });
        let caught = state["Catch"].as_array().into_iter().flatten().cloned();
        state["Catch"] = std::iter::once(late).chain(caught).collect();
        states.insert(over, conclusion);
    }

    fn partner(&mut self, with: &'w Partner, scope: &Scope<'_>) -> Value {
        match with {
            Partner::Person(person) => self.text(person, scope),
            Partner::Contact { channel, contact } => {
                json!({ "channel": channel, "contact": self.text(contact, scope) })
            }
        }
    }

    /// What can be known of them before a run: expressions are judged when they have a value.
    fn check_partner(&mut self, with: &Partner, place: Place) {
        match with {
            Partner::Person(person) => {
                if let Some(Value::String(person)) = person.constant() {
                    self.check_reached(person, place);
                }
            }
            Partner::Contact { channel, contact } => {
                self.check_channel(*channel, place);
                if let Some(contact) = contact.constant() {
                    let contact = contact.as_str().map_or(contact.to_string(), str::to_owned);
                    if let Some(wrong) = misfit(*channel, &contact) {
                        self.wrong(place, wrong, "write it in quotes");
                    }
                }
            }
        }
    }

    fn check_reached(&mut self, person: &str, place: Place) {
        let people = &self.around.bot.people;
        let Some(known) = people.get(person) else {
            let (what, hint) = match people.roles().contains(person) {
                true => (
                    format!("`{person}` is a role, and a bot talks with one person at a time"),
                    "name a person, or put the step into an `each`".to_owned(),
                ),
                false => (
                    format!("there is no person `{person}`"),
                    did_you_mean(person, people.names())
                        .unwrap_or_else(|| format!("add `[people.{person}]` to people.toml")),
                ),
            };
            return self.wrong(place, what, hint);
        };
        if known.contacts.is_empty() {
            let what = format!("`{person}` cannot be reached: people.toml says no contact");
            return self.wrong(place, what, "add `sms`, `whatsapp` or `web` there");
        }
        if self.around.bot.way_to(known).is_none() {
            let what = format!("`{person}` has no contact on a channel that the bot answers on");
            let hint = "add `web` to people.toml, or `[channels.twilio]` or `[channels.whatsapp]` to bot.toml";
            self.wrong(place, what, hint);
        }
    }

    fn check_channel(&mut self, channel: Channel, place: Place) {
        if !self.around.bot.channels.has(channel) {
            let table = match channel {
                Channel::Whatsapp => "[channels.whatsapp]",
                _ => "[channels.twilio]",
            };
            let what = format!("the bot does not answer on {channel}");
            self.wrong(place, what, format!("add `{table}` to bot.toml"));
        }
    }
}
