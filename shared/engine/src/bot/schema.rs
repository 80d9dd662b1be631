//! The published JSON Schemas of the files people write.
//!
//! They are what the loader itself checks a file against, so an editor that knows them agrees with Confab.

use schemars::JsonSchema;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use serde_json::Value;

use crate::bot::format::{BotFile, ToolFile};
use crate::bot::people::PeopleFile;
use crate::bot::secrets::SecretsFile;

/// The schema of `bot.toml`.
#[must_use]
pub fn bot() -> Value {
    of::<BotFile>()
}

/// The schema of `tools/<name>.toml`.
#[must_use]
pub fn tool() -> Value {
    of::<ToolFile>()
}

/// The schema of `people.toml`.
#[must_use]
pub fn people() -> Value {
    of::<PeopleFile>()
}

/// The schema of the secrets file.
#[must_use]
pub fn secrets() -> Value {
    of::<SecretsFile>()
}

/// A schema without references, so that an error's path leads straight to the rule it broke.
fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(without_null);
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// TOML has no null: an absent field is absent.
fn without_null(schema: &mut Schema) {
    if let Some(object) = schema.as_object_mut() {
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(mut choices)) = object.shift_remove("anyOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
            match (choices.len(), choices.pop()) {
                (1, Some(Value::Object(only))) => {
                    for (keyword, value) in only {
                        object.entry(keyword).or_insert(value);
                    }
                }
                (_, last) => {
                    choices.extend(last);
                    object.insert("anyOf".to_owned(), Value::Array(choices));
                }
            }
        }
    }
    transform_subschemas(&mut without_null, schema);
}
