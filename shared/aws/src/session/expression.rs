//! Update and condition expressions with every name behind a placeholder.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::item::{Item, number, text};

/// One conditional `UpdateItem`, but for its table and key.
///
/// It asks for `ALL_NEW`, as the session port answers with the session, and for `ALL_OLD` when the
/// condition fails, which `Session::refusal` explains. Neither costs a unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Update {
    /// When it is carried out.
    pub condition: String,
    /// What it changes.
    pub update: String,
    /// Attribute names by placeholder, which begins with `#`.
    pub names: HashMap<String, String>,
    /// Values by placeholder, which begins with `:`.
    pub values: Item,
}

/// An [`Update`] in the making. `#name` stands for the attribute `name`, if nothing else is said.
#[derive(Default)]
pub(super) struct Draft {
    conditions: Vec<String>,
    set: Vec<String>,
    add: Vec<String>,
    remove: Vec<String>,
    names: HashMap<String, String>,
    values: Item,
}

impl Draft {
    pub(super) fn when(mut self, condition: &str) -> Self {
        self.conditions.push(condition.to_owned());
        self
    }

    pub(super) fn set(mut self, path: &str, operand: &str) -> Self {
        self.set.push(format!("{path} = {operand}"));
        self
    }

    pub(super) fn add(mut self, path: &str, value: &str) -> Self {
        self.add.push(format!("{path} {value}"));
        self
    }

    pub(super) fn remove(mut self, path: impl Into<String>) -> Self {
        self.remove.push(path.into());
        self
    }

    /// Says what `placeholder` stands for when it is not its own name.
    pub(super) fn name(mut self, placeholder: &str, name: &str) -> Self {
        self.names.insert(placeholder.to_owned(), name.to_owned());
        self
    }

    pub(super) fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    pub(super) fn number(self, placeholder: &str, value: impl ToString) -> Self {
        self.value(placeholder, self::number(value))
    }

    pub(super) fn text(self, placeholder: &str, value: impl ToString) -> Self {
        self.value(placeholder, self::text(value))
    }

    pub(super) fn finish(mut self) -> Update {
        let condition = self.conditions.join(" AND ");
        let clauses = [
            ("SET", &self.set),
            ("ADD", &self.add),
            ("REMOVE", &self.remove),
        ];
        let clauses: Vec<String> = clauses
            .into_iter()
            .filter(|(_, actions)| !actions.is_empty())
            .map(|(clause, actions)| format!("{clause} {}", actions.join(", ")))
            .collect();
        let update = clauses.join(" ");
        for placeholder in placeholders(&condition).chain(placeholders(&update)) {
            let name = placeholder.trim_start_matches('#').to_owned();
            self.names.entry(placeholder).or_insert(name);
        }
        Update {
            condition,
            update,
            names: self.names,
            values: self.values,
        }
    }
}

/// The `#name` placeholders of an expression.
fn placeholders(expression: &str) -> impl Iterator<Item = String> {
    expression.split('#').skip(1).map(|rest| {
        let name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        std::iter::once('#')
            .chain(rest.chars().take_while(name))
            .collect()
    })
}
