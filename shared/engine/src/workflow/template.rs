//! Values with expressions in them: `Order ${ $inputs.order } is late`.

use serde_json::{Map, Value};

use crate::bot::{Place, Problem};
use crate::workflow::expression::Expression;
use crate::workflow::scope::Scope;
use crate::yaml::{Node, Yaml};

/// A value in which every `${ … }` is an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Template {
    /// A value without expressions.
    Constant(Value),
    /// One expression, whose value it is.
    Expression(Expression),
    /// A text with expressions inside.
    Text(Vec<Part>),
    /// A list.
    List(Vec<Template>),
    /// A table.
    Table(Vec<(String, Template)>),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// As it stands.
    Literal(String),
    /// What an expression gives.
    Expression(Expression),
}

impl Template {
    /// Reads every expression in a value.
    ///
    /// # Errors
    /// Where a `${` has no end.
    pub(crate) fn read(node: &Node) -> Result<Self, Place> {
        match &node.value {
            Yaml::Scalar { text, .. } if text.contains("${") => Self::text(text, node.place),
            Yaml::Scalar { .. } => Ok(Self::Constant(node.json())),
            Yaml::List(items) => {
                let items: Vec<Self> = items.iter().map(Self::read).collect::<Result<_, _>>()?;
                Ok(Self::gathered(Self::List(items)))
            }
            Yaml::Table(entries) => {
                let entry =
                    |entry: &crate::yaml::Entry| Ok((entry.key.clone(), Self::read(&entry.value)?));
                let entries: Vec<_> = entries.iter().map(entry).collect::<Result<_, Place>>()?;
                Ok(Self::gathered(Self::Table(entries)))
            }
        }
    }

    fn text(text: &str, place: Place) -> Result<Self, Place> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            // `$${` is a `${` that is meant so.
            if let Some(before) = before.strip_suffix('$') {
                literal.push_str(before);
                literal.push_str("${");
                rest = after;
                continue;
            }
            literal.push_str(before);
            let end = end(after).ok_or(place)?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Expression(Expression::new(&after[..end], place)));
            rest = &after[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(match parts.as_slice() {
            [] => Self::Constant(Value::String(String::new())),
            [Part::Expression(expression)] => Self::Expression(expression.clone()),
            [Part::Literal(text)] => Self::Constant(Value::String(text.clone())),
            _ => Self::Text(parts),
        })
    }

    /// A list or table without expressions is a constant.
    fn gathered(self) -> Self {
        let constant = |template: &Self| match template {
            Self::Constant(value) => Some(value.clone()),
            _ => None,
        };
        let value = match &self {
            Self::List(items) => items
                .iter()
                .map(constant)
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
            Self::Table(entries) => entries
                .iter()
                .map(|(name, template)| Some((name.clone(), constant(template)?)))
                .collect::<Option<Map<_, _>>>()
                .map(Value::Object),
            _ => None,
        };
        value.map_or(self, Self::Constant)
    }

    /// The value, when it has no expressions.
    #[must_use]
    pub fn constant(&self) -> Option<&Value> {
        match self {
            Self::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// The expressions in it.
    pub(super) fn expressions<'t>(&'t self, found: &mut Vec<&'t Expression>) {
        match self {
            Self::Constant(_) => {}
            Self::Expression(expression) => found.push(expression),
            Self::Text(parts) => found.extend(parts.iter().filter_map(|part| match part {
                Part::Expression(expression) => Some(expression),
                Part::Literal(_) => None,
            })),
            Self::List(items) => items.iter().for_each(|item| item.expressions(found)),
            Self::Table(entries) => entries
                .iter()
                .for_each(|(_, value)| value.expressions(found)),
        }
    }

    /// The value as a state's field holds it.
    pub(super) fn resolve(&self, scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Value {
        match self {
            Self::Constant(value) => constant(value),
            Self::Expression(expression) => jsonata(&expression.resolve(scope, problems)),
            Self::Text(_) => jsonata(&self.operand(scope, problems)),
            Self::List(items) => items
                .iter()
                .map(|item| item.resolve(scope, problems))
                .collect(),
            Self::Table(entries) => {
                let entries = entries.iter();
                let entries =
                    entries.map(|(name, value)| (name.clone(), value.resolve(scope, problems)));
                Value::Object(entries.collect())
            }
        }
    }

    /// The value as an expression.
    pub(super) fn operand(&self, scope: &Scope<'_>, problems: &mut Vec<Problem>) -> String {
        match self {
            Self::Constant(value) => quoted(value),
            Self::Expression(expression) => format!("({})", expression.resolve(scope, problems)),
            Self::Text(parts) => {
                let part = |part: &Part| match part {
                    Part::Literal(text) => quoted(&Value::from(text.as_str())),
                    Part::Expression(expression) => {
                        format!("({})", expression.resolve(scope, problems))
                    }
                };
                parts.iter().map(part).collect::<Vec<_>>().join(" & ")
            }
            Self::List(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| item.operand(scope, problems))
                    .collect();
                format!("[{}]", items.join(", "))
            }
            Self::Table(entries) => {
                let entry = |(name, value): &(String, Self)| {
                    let name = Value::from(name.as_str());
                    format!("{name}: {}", value.operand(scope, problems))
                };
                let entries: Vec<String> = entries.iter().map(entry).collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }
}

/// Where the expression at the beginning of `text` ends: at the first `}` that closes nothing in it.
fn end(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None => match c {
                '\'' | '"' | '`' => quote = Some(c),
                '{' => depth += 1,
                '}' if depth == 0 => return Some(at),
                '}' => depth -= 1,
                _ => {}
            },
        }
    }
    None
}

/// A field's value that is an expression.
pub(super) fn jsonata(expression: &str) -> Value {
    Value::String(format!("{{% {expression} %}}"))
}

/// A constant that cannot be taken for an expression or a placeholder.
fn constant(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("{%") || text.contains("${") => {
            jsonata(&quoted(value))
        }
        Value::Array(items) => items.iter().map(constant).collect(),
        Value::Object(members) => {
            let members = members.iter();
            Value::Object(
                members
                    .map(|(name, value)| (name.clone(), constant(value)))
                    .collect(),
            )
        }
        scalar => scalar.clone(),
    }
}

/// A constant within an expression. It holds no `${`, which would be taken for a placeholder.
fn quoted(value: &Value) -> String {
    let text = value.to_string();
    match text.contains("${") {
        true => text.replace("${", "\\u0024{"),
        false => text,
    }
}
