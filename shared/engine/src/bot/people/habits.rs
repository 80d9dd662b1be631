//! When, where and of what a person wants to be told.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{FILE, Person};
use crate::bot::document::Document;
use crate::bot::names;
use crate::bot::problem::{Problem, did_you_mean};
use crate::bot::wording::escape;
use crate::message::Channel;
use crate::notify::{Class, QuietHours};

/// When, where and of what a person wants to be told, as it is written.
pub(super) struct Habits {
    pub(super) quiet: Option<QuietTable>,
    pub(super) zone: Option<String>,
    pub(super) prefer: Vec<Told>,
    pub(super) mute: Vec<Mutable>,
    pub(super) backup: Option<String>,
}

/// Hours of every day.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QuietTable {
    /// When they begin, such as `22:00`.
    #[schemars(regex(pattern = names::CLOCK))]
    from: String,
    /// When they end, such as `07:00`; on the next day when that is earlier.
    #[schemars(regex(pattern = names::CLOCK))]
    to: String,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    Web,
    Sms,
    Whatsapp,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mutable {
    Important,
    Informative,
    Ambient,
}

impl From<Told> for Channel {
    fn from(told: Told) -> Self {
        match told {
            Told::Web => Self::Web,
            Told::Sms => Self::Sms,
            Told::Whatsapp => Self::Whatsapp,
        }
    }
}

impl From<Mutable> for Class {
    fn from(mutable: Mutable) -> Self {
        match mutable {
            Mutable::Important => Self::Important,
            Mutable::Informative => Self::Informative,
            Mutable::Ambient => Self::Ambient,
        }
    }
}

impl Habits {
    /// Puts the habits of the person called `id` into what is known of them, and reports what makes no sense.
    pub(super) fn settle(
        self,
        id: &str,
        person: &mut Person,
        document: &Document<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let mut wrong = |field: &str, what: String, hint: &str| {
            let pointer = format!("/people/{}/{field}", escape(id));
            problems.push(document.problem(&pointer, what).hint(hint));
        };
        let zone = self.zone.as_deref();
        if let Some(name) = zone.filter(|name| jiff::tz::TimeZone::get(name).is_err()) {
            let what = format!("there is no time zone `{name}`");
            wrong("timezone", what, "write one such as `Europe/Lisbon`");
        } else if let Some(QuietTable { from, to }) = &self.quiet {
            match zone {
                None => wrong(
                    "quiet_hours",
                    format!("`people.{id}.quiet_hours` are by no clock: there is no `timezone`"),
                    "say where they are: `timezone = \"Europe/Lisbon\"`",
                ),
                Some(_) if from == to => wrong(
                    "quiet_hours",
                    format!("`people.{id}.quiet_hours` end when they begin"),
                    "write when they end, or remove them",
                ),
                Some(zone) => person.quiet = QuietHours::new(from, to, zone),
            }
        }
        for (at, told) in self.prefer.into_iter().enumerate() {
            let channel = Channel::from(told);
            if !person.contacts.contains_key(&channel) {
                let what = format!("`{id}` is not reached on {channel}");
                let hint = format!("say how, with `{channel} = \"…\"`, or remove it");
                wrong(&format!("prefer/{at}"), what, &hint);
            }
            person.prefer.push(channel);
        }
        person.mute = self
            .mute
            .into_iter()
            .map(Class::from)
            .collect::<BTreeSet<_>>();
        person.zone = self.zone;
        person.backup = self.backup;
    }
}

/// Reports whoever is to be told in another's place and is nobody, or the same.
pub(super) fn check_backups(
    people: &BTreeMap<String, Person>,
    document: &Document<'_>,
    problems: &mut Vec<Problem>,
) {
    for (id, person) in people {
        let Some(backup) = &person.backup else {
            continue;
        };
        let pointer = format!("/people/{}/backup", escape(id));
        let (what, hint) = if backup == id {
            let what = format!("`{id}` cannot stand in for themselves");
            (what, "name another person".to_owned())
        } else if people.contains_key(backup) {
            continue;
        } else {
            let names = people.keys().filter(|name| *name != id);
            let hint = did_you_mean(backup, names.map(String::as_str));
            let hint = hint.unwrap_or_else(|| format!("add `[people.{backup}]` to {FILE}"));
            (format!("`{backup}` is nobody in {FILE}"), hint)
        };
        problems.push(document.problem(&pointer, what).hint(hint));
    }
}
