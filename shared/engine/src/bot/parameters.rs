//! `[parameters]`: the JSON Schema of a tool's arguments.

use serde_json::{Map, Value, json};

use crate::bot::ArgumentSchema;
use crate::bot::document::Document;
use crate::bot::problem::{did_you_mean, listed};
use crate::bot::reader::Reader;
use crate::bot::wording::escape;

/// A tool's checked parameters.
pub(super) struct Parameters {
    pub(super) schema: Value,
    /// Absent when the schema is broken, which has been reported.
    pub(super) compiled: Option<ArgumentSchema>,
}

/// JSON Schema's keywords, as far as they make sense here.
const KEYWORDS: [&str; 46] = [
    "$comment",
    "$defs",
    "$id",
    "$ref",
    "$schema",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "default",
    "definitions",
    "dependentRequired",
    "dependentSchemas",
    "deprecated",
    "description",
    "else",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    "title",
];

/// Keywords of `[parameters]` and of each argument beyond [`KEYWORDS`].
const MORE_KEYWORDS: [&str; 6] = [
    "type",
    "uniqueItems",
    "unevaluatedItems",
    "unevaluatedProperties",
    "readOnly",
    "writeOnly",
];

impl Parameters {
    /// Checks the schema. Arguments that it does not name are refused unless it says otherwise: a model's
    /// invention must not make two calls for the same thing look different.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        document: &Document<'_>,
        mut schema: Map<String, Value>,
    ) -> Self {
        let before = reader.problems.len();
        check_shape(reader, document, &schema);
        check_keywords(reader, document, "/parameters", &schema);
        schema.entry("properties").or_insert_with(|| json!({}));
        schema
            .entry("additionalProperties")
            .or_insert(Value::Bool(false));
        let schema = Value::Object(schema);
        let rigour = reader.rigour;
        let sound = reader.problems.len() == before;
        let compiled = rigour.schema(reader, document, "/parameters", &schema, sound);
        Self { schema, compiled }
    }

    /// Reports `name` unless it is an argument.
    pub(super) fn expect_argument(
        &self,
        reader: &mut Reader<'_>,
        document: &Document<'_>,
        pointer: &str,
        whose: &str,
        name: &str,
    ) -> bool {
        if self.argument(name).is_some() {
            return true;
        }
        let hint = did_you_mean(name, self.names())
            .unwrap_or_else(|| format!("declare it under `[parameters.properties.{name}]`"));
        let what = format!("`{name}` in `{whose}` is not an argument of this tool");
        reader
            .problems
            .push(document.problem(pointer, what).hint(hint));
        false
    }

    /// Reports `name` unless it is an argument that is one text, number or truth value.
    pub(super) fn expect_scalar(
        &self,
        reader: &mut Reader<'_>,
        document: &Document<'_>,
        pointer: &str,
        whose: &str,
        name: &str,
    ) -> bool {
        if !self.expect_argument(reader, document, pointer, whose, name) {
            return false;
        }
        let kind = self.argument(name).and_then(|schema| schema.get("type"));
        let structured = |kind: &Value| kind == "object" || kind == "array";
        let compound = match kind {
            Some(Value::Array(kinds)) => kinds.iter().any(structured),
            Some(kind) => structured(kind),
            None => false,
        };
        if compound {
            let what = format!("`{name}` in `{whose}` must be one value, not a list or an object");
            let problem = document.problem(pointer, what);
            reader
                .problems
                .push(problem.hint("give the argument `type = \"string\"`"));
        }
        !compound
    }

    /// The arguments' names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let properties = self.schema.get("properties").and_then(Value::as_object);
        properties
            .into_iter()
            .flat_map(|properties| properties.keys().map(String::as_str))
    }

    /// Whether every call has the argument.
    pub(super) fn is_required(&self, name: &str) -> bool {
        let required = self.schema.get("required").and_then(Value::as_array);
        required.is_some_and(|required| required.iter().any(|item| item == name))
    }

    fn argument(&self, name: &str) -> Option<&Value> {
        self.schema.get("properties")?.get(name)
    }
}

/// The schema compiled, or what is wrong with it reported; why it does not compile only if it was `sound` so far.
pub(super) fn checked(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    pointer: &str,
    schema: &Value,
    sound: bool,
) -> Option<ArgumentSchema> {
    let before = reader.problems.len();
    check_meta(reader, document, pointer, schema);
    let compiled = ArgumentSchema::compile(schema);
    if let Err(error) = &compiled
        && sound
        && reader.problems.len() == before
    {
        let what = format!("this is not a valid JSON Schema: {error}");
        let problem = document.problem(pointer, what);
        let hint = "references must stay within the schema; patterns know no look-around";
        reader.problems.push(problem.hint(hint));
    }
    compiled.ok()
}

fn check_shape(reader: &mut Reader<'_>, document: &Document<'_>, schema: &Map<String, Value>) {
    if schema.get("type").is_none_or(|kind| kind != "object") {
        let problem = document
            .problem("/parameters/type", "the arguments must be an object")
            .hint("write `type = \"object\"` under `[parameters]`");
        reader.problems.push(problem);
    }
    for (name, value) in schema {
        if value.is_object() && !is_keyword(name) {
            let what = format!("`{name}` is declared in the wrong place");
            let problem = document.problem(&format!("/parameters/{}", escape(name)), what);
            let hint = format!("arguments go under `[parameters.properties.{name}]`");
            reader.problems.push(problem.hint(hint));
        }
    }
    let none = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    for name in properties.keys() {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(legal) {
            let pointer = format!("/parameters/properties/{}", escape(name));
            let what = format!("an argument cannot be called `{name}`");
            let problem = document.problem(&pointer, what);
            reader
                .problems
                .push(problem.hint("use 1 to 64 letters, digits, _ and -"));
        }
    }
    let required = schema.get("required").and_then(Value::as_array);
    for (index, name) in required.into_iter().flatten().enumerate() {
        let Some(name) = name.as_str() else { continue };
        if !properties.contains_key(name) {
            let known = properties.keys().map(String::as_str);
            let hint = did_you_mean(name, known.clone())
                .unwrap_or_else(|| format!("the declared arguments are {}", listed(known)));
            let what = format!("`{name}` is required but not declared");
            let problem = document.problem(&format!("/parameters/required/{index}"), what);
            reader.problems.push(problem.hint(hint));
        }
    }
}

fn is_keyword(name: &str) -> bool {
    KEYWORDS.contains(&name) || MORE_KEYWORDS.contains(&name) || name.starts_with("x-")
}

/// Warns of misspelt keywords, which JSON Schema would silently ignore.
fn check_keywords(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    pointer: &str,
    schema: &Map<String, Value>,
) {
    for (name, value) in schema {
        if !is_keyword(name) && !value.is_object() {
            let known = KEYWORDS.into_iter().chain(MORE_KEYWORDS);
            let what = format!("JSON Schema has no keyword `{name}`, so it has no effect");
            let warning = document.problem(&format!("{pointer}/{}", escape(name)), what);
            reader
                .warnings
                .push(warning.perhaps(did_you_mean(name, known)));
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, value) in properties.into_iter().flatten() {
        if let Value::Object(inner) = value {
            let pointer = format!("{pointer}/properties/{}", escape(name));
            check_keywords(reader, document, &pointer, inner);
        }
    }
    if let Some(Value::Object(items)) = schema.get("items") {
        check_keywords(reader, document, &format!("{pointer}/items"), items);
    }
}

fn check_meta(reader: &mut Reader<'_>, document: &Document<'_>, pointer: &str, schema: &Value) {
    let validator = jsonschema::draft202012::meta::validator();
    for error in validator.iter_errors(schema) {
        let path = error.instance_path().as_str();
        let shown = path.trim_start_matches('/').replace('/', ".");
        let what = format!(
            "this is not a valid JSON Schema: `{shown}`: {}",
            error.masked_with("the value")
        );
        let problem = document.problem(&format!("{pointer}{path}"), what);
        let hint =
            "`type` is one of `string`, `integer`, `number`, `boolean`, `array` and `object`";
        let hint = path.ends_with("/type").then(|| hint.to_owned());
        reader.problems.push(problem.perhaps(hint));
    }
}
