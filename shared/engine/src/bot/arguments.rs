//! Checks a tool call's arguments.

use std::sync::{Arc, OnceLock};

use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// A tool's argument schema, compiled once. Cheap to clone; never fetches a remote reference.
#[derive(Clone, Debug)]
pub struct ArgumentSchema(Arc<Deferred>);

#[derive(Debug)]
struct Deferred {
    schema: Value,
    validator: OnceLock<Result<Validator, String>>,
}

/// How many mistakes the model is told of at once.
const TOLD: usize = 3;

/// The longest description of one mistake, in characters.
const MISTAKE_CHARS: usize = 200;

impl ArgumentSchema {
    /// Compiles a JSON Schema (2020-12 unless it says otherwise).
    ///
    /// # Errors
    /// Why it is not a schema, or names what is not within it.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        let compiled = Self::deferred(schema.clone());
        match compiled.validator() {
            Ok(_) => Ok(compiled),
            Err(error) => Err(error.clone()),
        }
    }

    /// A schema that compiles, as was found out before. It does so when it is first needed.
    pub(crate) fn deferred(schema: Value) -> Self {
        let validator = OnceLock::new();
        Self(Arc::new(Deferred { schema, validator }))
    }

    /// Compiles it now, if it was not before, rather than at the first check.
    pub fn prepare(&self) {
        let _ = self.validator();
    }

    fn validator(&self) -> Result<&Validator, &String> {
        let Deferred { schema, validator } = &*self.0;
        let validator = validator.get_or_init(|| {
            jsonschema::options()
                .offline()
                .with_pattern_options(PatternOptions::regex())
                .build(schema)
                .map_err(|error| shortened(&error.to_string()))
        });
        validator.as_ref()
    }

    /// Whether a call with these arguments makes sense.
    ///
    /// # Errors
    /// What is wrong, for the model to mend, such as
    /// `order_id: "12" is shorter than 4 characters`.
    pub fn check(&self, arguments: &Value) -> Result<(), String> {
        let validator = self
            .validator()
            .map_err(|error| format!("the tool's own parameters are wrong: {error}"))?;
        let mistakes: Vec<String> = validator
            .iter_errors(arguments)
            .take(TOLD)
            .map(|error| mistake(&error))
            .collect();
        if mistakes.is_empty() {
            Ok(())
        } else {
            Err(mistakes.join("; "))
        }
    }
}

fn mistake(error: &ValidationError<'_>) -> String {
    let path = error.instance_path().as_str();
    let name = path.trim_start_matches('/').replace('/', ".");
    let large = matches!(
        error.instance().as_ref(),
        Value::Object(_) | Value::Array(_)
    );
    let what = match (large, name.is_empty()) {
        (true, true) => error.masked_with("arguments").to_string(),
        (true, false) => error.masked_with("the value").to_string(),
        (false, _) => error.to_string(),
    };
    let what = shortened(&what);
    if name.is_empty() {
        what
    } else {
        format!("{}: {what}", shortened(&name))
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MISTAKE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
