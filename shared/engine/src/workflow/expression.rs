//! A JSONata expression as a person writes it, and as the machine reads it.
//!
//! Only its words are looked at: where variables stand, which of them it binds itself, and what else could only
//! be a mistake. Whether it is JSONata is asked of whoever will evaluate it.

use std::collections::BTreeSet;

use crate::bot::{Place, Problem};
use crate::workflow::scope::Scope;

/// Characters of one expression.
const MAX_SOURCE: usize = 16 * 1024;

/// The functions of JSONata, and those that Step Functions adds.
pub(super) const FUNCTIONS: &[&str] = &[
    "abs",
    "append",
    "assert",
    "average",
    "base64decode",
    "base64encode",
    "boolean",
    "ceil",
    "contains",
    "count",
    "decodeUrl",
    "decodeUrlComponent",
    "distinct",
    "each",
    "encodeUrl",
    "encodeUrlComponent",
    "error",
    "exists",
    "filter",
    "floor",
    "formatBase",
    "formatInteger",
    "formatNumber",
    "fromMillis",
    "hash",
    "join",
    "keys",
    "length",
    "lookup",
    "lowercase",
    "map",
    "match",
    "max",
    "merge",
    "millis",
    "min",
    "not",
    "now",
    "number",
    "pad",
    "parse",
    "parseInteger",
    "partition",
    "power",
    "random",
    "range",
    "reduce",
    "replace",
    "reverse",
    "round",
    "shuffle",
    "sift",
    "single",
    "sort",
    "split",
    "spread",
    "sqrt",
    "string",
    "substring",
    "substringAfter",
    "substringBefore",
    "sum",
    "toMillis",
    "trim",
    "type",
    "uppercase",
    "uuid",
    "zip",
];

/// An expression and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    source: String,
    place: Place,
}

/// A part of an expression that means something to a workflow.
#[derive(Debug, PartialEq, Eq)]
enum Word<'a> {
    /// Text that stays as it is.
    Text(&'a str),
    /// `$name`; with the member behind it, where there is one: `$steps.fetch`.
    Variable {
        name: &'a str,
        member: Option<&'a str>,
        written: &'a str,
    },
    /// A name without `$` that begins a path.
    Name(&'a str),
}

impl Expression {
    /// The expression `source`, which stands at `place`.
    #[must_use]
    pub fn new(source: &str, place: Place) -> Self {
        Self {
            source: source.trim().to_owned(),
            place,
        }
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// The expression with every reference in the machine's words; what it refers to in vain is a problem.
    pub(super) fn resolve(&self, scope: &Scope<'_>, problems: &mut Vec<Problem>) -> String {
        let at = |what: String| Problem::new(scope.file(), what).at(Some(self.place));
        if self.source.is_empty() {
            problems.push(
                at("there is no expression".to_owned()).hint("write one, such as `$inputs.order`"),
            );
        }
        if self.source.len() > MAX_SOURCE {
            problems.push(at(format!(
                "an expression is at most {MAX_SOURCE} bytes long"
            )));
            return String::new();
        }
        let words = words(&self.source);
        let bound = bound(&words);
        let mut resolved = String::with_capacity(self.source.len() + 16);
        for (index, word) in words.iter().enumerate() {
            match word {
                Word::Text(text) => resolved.push_str(text),
                Word::Name(name) => {
                    if scope.is_word(name) && words.get(index + 1) == Some(&Word::Text(".")) {
                        let hint = format!("write `${name}`");
                        problems.push(at(format!("`{name}` is a variable")).hint(hint));
                    }
                    resolved.push_str(name);
                }
                Word::Variable { name, written, .. } if bound.contains(name) => {
                    if scope.is_word(name) {
                        let problem = at(format!("`${name}` cannot be given another value"));
                        problems.push(problem.hint("use another name"));
                    }
                    resolved.push_str(written);
                }
                Word::Variable { name, written, .. }
                    if FUNCTIONS.contains(name)
                        && (!scope.binds(name)
                            || words.get(index + 1) == Some(&Word::Text("("))) =>
                {
                    resolved.push_str(written);
                }
                Word::Variable {
                    name,
                    member,
                    written,
                } => match scope.resolve(name, *member, written) {
                    Ok(text) => resolved.push_str(&text),
                    Err((what, hint)) => {
                        let problem = at(what);
                        problems.push(match hint {
                            Some(hint) => problem.hint(hint),
                            None => problem,
                        });
                    }
                },
            }
        }
        resolved
    }
}

/// The names that an expression binds itself: `$x := …`, `@$x`, `#$i` and the parameters of functions.
fn bound<'a>(words: &[Word<'a>]) -> BTreeSet<&'a str> {
    let blank = |word: &&Word<'_>| matches!(word, Word::Text(text) if text.trim().is_empty());
    let words: Vec<&Word<'a>> = words.iter().filter(|word| !blank(word)).collect();
    let text = |at: usize| match words.get(at) {
        Some(Word::Text(text)) => *text,
        _ => "",
    };
    let mut bound = BTreeSet::new();
    let mut parameters = false;
    for (at, word) in words.iter().enumerate() {
        match word {
            Word::Text(",") => {}
            Word::Text("(") => {
                let before = at.checked_sub(1).and_then(|at| words.get(at));
                parameters = matches!(before, Some(Word::Name("function" | "λ")));
            }
            Word::Variable { name, .. } => {
                let assigned = text(at + 1) == ":" && text(at + 2) == "=";
                let joined = at > 0 && matches!(text(at - 1), "@" | "#");
                if parameters || assigned || joined {
                    bound.insert(*name);
                }
            }
            Word::Text(_) | Word::Name(_) => parameters = false,
        }
    }
    bound
}

/// Takes an expression apart. Strings, comments, quoted names and regular expressions are text.
fn words(source: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut lexer = Lexer { source, at: 0 };
    // Whether a `/` divides, and whether a name continues a path.
    let (mut operand, mut path) = (false, false);
    while let Some(next) = lexer.peek() {
        let start = lexer.at;
        match next {
            '\'' | '"' | '`' => {
                lexer.quoted(next);
                (operand, path) = (true, false);
            }
            '/' if lexer.rest().starts_with("/*") => lexer.comment(),
            '/' if !operand => {
                lexer.quoted('/');
                (operand, path) = (true, false);
            }
            '$' => {
                lexer.bump();
                let name = lexer.name();
                if name.is_empty() {
                    (operand, path) = (true, false);
                } else {
                    let member = lexer.member();
                    words.push(Word::Variable {
                        name,
                        member,
                        written: &source[start..start + 1 + name.len()],
                    });
                    if member.is_some() && name != "steps" {
                        lexer.at = start + 1 + name.len();
                    }
                    (operand, path) = (true, false);
                    continue;
                }
            }
            _ if is_name_start(next) => {
                let name = lexer.name();
                let keyword = matches!(name, "and" | "or" | "in" | "true" | "false" | "null");
                words.push(if path || keyword {
                    Word::Text(name)
                } else {
                    Word::Name(name)
                });
                (operand, path) = (!matches!(name, "and" | "or" | "in"), false);
                continue;
            }
            _ if next.is_ascii_digit() => {
                lexer.number();
                (operand, path) = (true, false);
            }
            _ => {
                lexer.bump();
                if !next.is_whitespace() {
                    operand = matches!(next, ')' | ']' | '}');
                    path = next == '.';
                }
            }
        }
        words.push(Word::Text(&source[start..lexer.at]));
    }
    words
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !is_name_start(c) && !c.is_ascii_digit());
        let name = &rest[..end.unwrap_or(rest.len())];
        self.at += name.len();
        name
    }

    fn number(&mut self) {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_digit());
        self.at += end.unwrap_or(rest.len());
    }

    /// What a dot and a name behind a variable say.
    fn member(&mut self) -> Option<&'a str> {
        let tail = self.rest().trim_start().strip_prefix('.')?.trim_start();
        let quoted = tail.strip_prefix('`');
        let from = quoted.unwrap_or(tail);
        let end = match quoted {
            Some(quoted) => quoted.find('`')?,
            None => from
                .find(|c: char| !is_name_start(c) && !c.is_ascii_digit())
                .unwrap_or(from.len()),
        };
        let member = &from[..end];
        if member.is_empty() {
            return None;
        }
        self.at = self.source.len() - from.len() + end + usize::from(quoted.is_some());
        Some(member)
    }

    fn quoted(&mut self, quote: char) {
        self.bump();
        while let Some(next) = self.peek() {
            self.bump();
            match next {
                '\\' if quote != '`' => self.bump(),
                _ if next == quote => return,
                _ => {}
            }
        }
    }

    fn comment(&mut self) {
        let end = self
            .rest()
            .find("*/")
            .map_or(self.source.len(), |end| self.at + end + 2);
        self.at = end;
    }
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}
