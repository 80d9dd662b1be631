//! Reads the text of a path.

use serde_json::Value;

use super::{Path, Root, Step};

/// Characters of one path or intrinsic call.
const MAX_SOURCE: usize = 32 * 1024;
/// Filters within filters, and brackets within one.
const MAX_DEPTH: usize = 16;

/// What is wrong with a path or an intrinsic call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {at} of '{source}')", source = .text)]
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    /// Counts from 1.
    pub(crate) at: usize,
    pub(crate) text: String,
}

/// A place in a text that is being read.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
        }
    }

    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(crate) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    pub(crate) fn spaces(&mut self) {
        self.take(char::is_whitespace);
    }

    /// The characters from here on that `fits`.
    pub(crate) fn take(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    pub(crate) fn expect(&mut self, token: &str) -> Result<(), SyntaxError> {
        if self.eat(token) {
            return Ok(());
        }
        Err(self.error(format!("'{token}' is missing")))
    }

    /// That nothing but spaces is left.
    pub(crate) fn end(&mut self) -> Result<(), SyntaxError> {
        self.spaces();
        match self.peek() {
            None => Ok(()),
            Some('(') => Err(self.error(
                "JSONPath functions such as length() are not supported; use an intrinsic function such as States.ArrayLength",
            )),
            Some(c) => Err(self.error(format!(
                "'{c}' is not expected; write names with such characters as ['name']"
            ))),
        }
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError {
            message: message.into(),
            at: self.text[..self.at].chars().count() + 1,
            text: self.text.to_owned(),
        }
    }

    /// Counts a nesting; the text is refused where it is too deep.
    pub(crate) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(format!("Nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// A path that starts here.
    pub(crate) fn path(&mut self) -> Result<Path, SyntaxError> {
        if self.text.len() > MAX_SOURCE {
            return Err(SyntaxError {
                message: format!("Longer than {MAX_SOURCE} bytes"),
                at: 1,
                text: self.text.chars().take(40).collect(),
            });
        }
        let start = self.at;
        if !self.eat("$") {
            return Err(self.error("A path starts with '$'"));
        }
        let name = self.take(|c| c.is_alphanumeric() || c == '_');
        let root = if !name.is_empty() {
            Root::Variable(name.into())
        } else if self.eat("$") {
            Root::Context
        } else {
            Root::Input
        };
        let steps = self.steps()?;
        Ok(Path {
            source: self.since(start).to_owned(),
            root,
            steps,
        })
    }

    pub(super) fn steps(&mut self) -> Result<Vec<Step>, SyntaxError> {
        let mut steps = Vec::new();
        loop {
            if self.eat("..") {
                steps.push(Step::Descend);
                if self.peek() != Some('[') {
                    steps.push(self.dotted()?);
                }
            } else if self.eat(".") {
                // `$.a.['b']` is the same as `$.a['b']`.
                if self.peek() != Some('[') {
                    steps.push(self.dotted()?);
                }
            } else if self.eat("[") {
                let step = self.nested(Self::bracketed)?;
                steps.push(step);
            } else {
                return Ok(steps);
            }
        }
    }

    fn dotted(&mut self) -> Result<Step, SyntaxError> {
        if self.eat("*") {
            return Ok(Step::Wildcard);
        }
        let name = self.take(|c| !c.is_whitespace() && !".[]()'\",=<>!&|{}?*@".contains(c));
        if name.is_empty() {
            return Err(self.error("A name is missing; write others than letters as ['name']"));
        }
        if self.peek() == Some('(') {
            return Err(self.error(
                "JSONPath functions such as length() are not supported; use an intrinsic function such as States.ArrayLength",
            ));
        }
        Ok(Step::Name(name.to_owned()))
    }

    fn bracketed(&mut self) -> Result<Step, SyntaxError> {
        self.spaces();
        let step = match self.peek() {
            Some('*') => {
                self.next();
                Step::Wildcard
            }
            Some('?') => {
                self.next();
                self.spaces();
                self.expect("(")?;
                let filter = self.filter()?;
                self.expect(")")?;
                Step::Filter(filter)
            }
            Some('\'' | '"') => self.names()?,
            _ => self.numbers()?,
        };
        self.spaces();
        self.expect("]")?;
        Ok(step)
    }

    fn names(&mut self) -> Result<Step, SyntaxError> {
        let mut names = vec![self.quoted()?];
        self.spaces();
        while self.eat(",") {
            self.spaces();
            names.push(self.quoted()?);
            self.spaces();
        }
        Ok(match names.pop() {
            Some(name) if names.is_empty() => Step::Name(name),
            last => Step::Names(names.into_iter().chain(last).collect()),
        })
    }

    fn numbers(&mut self) -> Result<Step, SyntaxError> {
        let first = self.integer()?;
        self.spaces();
        if self.eat(":") {
            self.spaces();
            let to = self.integer()?;
            self.spaces();
            if self.peek() == Some(':') {
                return Err(self.error("A slice has no step; write [from:to]"));
            }
            return Ok(Step::Slice(first, to));
        }
        let missing = "An index, 'name', *, from:to or ?(filter) is missing";
        let mut all = vec![first.ok_or_else(|| self.error(missing))?];
        while self.eat(",") {
            self.spaces();
            all.push(self.integer()?.ok_or_else(|| self.error(missing))?);
            self.spaces();
        }
        Ok(match all.as_slice() {
            [one] => Step::Index(*one),
            _ => Step::Indices(all),
        })
    }

    fn integer(&mut self) -> Result<Option<i64>, SyntaxError> {
        let start = self.at;
        self.eat("-");
        self.take(|c| c.is_ascii_digit());
        let digits = self.since(start);
        if digits.is_empty() {
            return Ok(None);
        }
        let number = digits.parse();
        number
            .map(Some)
            .map_err(|_| self.error(format!("'{digits}' is not an index")))
    }

    /// A text in quotes; the quote itself is escaped by a backslash.
    pub(super) fn quoted(&mut self) -> Result<String, SyntaxError> {
        let quote = match self.next() {
            Some(quote @ ('\'' | '"')) => quote,
            _ => return Err(self.error("A 'name' in quotes is missing")),
        };
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(self.error(format!("The closing {quote} is missing"))),
                Some(c) if c == quote => return Ok(text),
                Some('\\') if self.peek() == Some(quote) => {
                    self.next();
                    text.push(quote);
                }
                Some(c) => text.push(c),
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    pub(crate) fn scalar(&mut self) -> Result<Value, SyntaxError> {
        let start = self.at;
        let word = self.take(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        match serde_json::from_str(word) {
            Ok(value) => Ok(value),
            Err(_) => {
                self.at = start;
                Err(self.error("A number, 'text', true, false, null or a path is missing"))
            }
        }
    }
}
