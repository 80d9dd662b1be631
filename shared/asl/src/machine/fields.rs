//! Reads the fields of one JSON object of a definition, and collects what is wrong with them.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::flow::QueryLanguage;
use super::languages;
use crate::diagnostic::{Code, Diagnostic};
use crate::query::{Path, Place, Query, Selection, SyntaxError, Template};

/// Everything found wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Report(RefCell<Vec<Diagnostic>>);

impl Report {
    pub(crate) fn add(&self, code: Code, message: impl Into<String>, location: &str) {
        self.push(code, message.into(), location, None);
    }

    /// As [`Report::schema`], with what to do about it.
    pub(crate) fn hinted(&self, message: impl Into<String>, location: &str, hint: Option<String>) {
        self.push(Code::SchemaValidationFailed, message.into(), location, hint);
    }

    fn push(&self, code: Code, message: String, location: &str, hint: Option<String>) {
        let location = if location.is_empty() { "/" } else { location };
        self.0.borrow_mut().push(Diagnostic {
            code,
            message,
            location: Some(location.to_owned()),
            hint,
        });
    }

    pub(crate) fn schema(&self, message: impl Into<String>, location: &str) {
        self.add(Code::SchemaValidationFailed, message, location);
    }

    /// The diagnostics, those that AWS shares first.
    pub(crate) fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.0.into_inner();
        diagnostics.sort_by_key(|diagnostic| diagnostic.code == Code::Unsupported);
        diagnostics
    }
}

/// One object and where it stands.
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    pub(crate) location: String,
    pub(crate) report: &'a Report,
    /// The language of the fields; below a state it is the state's.
    pub(crate) language: QueryLanguage,
}

impl<'a> Fields<'a> {
    /// `value` as an object; anything else is reported.
    pub(crate) fn of(value: &'a Value, location: String, report: &'a Report) -> Option<Self> {
        let Value::Object(object) = value else {
            report.schema("Expected value of type Object", &location);
            return None;
        };
        Some(Self {
            object,
            location,
            report,
            language: QueryLanguage::Jsonata,
        })
    }

    /// The same fields, read as `language`.
    pub(crate) fn in_language(&self, language: QueryLanguage) -> Self {
        Self {
            object: self.object,
            location: self.location.clone(),
            report: self.report,
            language,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name)
    }

    pub(crate) fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.location)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'a String> + use<'a> {
        self.object.keys()
    }

    /// Reports those of `names` that are missing.
    pub(crate) fn require(&self, names: &[&str]) {
        let missing: Vec<_> = names
            .iter()
            .copied()
            .filter(|name| !self.object.contains_key(*name))
            .collect();
        if !missing.is_empty() {
            let message = format!("These fields are required: [{}]", missing.join(", "));
            self.report.schema(message, &self.location);
        }
    }

    /// Reports every field that is not one of `known`.
    pub(crate) fn allow(&self, known: &[&[&str]]) {
        for name in self.object.keys() {
            if !known.iter().any(|group| group.contains(&name.as_str())) {
                let known = known.iter().flat_map(|group| group.iter().copied());
                let hint = languages::instead_of(name, self.language).or_else(|| {
                    nearest(name, known).map(|known| format!("Did you mean '{known}'?"))
                });
                self.report
                    .hinted("Field is not supported", &self.at(name), hint);
            }
        }
    }

    pub(crate) fn object(&self, name: &str) -> Option<Fields<'a>> {
        let fields = Fields::of(self.get(name)?, self.at(name), self.report)?;
        Some(Fields {
            language: self.language,
            ..fields
        })
    }

    /// The objects of a list, each with its place.
    pub(crate) fn objects(&self, name: &str) -> Vec<Fields<'a>> {
        let located = |(at, item)| {
            let fields = Fields::of(item, format!("{}[{at}]", self.at(name)), self.report)?;
            Some(Fields {
                language: self.language,
                ..fields
            })
        };
        let list = self.list(name).unwrap_or_default();
        list.iter().enumerate().filter_map(located).collect()
    }

    pub(crate) fn list(&self, name: &str) -> Option<&'a [Value]> {
        match self.get(name)? {
            Value::Array(items) => Some(items),
            _ => {
                self.expected(name, "Array");
                None
            }
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        match self.get(name)? {
            Value::String(text) => Some(text),
            _ => {
                self.expected(name, "String");
                None
            }
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Value::Bool(flag) => Some(*flag),
            _ => {
                self.expected(name, "Boolean");
                None
            }
        }
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn integer(&self, name: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.get(name)?;
        let number = whole(value).filter(|n| (least..=most).contains(n));
        if number.is_none() {
            let message = format!("Expected an Integer from {least} to {most}");
            self.report.schema(message, &self.at(name));
        }
        number
    }

    /// A field that may hold expressions of the state's language.
    pub(crate) fn template(&self, name: &str) -> Option<Template> {
        let value = self.get(name)?;
        let parsed = match self.language {
            QueryLanguage::Jsonata => Template::parse(value),
            QueryLanguage::JsonPath => Template::payload(value),
        };
        parsed
            .map_err(|error| {
                let place = format!("{}{}", self.at(name), error.path);
                self.report.hinted(error.message, &place, error.hint);
            })
            .ok()
    }

    /// A JSONPath field whose value is a path or an intrinsic call, such as `CausePath`.
    pub(crate) fn query(&self, name: &str) -> Option<Template> {
        let query = Query::parse(name, self.text(name)?);
        query
            .map(|query| Template::Query(Box::new(query)))
            .map_err(|error| self.not_a_path(name, &error))
            .ok()
    }

    /// A JSONPath field that names a single place, such as `SecondsPath`.
    pub(crate) fn reference(&self, name: &str) -> Option<Template> {
        let template = self.query(name)?;
        if matches!(&template, Template::Query(query) if !query.is_reference()) {
            let hint = "A Reference Path names a single place, without *, .., ?, ',' and ':'";
            let message = "Value is not a Reference Path";
            self.report
                .hinted(message, &self.at(name), Some(hint.to_owned()));
        }
        Some(template)
    }

    /// A JSONPath field that must be a path.
    pub(crate) fn path(&self, name: &str) -> Option<Path> {
        let path = Path::parse(self.text(name)?);
        path.map_err(|error| self.not_a_path(name, &error)).ok()
    }

    /// `InputPath` or `OutputPath`.
    pub(crate) fn selection(&self, name: &str) -> Selection {
        match self.get(name) {
            None => Selection::Whole,
            Some(Value::Null) => Selection::Nothing,
            Some(_) => match self.path(name) {
                Some(path) if !path.is_whole() => Selection::Path(path),
                _ => Selection::Whole,
            },
        }
    }

    /// `ResultPath`.
    pub(crate) fn place(&self) -> Place {
        match self.get("ResultPath") {
            None => Place::Whole,
            Some(Value::Null) => Place::Nowhere,
            Some(_) => {
                let parsed = self.text("ResultPath").map(Place::parse);
                parsed
                    .and_then(|parsed| {
                        let refused = |hint: String| {
                            let message = "Value is not a Reference Path";
                            let place = self.at("ResultPath");
                            self.report.hinted(message, &place, Some(hint));
                        };
                        parsed.map_err(refused).ok()
                    })
                    .unwrap_or_default()
            }
        }
    }

    fn not_a_path(&self, name: &str, error: &SyntaxError) {
        let message = "Value is not a valid JSONPath";
        self.report
            .hinted(message, &self.at(name), Some(error.to_string()));
    }

    /// A constant or expression in the field `name`; in JSONPath also a path in `by_path`.
    pub(crate) fn either(
        &self,
        name: &str,
        by_path: &str,
        wanted: &str,
        fits: impl FnOnce(&Value) -> bool,
    ) -> Option<Template> {
        if self.get(by_path).is_none() {
            return self.scalar(name, wanted, fits);
        }
        self.only_one(name, by_path);
        self.reference(by_path)
    }

    /// Reports that both of two fields are there.
    pub(crate) fn only_one(&self, name: &str, other: &str) {
        if self.get(name).is_some() && self.get(other).is_some() {
            let message = format!("Only one of these fields is allowed: [{name}, {other}]");
            self.report.schema(message, &self.location);
        }
    }

    /// A field that is one expression, or a constant that `fits`.
    pub(crate) fn scalar(
        &self,
        name: &str,
        wanted: &str,
        fits: impl FnOnce(&Value) -> bool,
    ) -> Option<Template> {
        let template = self.template(name)?;
        let good = match &template {
            Template::Expression(_) | Template::Query(_) => true,
            Template::Constant(value) => fits(value),
            Template::Array(_) | Template::Object(_) => false,
        };
        if !good {
            self.expected(name, wanted);
        }
        good.then_some(template)
    }

    fn expected(&self, name: &str, wanted: &str) {
        let message = format!("Expected value of type {wanted}");
        self.report.schema(message, &self.at(name));
    }
}

/// The one of `known` that is most like `name`, if one is.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance =
        |known: &str| strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase());
    // A hostile name may be long, and no known one is.
    let known = known.filter(|known| known.len().abs_diff(name.len()) <= 6);
    let (distance, known) = known.map(|known| (distance(known), known)).min()?;
    (3 * distance <= known.len()).then_some(known)
}

/// `value` as a whole number that is not negative; `3.0` counts.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        // In range, so the cast is exact.
        (float.fract() == 0.0 && (0.0..9e15).contains(&float)).then_some(float as u64)
    })
}
