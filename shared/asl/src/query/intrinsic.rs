//! Intrinsic functions: `States.Format('{} is {}', $.name, $.age)`.

use std::borrow::Cow;

use serde_json::Value;

use crate::machine::nearest;

use super::path::{Cursor, Miss, Path, SyntaxError};
use super::{EvaluationError, Scope, shown};

mod call;

use call::Function;

/// Calls within calls; AWS allows ten.
const MAX_NESTING: usize = 10;

/// A parsed call.
#[derive(Debug)]
pub(crate) struct Intrinsic {
    source: String,
    call: Call,
}

#[derive(Debug)]
struct Call {
    function: Function,
    arguments: Vec<Argument>,
}

#[derive(Debug)]
enum Argument {
    Literal(Value),
    /// A text for `States.Format`, cut at its `{}`.
    Pieces(Vec<String>),
    Path(Path),
    Call(Call),
}

impl Intrinsic {
    /// Reads all of `source`.
    ///
    /// # Errors
    /// What is wrong, and how to write it instead.
    pub(crate) fn parse(source: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(source);
        let call = read(&mut cursor, 1)?;
        cursor.end()?;
        Ok(Self {
            source: source.to_owned(),
            call,
        })
    }

    /// The call as it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// What the function gives.
    ///
    /// # Errors
    /// `States.Runtime` for an argument that is not there, `States.IntrinsicFailure` for one the
    /// function cannot take.
    pub(crate) fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluationError> {
        self.call.evaluate(scope).map_err(|failure| {
            let explain = |what: &str| {
                format!("The function '{}' had the following error: {what}", self.source)
            };
            match failure {
                Failed::Missing(path) => EvaluationError::runtime(explain(&format!(
                    "The JsonPath argument for the field '{path}' could not be found in the input '{}'",
                    shown(scope.input)
                ))),
                Failed::Refused(what) => EvaluationError::intrinsic(explain(&what)),
                Failed::TooLarge => EvaluationError::too_large(),
            }
        })
    }
}

/// Why a call gave nothing.
enum Failed {
    /// The path of an argument leads nowhere.
    Missing(String),
    /// The function cannot take its arguments.
    Refused(String),
    TooLarge,
}

impl Call {
    fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, Failed> {
        let mut values = Vec::with_capacity(self.arguments.len());
        let mut pieces = None;
        for argument in &self.arguments {
            values.push(match argument {
                Argument::Literal(value) => Cow::Borrowed(value),
                Argument::Pieces(cut) => {
                    pieces = Some(cut.as_slice());
                    Cow::Owned(Value::Null)
                }
                Argument::Path(path) => path.select(scope).map_err(|miss| match miss {
                    Miss::Exhausted => Failed::TooLarge,
                    // AWS names the path as it would be within the context object.
                    Miss::Absent { .. } | Miss::OutOfRange(_) if path.is_of_context() => {
                        Failed::Missing(path.source()[1..].to_owned())
                    }
                    Miss::Absent { .. } | Miss::OutOfRange(_) => {
                        Failed::Missing(path.source().to_owned())
                    }
                })?,
                Argument::Call(call) => Cow::Owned(call.evaluate(scope)?),
            });
        }
        let value = self
            .function
            .call(&values, pieces, scope)
            .map_err(Failed::Refused)?;
        if scope.budget.spend(&value) {
            return Ok(value);
        }
        Err(Failed::TooLarge)
    }
}

fn read(cursor: &mut Cursor<'_>, depth: usize) -> Result<Call, SyntaxError> {
    if depth > MAX_NESTING {
        let message = format!("Calls may be nested {MAX_NESTING} deep at most");
        return Err(cursor.error(message));
    }
    let start = cursor.position();
    cursor.take(|c| c.is_ascii_alphanumeric() || c == '.');
    let name = cursor.since(start);
    let function = Function::named(name).ok_or_else(|| {
        cursor.error(match nearest(name, Function::names()) {
            Some(known) => format!("There is no function '{name}'; did you mean '{known}'?"),
            None => format!("There is no function '{name}'"),
        })
    })?;
    cursor.expect("(")?;
    cursor.spaces();
    let mut arguments = Vec::new();
    while !cursor.eat(")") {
        if !arguments.is_empty() {
            cursor.expect(",")?;
            cursor.spaces();
        }
        let is_format = function == Function::Format && arguments.is_empty();
        arguments.push(argument(cursor, depth, is_format)?);
        cursor.spaces();
    }
    function
        .check(&arguments)
        .map_err(|message| cursor.error(message))?;
    Ok(Call {
        function,
        arguments,
    })
}

fn argument(
    cursor: &mut Cursor<'_>,
    depth: usize,
    is_format: bool,
) -> Result<Argument, SyntaxError> {
    match cursor.peek() {
        Some('\'') => {
            let raw = text(cursor)?;
            Ok(if is_format {
                Argument::Pieces(pieces(raw))
            } else {
                Argument::Literal(Value::String(pieces_joined(raw)))
            })
        }
        Some('$') => cursor.path().map(Argument::Path),
        Some('S') => read(cursor, depth + 1).map(Argument::Call),
        _ => cursor.scalar().map(Argument::Literal),
    }
}

/// The text between two `'`, with its escapes.
fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, SyntaxError> {
    cursor.expect("'")?;
    let start = cursor.position();
    loop {
        match cursor.peek() {
            None => return Err(cursor.error("The closing ' is missing")),
            Some('\'') => break,
            Some('\\') => {
                cursor.next();
                if !matches!(cursor.peek(), Some('\'' | '{' | '}' | '\\')) {
                    return Err(cursor.error("Only \\', \\{, \\} and \\\\ are escapes in a text"));
                }
                cursor.next();
            }
            Some(_) => {
                cursor.next();
            }
        }
    }
    let raw = cursor.since(start);
    cursor.next();
    Ok(raw)
}

/// A text for `States.Format`, cut at each `{}` that is not escaped.
fn pieces(raw: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        let piece = match (c, chars.peek()) {
            ('{', Some('}')) => {
                chars.next();
                pieces.push(String::new());
                continue;
            }
            ('\\', Some('\'' | '{' | '}' | '\\')) => chars.next().unwrap_or(c),
            _ => c,
        };
        if let Some(last) = pieces.last_mut() {
            last.push(piece);
        }
    }
    pieces
}

fn pieces_joined(raw: &str) -> String {
    pieces(raw).join("{}")
}

#[cfg(test)]
mod tests;
