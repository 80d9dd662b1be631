//! Where output goes: results to stdout, notes to stderr, colours to terminals only.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::columns::{Side, columns};

/// Longer lines are hard to read, however wide the terminal.
const WIDEST: usize = 100;

/// Where a command writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    format: Format,
    out: Colours,
    notes: Colours,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colours {
    Shown,
    Left,
}

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Screen {
    /// The process's output.
    pub(super) fn new(json: bool, no_color: bool) -> Self {
        let colours = |is_terminal: bool| {
            if is_terminal && !no_color && !json {
                Colours::Shown
            } else {
                Colours::Left
            }
        };
        Self {
            out: colours(io::stdout().is_terminal()),
            notes: colours(io::stderr().is_terminal()),
            ..Self::bare(json)
        }
    }

    /// The process's output without colours.
    pub(super) fn bare(json: bool) -> Self {
        Self {
            format: if json { Format::Json } else { Format::Text },
            out: Colours::Left,
            notes: Colours::Left,
        }
    }

    /// Whether programs read the output.
    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// How many columns of stdout a line of prose may fill.
    pub(super) fn width(&self) -> usize {
        let is_read_by_people = io::stdout().is_terminal() && !self.is_json();
        let size = is_read_by_people.then(terminal_size::terminal_size);
        let width = size.map(|size| size.map_or(WIDEST, |(width, _)| usize::from(width.0)));
        width.map_or(usize::MAX, |width| width.min(WIDEST))
    }

    /// Whether stderr shows colours.
    pub(super) fn colours_notes(&self) -> bool {
        self.notes == Colours::Shown
    }

    /// Writes a line of the result.
    pub(super) fn line(&self, text: impl Display) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// Writes rows under their titles, in aligned columns.
    pub(super) fn table<const N: usize>(
        &self,
        titles: [(&str, Side); N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> io::Result<()> {
        let rows: Vec<_> = rows.into_iter().collect();
        let mut lines = columns(titles, &rows).into_iter();
        lines.try_for_each(|line| self.line(line))
    }

    /// Writes a piece of the result that a line does not end yet.
    pub(super) fn piece(&self, text: impl Display) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write!(out, "{text}")?;
        out.flush()
    }

    /// Writes one line of JSON.
    pub(super) fn event(&self, value: &impl Serialize) -> io::Result<()> {
        self.line(serde_json::to_string(value)?)
    }

    /// Writes a JSON document.
    pub(super) fn document(&self, value: &impl Serialize) -> io::Result<()> {
        self.line(serde_json::to_string_pretty(value)?)
    }

    /// Writes a line beside the result.
    pub(super) fn note(&self, text: impl Display) {
        // Nothing is left to tell the user with when stderr is gone.
        drop(writeln!(io::stderr().lock(), "{text}"));
    }

    /// `text` as it stands out on stdout.
    pub(super) fn paint(&self, ink: Ink, text: impl Display) -> String {
        painted(self.out, ink, text)
    }

    /// `text` as it stands out on stderr.
    pub(super) fn paint_note(&self, ink: Ink, text: impl Display) -> String {
        painted(self.notes, ink, text)
    }
}

fn painted(colours: Colours, ink: Ink, text: impl Display) -> String {
    let code = match ink {
        _ if colours == Colours::Left => return text.to_string(),
        Ink::Bold => 1,
        Ink::Dim => 2,
        Ink::Red => 31,
        Ink::Green => 32,
        Ink::Yellow => 33,
        Ink::Cyan => 36,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}
