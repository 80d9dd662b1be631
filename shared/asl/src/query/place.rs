//! `ResultPath`: where a result goes in the state's input.

use serde_json::{Map, Value};

use super::path::{Path, Step, SyntaxError};
use super::{EvaluationError, shown};
use crate::failure::RESULT_PATH_MATCH_FAILURE;

/// AWS has no such limit; deeper values could not be kept.
const MAX_STEPS: usize = 64;

/// A place for a result.
#[derive(Debug, Default)]
pub(crate) enum Place {
    /// `$`: the result alone.
    #[default]
    Whole,
    /// `null`: the input alone.
    Nowhere,
    /// `$.a.b[0]`: the result within the input.
    Within(Path),
}

impl Place {
    /// Reads the text of a `ResultPath`.
    ///
    /// # Errors
    /// Why it cannot say where a result goes.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let path = Path::parse(text).map_err(|error: SyntaxError| error.to_string())?;
        if !path.is_of_input() {
            return Err(
                "It must start with '$.', in the state's input; set variables with Assign"
                    .to_owned(),
            );
        }
        if !path.is_reference() {
            return Err("It must name a single place, without *, .., ?, ',' and ':'".to_owned());
        }
        if path.steps().len() > MAX_STEPS {
            return Err(format!("It has more than {MAX_STEPS} steps"));
        }
        Ok(if path.is_whole() {
            Self::Whole
        } else {
            Self::Within(path)
        })
    }

    /// `input` with `result` in its place. Objects on the way are made; items of arrays are not.
    ///
    /// # Errors
    /// `States.ResultPathMatchFailure` where something else is in the way.
    pub(crate) fn put(&self, input: &Value, result: Value) -> Result<Value, EvaluationError> {
        let path = match self {
            Self::Whole => return Ok(result),
            Self::Nowhere => return Ok(input.clone()),
            Self::Within(path) => path,
        };
        let mut output = input.clone();
        let Some(place) = reach(&mut output, path.steps()) else {
            let message = format!(
                "Unable to apply ReferencePath {} to input {}",
                path.source(),
                shown(input)
            );
            return Err(EvaluationError::named(RESULT_PATH_MATCH_FAILURE, message));
        };
        *place = result;
        Ok(output)
    }
}

fn reach<'a>(mut here: &'a mut Value, steps: &[Step]) -> Option<&'a mut Value> {
    for step in steps {
        here = match (step, here) {
            (Step::Name(name), Value::Object(fields)) => fields
                .entry(name.as_str())
                .or_insert_with(|| Value::Object(Map::new())),
            (Step::Index(index), Value::Array(items)) => {
                let length = i64::try_from(items.len()).ok()?;
                let at = if *index < 0 {
                    length.checked_add(*index)?
                } else {
                    *index
                };
                items.get_mut(usize::try_from(at).ok()?)?
            }
            _ => return None,
        };
    }
    Some(here)
}
