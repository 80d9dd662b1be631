//! Paths: `$.a[0]`, `$.items[*].id`, `$$.Execution.Id`, `$variable.b`, in Step Functions' dialect.
//!
//! The dialect is that of Jayway `JsonPath`, whose words also end up in causes: a path that names
//! one place must find it, one that may name many gives a list, however short.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::{Budget, Scope};

mod filter;
mod parse;
mod select;

pub(crate) use parse::{Cursor, SyntaxError};

use filter::Filter;

/// A parsed path.
#[derive(Debug)]
pub(crate) struct Path {
    source: String,
    root: Root,
    steps: Vec<Step>,
}

/// Where a path starts.
#[derive(Debug, PartialEq, Eq)]
enum Root {
    /// `$`
    Input,
    /// `$$`
    Context,
    /// `$name`
    Variable(Arc<str>),
}

/// One step of a path.
#[derive(Debug)]
pub(crate) enum Step {
    Name(String),
    Names(Vec<String>),
    /// Counted from the end when negative.
    Index(i64),
    Indices(Vec<i64>),
    Slice(Option<i64>, Option<i64>),
    Wildcard,
    /// `..`: the value and everything in it.
    Descend,
    Filter(Filter),
}

/// Why a path gave nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    /// The step `at` leads nowhere; `what` is Jayway's word for it.
    Absent { at: usize, what: String },
    /// An array is shorter.
    OutOfRange(String),
    /// There is too much to look at.
    Exhausted,
}

impl Path {
    /// Reads all of `source`.
    ///
    /// # Errors
    /// What is wrong, and how to write it instead.
    pub(crate) fn parse(source: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(source);
        let path = cursor.path()?;
        cursor.end()?;
        Ok(path)
    }

    /// The path as it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether this is `$`, all of the input.
    pub(crate) fn is_whole(&self) -> bool {
        self.root == Root::Input && self.steps.is_empty()
    }

    /// Whether the path starts at the input, not at the context or a variable.
    pub(crate) fn is_of_input(&self) -> bool {
        self.root == Root::Input
    }

    /// Whether the path starts at the context object.
    pub(crate) fn is_of_context(&self) -> bool {
        self.root == Root::Context
    }

    /// The path's only node, step by step; nothing when it could name several.
    pub(crate) fn is_reference(&self) -> bool {
        let single = |step: &Step| matches!(step, Step::Name(_) | Step::Index(_));
        self.steps.iter().all(single)
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What the path names.
    ///
    /// # Errors
    /// That there is nothing, see [`Miss`].
    pub(crate) fn select<'a>(&self, scope: &Scope<'a>) -> Result<Cow<'a, Value>, Miss> {
        match &self.root {
            Root::Input => self.select_in(scope.input, scope.budget),
            Root::Context => {
                let context = (scope.context)();
                let found = self.select_in(&context, scope.budget)?;
                Ok(Cow::Owned(found.into_owned()))
            }
            Root::Variable(name) => {
                let absent = || Miss::Absent {
                    at: 0,
                    what: format!("There is no variable ${name}"),
                };
                let value = scope.variables.get(name).ok_or_else(absent)?;
                self.select_in(value, scope.budget)
            }
        }
    }

    /// The name of the step `at`, as AWS names it in a cause.
    pub(crate) fn step(&self, at: usize) -> String {
        match self.steps.get(at) {
            Some(Step::Name(name)) => name.clone(),
            Some(Step::Index(index)) => index.to_string(),
            _ => String::new(),
        }
    }

    fn select_in<'a>(&self, root: &'a Value, budget: &Budget) -> Result<Cow<'a, Value>, Miss> {
        select::select(&self.steps, root, root, budget)
    }
}

#[cfg(test)]
mod tests;
