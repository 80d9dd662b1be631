//! How closely a folder is looked at.
//!
//! What only schemas say takes a schema validator to find out, which is half of the code and most of the time
//! that loading takes. Whoever never asks for it does not carry it: nothing but [`Strict`] refers to it.

use serde_json::Value;

use crate::bot::document::Document;
use crate::bot::reader::Reader;
use crate::bot::wording::{self, Mistake};
use crate::bot::{ArgumentSchema, parameters, schema};

/// A file with a published schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Bot,
    Tool,
    People,
    Secrets,
}

/// Asks schemas, or does not.
pub(super) trait Rigour {
    /// Everything in a file's values that does not fit the file's published schema.
    fn mistakes(&self, file: Written, value: &Value) -> Vec<Mistake>;

    /// The schema that stands at `pointer`, `sound` as far as it was looked at; absent when it is broken, which
    /// is reported.
    fn schema(
        &self,
        reader: &mut Reader<'_>,
        document: &Document<'_>,
        pointer: &str,
        schema: &Value,
        sound: bool,
    ) -> Option<ArgumentSchema>;
}

/// Finds everything that is wrong.
pub(super) struct Strict;

/// Trusts that the schemas have been asked before, and finds what else is wrong.
pub(super) struct Trusting;

impl Rigour for Strict {
    fn mistakes(&self, file: Written, value: &Value) -> Vec<Mistake> {
        let schema = match file {
            Written::Bot => schema::bot(),
            Written::Tool => schema::tool(),
            Written::People => schema::people(),
            Written::Secrets => schema::secrets(),
        };
        wording::mistakes(&schema, value)
    }

    fn schema(
        &self,
        reader: &mut Reader<'_>,
        document: &Document<'_>,
        pointer: &str,
        schema: &Value,
        sound: bool,
    ) -> Option<ArgumentSchema> {
        parameters::checked(reader, document, pointer, schema, sound)
    }
}

impl Rigour for Trusting {
    fn mistakes(&self, _: Written, _: &Value) -> Vec<Mistake> {
        Vec::new()
    }

    fn schema(
        &self,
        _: &mut Reader<'_>,
        _: &Document<'_>,
        _: &str,
        schema: &Value,
        _: bool,
    ) -> Option<ArgumentSchema> {
        Some(ArgumentSchema::deferred(schema.clone()))
    }
}
