//! A field's value: constant, an expression, or JSON with expressions inside.

use serde_json::{Map, Value};

use super::{EvaluationError, Expression, Query, Scope};

/// A value with expressions inside: every `{% … %}` text, or every `name.$` field.
#[derive(Debug)]
pub(crate) enum Template {
    Constant(Value),
    Expression(Box<Expression>),
    Query(Box<Query>),
    Array(Vec<Template>),
    Object(Vec<(String, Template)>),
}

/// Why a text is not a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TemplateError {
    /// Where below the field, such as `/a[0]`.
    pub(crate) path: String,
    /// In AWS's words.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Template {
    /// Parses every expression in `value`.
    ///
    /// # Errors
    /// The first text that is not an expression although it is marked as one.
    pub(crate) fn parse(value: &Value) -> Result<Self, TemplateError> {
        match value {
            Value::String(text) => Self::text(text),
            Value::Array(items) => Self::array(items),
            Value::Object(fields) => Self::object(fields),
            scalar => Ok(Self::Constant(scalar.clone())),
        }
    }

    fn text(text: &str) -> Result<Self, TemplateError> {
        let here = |message: String| TemplateError {
            path: String::new(),
            message,
            hint: None,
        };
        let inner = text.strip_prefix("{%").map(|rest| rest.strip_suffix("%}"));
        match inner {
            Some(Some(source)) => Expression::parse(source)
                .map(|expression| Self::Expression(Box::new(expression)))
                .map_err(|error| here(format!("The JSONata expression is not valid: {error}"))),
            Some(None) => Err(here(
                "A JSONata expression starts with '{%' and must end with '%}'".to_owned(),
            )),
            None => Ok(Self::Constant(Value::String(text.to_owned()))),
        }
    }

    fn array(items: &[Value]) -> Result<Self, TemplateError> {
        let parse = |(at, item)| Self::parse(item).map_err(|e| e.below(&format!("[{at}]")));
        let parts: Vec<_> = items
            .iter()
            .enumerate()
            .map(parse)
            .collect::<Result<_, _>>()?;
        if parts.iter().all(Self::is_constant) {
            return Ok(Self::Constant(Value::Array(items.to_vec())));
        }
        Ok(Self::Array(parts))
    }

    fn object(fields: &Map<String, Value>) -> Result<Self, TemplateError> {
        let parse = |(name, value): (&String, &Value)| {
            let part = Self::parse(value).map_err(|e| e.below(&format!("/{name}")))?;
            Ok((name.clone(), part))
        };
        let parts: Vec<_> = fields.iter().map(parse).collect::<Result<_, _>>()?;
        if parts.iter().all(|(_, part)| part.is_constant()) {
            return Ok(Self::Constant(Value::Object(fields.clone())));
        }
        Ok(Self::Object(parts))
    }

    pub(crate) fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }

    /// The value, with every expression replaced by what it evaluates to. `location` names the
    /// field, for errors.
    ///
    /// # Errors
    /// The first expression that failed or gave nothing.
    pub(crate) fn evaluate(
        &self,
        location: &dyn std::fmt::Display,
        scope: &Scope<'_>,
    ) -> Result<Value, EvaluationError> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Expression(expression) => evaluate(expression, location, scope),
            Self::Query(query) => query.evaluate(scope),
            Self::Array(parts) => {
                let item = |(at, part): (usize, &Self)| {
                    part.evaluate(&format_args!("{location}[{at}]"), scope)
                };
                let items = parts.iter().enumerate().map(item);
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            Self::Object(parts) => {
                let mut object = Map::with_capacity(parts.len());
                for (name, part) in parts {
                    let value = part.evaluate(&format_args!("{location}/{name}"), scope)?;
                    object.insert(name.clone(), value);
                }
                Ok(Value::Object(object))
            }
        }
    }

    /// As [`Template::evaluate`], and the value must be of the type called `expected`.
    ///
    /// # Errors
    /// Also when the value is of another type.
    pub(crate) fn evaluate_as<T>(
        &self,
        expected: &str,
        location: &str,
        scope: &Scope<'_>,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, EvaluationError> {
        let value = self.evaluate(&location, scope)?;
        if let Some(read) = read(&value) {
            return Ok(read);
        }
        let was = format!(
            "returned an unexpected result type. Expected '{expected}', but was '{}' for value: {value}",
            type_name(&value)
        );
        Err(match self {
            Self::Expression(expression) => specified(expression, &location, &was),
            _ => self.unfit(location, &value, format!("The field '{location}' {was}")),
        })
    }

    /// That the field cannot have `value`: in JSONata's words, `message`.
    pub(crate) fn unfit(&self, location: &str, value: &Value, message: String) -> EvaluationError {
        match self {
            Self::Query(query) => query.unfit(value),
            _ => EvaluationError::jsonata(Some(location.to_owned()), message),
        }
    }
}

impl TemplateError {
    pub(super) fn below(mut self, step: &str) -> Self {
        self.path.insert_str(0, step);
        self
    }
}

fn evaluate(
    expression: &Expression,
    location: &dyn std::fmt::Display,
    scope: &Scope<'_>,
) -> Result<Value, EvaluationError> {
    match expression.evaluate(scope) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(specified(
            expression,
            location,
            "returned nothing (undefined).",
        )),
        Err(message) => Err(specified(expression, location, &message)),
    }
}

fn specified(
    expression: &Expression,
    location: &dyn std::fmt::Display,
    what: &str,
) -> EvaluationError {
    EvaluationError::jsonata(
        Some(location.to_string()),
        format!(
            "The JSONata expression '{}' specified for the field '{location}' {what}",
            expression.source()
        ),
    )
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
