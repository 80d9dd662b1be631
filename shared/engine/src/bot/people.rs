//! `people.toml`: the people of the house, what they may decide, where they are asked, and when they are told what.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::bot::document::Document;
use crate::bot::format::Format;
use crate::bot::names;
use crate::bot::problem::{Problem, did_you_mean, listed};
use crate::bot::reader::{MAX_FILE, Reader};
use crate::bot::rigour::Written;
use crate::bot::wording::escape;
use crate::message::Channel;
use crate::notify::{Class, QuietHours};
use crate::session::SessionKey;

mod habits;

use habits::{Habits, Mutable, QuietTable, Told};

pub(super) const FILE: &str = "people.toml";

/// The people of the house, by the name that keys and decisions call them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People(BTreeMap<String, Person>);

/// A person of the house.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// What others call them.
    pub name: String,
    /// What they may decide.
    pub roles: BTreeSet<String>,
    /// Where they are reached: the contact of their own session, by channel.
    pub contacts: BTreeMap<Channel, String>,
    /// Their time zone, such as `Europe/Lisbon`.
    pub zone: Option<String>,
    /// When they are told only what is urgent.
    pub quiet: Option<QuietHours>,
    /// Where they want to be told, the first first.
    pub prefer: Vec<Channel>,
    /// What they do not want to be told.
    pub mute: BTreeSet<Class>,
    /// Who is told in their place.
    pub backup: Option<String>,
}

impl From<BTreeMap<String, Person>> for People {
    fn from(people: BTreeMap<String, Person>) -> Self {
        Self(people)
    }
}

impl People {
    /// The person called `id`.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Person> {
        self.0.get(id)
    }

    /// Who has `role`, with their names.
    pub fn with_role<'a>(&'a self, role: &'a str) -> impl Iterator<Item = (&'a str, &'a Person)> {
        let has = move |person: &Person| person.roles.contains(role);
        self.0
            .iter()
            .filter(move |(_, person)| has(person))
            .map(|(id, person)| (id.as_str(), person))
    }

    /// The person whose own session `session` is.
    #[must_use]
    pub fn behind(&self, session: &SessionKey) -> Option<(&str, &Person)> {
        let here = |person: &Person| {
            let contact = person.contacts.get(&session.channel());
            contact.is_some_and(|contact| contact == session.contact())
        };
        let found = self.0.iter().find(|(_, person)| here(person));
        found.map(|(id, person)| (id.as_str(), person))
    }

    /// What some of them may decide.
    pub(crate) fn roles(&self) -> BTreeSet<&str> {
        let roles = self.0.values().flat_map(|person| &person.roles);
        roles.map(String::as_str).collect()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What is wrong when `needed` people with `role` must say yes, and what to do.
    pub(crate) fn shortage(&self, role: &str, needed: u32) -> Option<(String, String)> {
        let count = self.with_role(role).count();
        if count == 0 {
            let roles = self.roles();
            let hint = if self.0.is_empty() {
                format!(
                    "write {FILE}: `format = 1`, then `[people.ana]` with `roles = [\"{role}\"]`"
                )
            } else {
                let known = listed(roles.iter().copied());
                did_you_mean(role, roles).unwrap_or_else(|| format!("the roles there are {known}"))
            };
            Some((format!("nobody in {FILE} has the role `{role}`"), hint))
        } else if count < usize::try_from(needed).unwrap_or(usize::MAX) {
            Some((
                format!("{needed} people must say yes, and only {count} has the role `{role}`"),
                format!("give the role to more people in {FILE}, or ask fewer"),
            ))
        } else {
            None
        }
    }

    /// Reports a role that too few people have, at `pointer`.
    pub(super) fn expect(
        &self,
        problems: &mut Vec<Problem>,
        document: &Document<'_>,
        pointer: &str,
        role: &str,
        needed: u32,
    ) {
        if let Some((what, hint)) = self.shortage(role, needed) {
            problems.push(document.problem(pointer, what).hint(hint));
        }
    }
}

/// `people.toml`: the people of the house, what they may decide, and where they are asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Confab people")]
pub(super) struct PeopleFile {
    /// The version of this file's format; write `format = 1`.
    #[expect(dead_code, reason = "checked while it is read")]
    format: Format,
    /// The people, each in a table such as `[people.ana]`. Keys in the secrets file call them by the same
    /// name: `person = "ana"`.
    #[serde(default)]
    people: PeopleTable,
}

/// People by name.
#[derive(Debug, Default, Deserialize)]
struct PeopleTable(BTreeMap<String, PersonTable>);

impl JsonSchema for PeopleTable {
    fn schema_name() -> Cow<'static, str> {
        "People".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": names::SLUG },
            "additionalProperties": generator.subschema_for::<PersonTable>(),
        })
    }
}

/// A person of the house.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PersonTable {
    /// What others call them; the table's name when absent.
    #[schemars(length(min = 1, max = 80))]
    name: Option<String>,
    /// What they may decide, such as `["manager"]`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = names::SLUG)), extend("uniqueItems" = true))]
    roles: Vec<String>,
    /// Their phone number for text messages, such as `+15550100`.
    #[schemars(regex(pattern = names::PHONE))]
    sms: Option<String>,
    /// Their phone number on WhatsApp.
    #[schemars(regex(pattern = names::PHONE))]
    whatsapp: Option<String>,
    /// Their contact name in the web chat. Whoever can write under this name there decides as this person.
    #[schemars(length(min = 1, max = 64))]
    web: Option<String>,
    /// When they are told nothing but what is urgent, by the clock of their `timezone`; the rest is kept until
    /// these hours end, and told then all at once.
    quiet_hours: Option<QuietTable>,
    /// Their time zone, such as `Europe/Lisbon`.
    #[schemars(length(min = 1, max = 64))]
    timezone: Option<String>,
    /// The channels on which they want to be told, the first first. The others follow.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    prefer: Vec<Told>,
    /// What they do not want to be told, such as `["ambient"]`. What is urgent is told always.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    mute: Vec<Mutable>,
    /// Who is told in their place when they cannot be reached, or give no sign: the name of another person.
    #[schemars(regex(pattern = names::SLUG))]
    backup: Option<String>,
}

/// The people that the folder names, perhaps none; nothing when what it says of them cannot be read.
pub(super) fn load(reader: &mut Reader<'_>) -> Option<People> {
    if !reader.has(FILE) {
        return Some(People::default());
    }
    let text = reader.text(FILE, MAX_FILE)?;
    let (document, file) = reader.toml::<PeopleFile>(FILE, &text, Written::People)?;
    let mut taken = BTreeMap::new();
    let mut people = BTreeMap::new();
    for (id, table) in file.people.0 {
        let contacts = [
            (Channel::Web, table.web),
            (Channel::Sms, table.sms),
            (Channel::Whatsapp, table.whatsapp),
        ];
        let contacts: BTreeMap<Channel, String> = contacts
            .into_iter()
            .filter_map(|(channel, contact)| Some((channel, contact?)))
            .collect();
        for (channel, contact) in &contacts {
            let pointer = format!("/people/{}/{channel}", escape(&id));
            if let Err(bad) = SessionKey::new("local", "bot", *channel, contact) {
                let problem = document.problem(&pointer, bad.to_string());
                reader.problems.push(problem);
            }
            if let Some(other) = taken.insert((*channel, contact.clone()), id.clone()) {
                let what = format!("`{other}` and `{id}` have the same contact on {channel}");
                let problem = document.problem(&pointer, what);
                let hint = "what is written from there must be one person's word";
                reader.problems.push(problem.hint(hint));
            }
        }
        let mut person = Person {
            name: table.name.unwrap_or_else(|| id.clone()),
            roles: table.roles.into_iter().collect(),
            contacts,
            ..Person::default()
        };
        let habits = Habits {
            quiet: table.quiet_hours,
            zone: table.timezone,
            prefer: table.prefer,
            mute: table.mute,
            backup: table.backup,
        };
        habits.settle(&id, &mut person, &document, &mut reader.problems);
        people.insert(id, person);
    }
    habits::check_backups(&people, &document, &mut reader.problems);
    Some(People(people))
}
