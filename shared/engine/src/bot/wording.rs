//! What a schema's verdict means to the person who wrote the file.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use crate::bot::names;
use crate::bot::problem::{listed, nearest};

/// A place where a value does not fit its schema, in words.
pub(super) struct Mistake {
    /// The JSON pointer of the value.
    pub(super) pointer: String,
    /// The field of that value which should not be there.
    pub(super) unknown: Option<String>,
    pub(super) what: String,
    pub(super) hint: Option<String>,
}

impl Mistake {
    /// The JSON pointer of the line to show.
    pub(super) fn place(&self) -> String {
        match &self.unknown {
            Some(field) => format!("{}/{}", self.pointer, escape(field)),
            None => self.pointer.clone(),
        }
    }
}

/// Everything in `value` that does not fit `schema`, which holds no references.
pub(super) fn mistakes(schema: &Value, value: &Value) -> Vec<Mistake> {
    match jsonschema::options().offline().build(schema) {
        Ok(validator) => validator
            .iter_errors(value)
            .flat_map(|error| Subject::new(schema, &error).mistakes(&error))
            .collect(),
        Err(error) => vec![Mistake {
            pointer: String::new(),
            unknown: None,
            what: format!("this Confab's own schema is broken: {error}"),
            hint: Some("report this as a bug of Confab".to_owned()),
        }],
    }
}

/// The value an error is about, and the schema it fails.
struct Subject<'a> {
    root: &'a Value,
    schema: Option<&'a Value>,
    pointer: String,
    name: String,
}

impl<'a> Subject<'a> {
    fn new(root: &'a Value, error: &ValidationError<'_>) -> Self {
        let keyword = error.schema_path().as_str();
        let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
        let pointer = error.instance_path().as_str().to_owned();
        Self {
            root,
            schema: root.pointer(parent),
            name: dotted(&pointer),
            pointer,
        }
    }

    fn mistakes(&self, error: &ValidationError<'_>) -> Vec<Mistake> {
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                unexpected.iter().map(|field| self.unknown(field)).collect()
            }
            kind => {
                let (what, hint) = self.words(kind, error);
                vec![Mistake {
                    pointer: self.pointer.clone(),
                    unknown: None,
                    what,
                    hint,
                }]
            }
        }
    }

    fn unknown(&self, field: &str) -> Mistake {
        let secret = names::looks_like_secret(field);
        let shown = if secret { "…" } else { field };
        Mistake {
            pointer: self.pointer.clone(),
            unknown: Some(field.to_owned()),
            what: format!("unknown field `{shown}`"),
            hint: self.elsewhere(field).or_else(|| self.similar(field)),
        }
    }

    fn similar(&self, field: &str) -> Option<String> {
        let known: Vec<&str> = self
            .schema?
            .get("properties")?
            .as_object()?
            .keys()
            .map(String::as_str)
            .collect();
        Some(match nearest(field, known.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the fields here are {}", listed(known)),
        })
    }

    fn elsewhere(&self, field: &str) -> Option<String> {
        let top = self.root.get("properties")?.as_object()?;
        if !self.pointer.is_empty() && top.contains_key(field) {
            return Some(format!(
                "`{field}` belongs at the top of the file, above the first `[section]`"
            ));
        }
        let section = top.iter().find(|(name, section)| {
            self.pointer != format!("/{name}")
                && section
                    .get("properties")
                    .is_some_and(|inner| inner.get(field).is_some())
        });
        section.map(|(name, _)| format!("`{field}` belongs in `[{name}]`"))
    }

    fn words(
        &self,
        kind: &ValidationErrorKind,
        error: &ValidationError<'_>,
    ) -> (String, Option<String>) {
        let name = &self.name;
        let found = error.instance();
        match kind {
            ValidationErrorKind::Required { property } => self.missing(property),
            ValidationErrorKind::Type { kind } => self.wrong_type(kind, found),
            ValidationErrorKind::Enum { options } => {
                self.no_such_choice(found, options.as_array().map_or(&[], Vec::as_slice))
            }
            ValidationErrorKind::OneOfNotValid { .. } => {
                self.no_such_choice(found, &self.constants())
            }
            ValidationErrorKind::Constant { expected_value } if self.pointer == "/format" => (
                format!("this Confab reads format {expected_value}"),
                Some(format!(
                    "write `format = {expected_value}`, or use the Confab the file was made for"
                )),
            ),
            ValidationErrorKind::FalseSchema => (
                format!("{name} does not belong here"),
                Some("a tool has one section, called as its kind".to_owned()),
            ),
            ValidationErrorKind::Pattern { pattern } => {
                let (rule, hint) = names::rule(pattern, found.as_str().unwrap_or_default());
                (format!("{name} must be {rule}"), hint)
            }
            ValidationErrorKind::PropertyNames { error: inner } => self.wrong_name(inner),
            _ => match bound(kind) {
                Some(bound) => (format!("{name} must {bound}"), None),
                None => (format!("{name}: {}", error.masked_with("the value")), None),
            },
        }
    }

    fn missing(&self, property: &Value) -> (String, Option<String>) {
        let field = property.as_str().unwrap_or_default();
        let about = self
            .described(field)
            .and_then(|schema| schema.get("description"))
            .and_then(Value::as_str)
            .map(|text| text.split("\n\n").next().unwrap_or(text).replace('\n', " "));
        let place = match self.pointer.as_str() {
            "" => String::new(),
            _ => format!(" in `[{}]`", dotted_plain(&self.pointer)),
        };
        (format!("`{field}` is missing{place}"), about)
    }

    /// The schema of a field, wherever among the conditions its absence was noticed.
    fn described(&self, field: &str) -> Option<&Value> {
        let of = |schema: &'a Value| schema.get("properties")?.get(field);
        self.schema.and_then(of).or_else(|| of(self.root))
    }

    fn wrong_type(&self, expected: &TypeKind, found: &Value) -> (String, Option<String>) {
        let hint = match (expected, found) {
            (TypeKind::Single(JsonType::String), Value::Number(_) | Value::Bool(_)) => {
                Some("put it in quotes".to_owned())
            }
            (TypeKind::Single(JsonType::Array), Value::String(_)) => {
                Some("put it in brackets: `[\"…\"]`".to_owned())
            }
            (
                TypeKind::Single(JsonType::Integer | JsonType::Number | JsonType::Boolean),
                Value::String(_),
            ) => Some("write it without quotes".to_owned()),
            _ => None,
        };
        let wanted = match expected {
            TypeKind::Single(one) => type_name(*one).to_owned(),
            TypeKind::Multiple(several) => several
                .iter()
                .map(type_name)
                .collect::<Vec<_>>()
                .join(" or "),
        };
        let found = match found {
            Value::Null => "a number out of range",
            Value::Bool(_) => "true or false",
            Value::Number(number) if number.is_f64() => "a fraction",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a table",
        };
        (format!("{} must be {wanted}, not {found}", self.name), hint)
    }

    fn no_such_choice(&self, found: &Value, options: &[Value]) -> (String, Option<String>) {
        let options: Vec<&str> = options.iter().filter_map(Value::as_str).collect();
        let written = found.as_str().unwrap_or_default();
        let hint = nearest(written, options.iter().copied());
        (
            format!("{} must be one of {}", self.name, listed(options)),
            hint.map(|name| format!("did you mean `{name}`?")),
        )
    }

    fn constants(&self) -> Vec<Value> {
        let choices = self.schema.and_then(|schema| schema.get("oneOf"));
        let choices = choices.and_then(Value::as_array);
        choices
            .into_iter()
            .flatten()
            .filter_map(|choice| choice.get("const").cloned().or_else(|| table(choice)))
            .collect()
    }

    fn wrong_name(&self, inner: &ValidationError<'_>) -> (String, Option<String>) {
        let written = inner.instance().as_str().unwrap_or_default();
        let shown = if names::looks_like_secret(written) {
            "…"
        } else {
            written
        };
        let rule = match inner.kind() {
            ValidationErrorKind::Pattern { pattern } => names::rule(pattern, written).0,
            _ => "a proper name".to_owned(),
        };
        (format!("`{shown}` in {} must be {rule}", self.name), None)
    }
}

/// What a bounded value must do.
fn bound(kind: &ValidationErrorKind) -> Option<String> {
    Some(match kind {
        ValidationErrorKind::Maximum { limit } => format!("be at most {limit}"),
        ValidationErrorKind::Minimum { limit } => format!("be at least {limit}"),
        ValidationErrorKind::MaxLength { limit } => format!("be at most {limit} characters long"),
        ValidationErrorKind::MaxItems { limit } => format!("hold at most {limit} items"),
        ValidationErrorKind::MinLength { .. } | ValidationErrorKind::MinItems { .. } => {
            "not be empty".to_owned()
        }
        ValidationErrorKind::UniqueItems => "not name anything twice".to_owned(),
        _ => return None,
    })
}

fn type_name(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "a list",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Null => "nothing",
        JsonType::Number => "a number",
        JsonType::Object => "a table",
        JsonType::String => "text",
    }
}

/// `` `limits.inbox` `` for `/limits/inbox`; list items are counted from 1.
fn dotted(pointer: &str) -> String {
    match pointer {
        "" => "the file".to_owned(),
        _ => format!("`{}`", dotted_plain(pointer)),
    }
}

fn dotted_plain(pointer: &str) -> String {
    let segments: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
        .map(|segment| match segment.parse::<u64>() {
            Ok(index) => format!("#{}", index.saturating_add(1)),
            Err(_) => segment,
        })
        .collect();
    segments.join(".")
}

pub(super) fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// How a choice that is a table of one number is written.
fn table(choice: &Value) -> Option<Value> {
    let (name, number) = choice.get("properties")?.as_object()?.iter().next()?;
    let bounds = (number.get("minimum")?, number.get("maximum")?);
    Some(format!("{{ {name} = {} to {} }}", bounds.0, bounds.1).into())
}
