//! What a run is given must be what its workflow takes.

use serde_json::{Value, json};

use crate::error::{Error, Kind};
use crate::workflow::Workflow;

/// The longest inputs, in bytes as JSON.
const MAX_INPUTS: usize = 200 * 1024;

/// Whether `inputs` are what `workflow` takes.
///
/// # Errors
/// `Invalid`, with what is missing, too much or of another type.
pub fn check_inputs(workflow: &Workflow, inputs: &Value) -> Result<(), Error> {
    let expected = &workflow.inputs;
    let invalid = |message: String| Err(Error::new(Kind::Invalid, message));
    let Some(given) = inputs.as_object() else {
        return invalid("the inputs must be a table".to_owned());
    };
    if json!(given).to_string().len() > MAX_INPUTS {
        return invalid(format!("the inputs are longer than {MAX_INPUTS} bytes"));
    }
    for (name, input) in expected {
        match given.get(name) {
            None if input.is_optional() => {}
            None => {
                return invalid(format!(
                    "the input `{name}` is missing ({})",
                    input.kind.name()
                ));
            }
            Some(Value::Null) if input.default == Some(Value::Null) => {}
            Some(value) if !input.kind.admits(value) => {
                return invalid(format!(
                    "the input `{name}` must be of the type {}",
                    input.kind.name()
                ));
            }
            Some(_) => {}
        }
    }
    if let Some(unknown) = given.keys().find(|name| !expected.contains_key(*name)) {
        let known: Vec<&str> = expected.keys().map(String::as_str).collect();
        let message = match known.as_slice() {
            [] => format!("there is no input `{unknown}`: the workflow takes none"),
            known => format!(
                "there is no input `{unknown}`; the inputs are {}",
                known.join(", ")
            ),
        };
        return invalid(message);
    }
    Ok(())
}
