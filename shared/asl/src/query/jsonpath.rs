//! The fields of JSONPath states: payload templates, fields that name a path, selections.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::path::{Miss, SyntaxError};
use super::template::{Template, TemplateError};
use super::{EvaluationError, Intrinsic, Path, Scope, shown};
use crate::failure::REFERENCE_PATH_CONFLICT;

/// A field that is a path or an intrinsic call: `name.$` of a template, or `SecondsPath` and such.
#[derive(Debug)]
pub(crate) struct Query {
    /// The field's own name, for causes.
    field: String,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Path(Path),
    Intrinsic(Intrinsic),
}

impl Query {
    /// Reads the value of `field`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, SyntaxError> {
        let source = if text.starts_with("States.") {
            Source::Intrinsic(Intrinsic::parse(text)?)
        } else {
            Source::Path(Path::parse(text)?)
        };
        Ok(Self {
            field: field.to_owned(),
            source,
        })
    }

    /// Whether this is a path to a single place.
    pub(crate) fn is_reference(&self) -> bool {
        matches!(&self.source, Source::Path(path) if path.is_reference())
    }

    fn source(&self) -> &str {
        match &self.source {
            Source::Path(path) => path.source(),
            Source::Intrinsic(call) => call.source(),
        }
    }

    /// What the field says.
    ///
    /// # Errors
    /// `States.Runtime` when there is nothing, and those of an intrinsic call.
    pub(crate) fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluationError> {
        let path = match &self.source {
            Source::Intrinsic(call) => return call.evaluate(scope),
            Source::Path(path) => path,
        };
        match path.select(scope) {
            Ok(found) if scope.budget.spend(&found) => Ok(found.into_owned()),
            Ok(_) | Err(Miss::Exhausted) => Err(EvaluationError::too_large()),
            // Step Functions has null for an item that is not there, but no word for a field.
            Err(Miss::OutOfRange(_)) => Ok(Value::Null),
            Err(Miss::Absent { at, .. }) => Err(self.absent(path, at, scope)),
        }
    }

    /// That the step `at` of the path leads nowhere.
    fn absent(&self, path: &Path, at: usize, scope: &Scope<'_>) -> EvaluationError {
        let (field, source) = (&self.field, path.source());
        match field.as_str() {
            "SecondsPath" | "TimestampPath" => {
                return EvaluationError::runtime(format!(
                    "The {field} parameter does not reference an input value: {source}"
                ));
            }
            "ItemsPath" => {
                let step = path.step(at);
                let message = format!(
                    "Unable to apply step \"{step}\" to input {}",
                    shown(scope.input)
                );
                return EvaluationError::named(REFERENCE_PATH_CONFLICT, message);
            }
            _ => {}
        }
        let searched = if path.is_of_context() {
            Cow::Owned((scope.context)())
        } else {
            Cow::Borrowed(scope.input)
        };
        EvaluationError::runtime(format!(
            "The JSONPath '{source}' specified for the field '{field}' could not be found in the input '{}'",
            shown(&searched)
        ))
    }

    /// That the field cannot have `value`.
    pub(crate) fn unfit(&self, value: &Value) -> EvaluationError {
        let (field, source) = (&self.field, self.source());
        let shown = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        EvaluationError::runtime(match field.as_str() {
            "TimestampPath" => format!(
                "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: {source} == {shown}"
            ),
            "SecondsPath" => format!(
                "The SecondsPath parameter does not reference a valid non-negative integer: {source} == {shown}"
            ),
            "ItemsPath" => format!("Reference path \"{source}\" must point to array."),
            "ErrorPath" | "CausePath" => format!(
                "The {field} field refers to value \"{shown}\" which is not a string: {source}"
            ),
            _ => format!(
                "The {field} field refers to value \"{shown}\" which is not a valid integer: {source}"
            ),
        })
    }
}

impl Template {
    /// A payload template, in which every field whose name ends in `.$` is a path or a call.
    ///
    /// # Errors
    /// The first that is neither, with the place of the object around it.
    pub(crate) fn payload(value: &Value) -> Result<Self, TemplateError> {
        match value {
            Value::Array(items) => Self::payload_items(items),
            Value::Object(fields) => Self::payload_fields(fields),
            scalar => Ok(Self::Constant(scalar.clone())),
        }
    }

    fn payload_items(items: &[Value]) -> Result<Self, TemplateError> {
        let parse = |(at, item)| Self::payload(item).map_err(|e| e.below(&format!("[{at}]")));
        let parts = items.iter().enumerate().map(parse);
        let parts: Vec<_> = parts.collect::<Result<_, _>>()?;
        if parts.iter().all(Self::is_constant) {
            return Ok(Self::Constant(Value::Array(items.to_vec())));
        }
        Ok(Self::Array(parts))
    }

    fn payload_fields(fields: &Map<String, Value>) -> Result<Self, TemplateError> {
        let parse = |(name, value): (&String, &Value)| match name.strip_suffix(".$") {
            Some(plain) => Ok((plain.to_owned(), Self::query(name, value)?)),
            None => {
                let part = Self::payload(value).map_err(|e| e.below(&format!("/{name}")))?;
                Ok((name.clone(), part))
            }
        };
        let parts: Vec<_> = fields.iter().map(parse).collect::<Result<_, _>>()?;
        if parts.iter().all(|(_, part)| part.is_constant()) {
            return Ok(Self::Constant(Value::Object(fields.clone())));
        }
        Ok(Self::Object(parts))
    }

    fn query(name: &str, value: &Value) -> Result<Self, TemplateError> {
        let message = format!(
            "The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call"
        );
        let refused = |hint: Option<String>| TemplateError {
            path: String::new(),
            message,
            hint,
        };
        match value.as_str() {
            None => Err(refused(None)),
            Some(text) => match Query::parse(name, text) {
                Ok(query) => Ok(Self::Query(Box::new(query))),
                Err(error) => Err(refused(Some(error.to_string()))),
            },
        }
    }
}

/// `InputPath` or `OutputPath`: which part of a value is used.
#[derive(Debug, Default)]
pub(crate) enum Selection {
    /// `$`
    #[default]
    Whole,
    /// `null`, which makes an empty object.
    Nothing,
    Path(Path),
}

impl Selection {
    /// The part of `scope.input`.
    ///
    /// # Errors
    /// `States.Runtime` when there is nothing.
    pub(crate) fn select<'a>(&self, scope: &Scope<'a>) -> Result<Cow<'a, Value>, EvaluationError> {
        let path = match self {
            Self::Whole => return Ok(Cow::Borrowed(scope.input)),
            Self::Nothing => return Ok(Cow::Owned(Value::Object(Map::new()))),
            Self::Path(path) => path,
        };
        path.select(scope).map_err(|miss| match miss {
            Miss::Exhausted => EvaluationError::too_large(),
            Miss::Absent { what, .. } | Miss::OutOfRange(what) => {
                EvaluationError::runtime(format!("Invalid path '{}' : {what}", path.source()))
            }
        })
    }
}
