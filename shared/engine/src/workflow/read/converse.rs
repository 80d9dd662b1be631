//! Reads with whom a step has the bot talk, and what for.

use super::actions::answer;
use super::fields::{Fields, Source};
use crate::message::Channel;
use crate::workflow::plan::{Action, Partner};
use crate::yaml::{Node, Yaml};

/// With whom a step has the bot talk, and what is to come out of it.
pub(super) fn converse(source: &mut Source<'_>, step: &Fields<'_>, with: &Node) -> Option<Action> {
    let goal = step.need(
        source,
        "goal",
        "say what is to be reached, such as `goal: Find out whether she is well`",
    );
    let goal = goal.and_then(|node| source.text_template(node, "`goal`"));
    let answer = step.get("answer").and_then(|node| answer(source, node));
    Some(Action::Converse {
        with: partner(source, with)?,
        place: with.place,
        goal: goal?,
        answer,
    })
}

fn partner(source: &mut Source<'_>, node: &Node) -> Option<Partner> {
    let Yaml::Table(_) = node.value else {
        let hint =
            "name a person of people.toml, or write `{channel: sms, contact: \"+15550100\"}`";
        if let Yaml::List(_) = node.value {
            source.wrong(node.place, "a bot talks with one person at a time", hint);
            return None;
        }
        let person = source.text_template(node, "`converse`")?;
        return Some(Partner::Person(person));
    };
    let fields = source.table(node, "`converse`")?;
    fields.allow(source, &["channel", "contact"]);
    let channels = Channel::ALL.map(|channel| (channel.name(), channel));
    let channel = fields.need(source, "channel", "write `web`, `sms` or `whatsapp`");
    let channel = channel.and_then(|node| source.choice(node, "`channel`", &channels));
    let contact = fields.need(
        source,
        "contact",
        "write their name there, or their number in quotes, such as \"+15550100\"",
    );
    let contact = contact.and_then(|node| source.text_template(node, "`contact`"));
    Some(Partner::Contact {
        channel: channel?,
        contact: contact?,
    })
}
