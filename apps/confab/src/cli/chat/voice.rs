//! How a conversation looks: in a terminal, through a pipe, or as JSON.

use std::io;

use engine::event::Event;
use engine::transcript::ToolStatus;
use engine::view::Role;
use serde::Serialize;
use serde_json::json;

use super::speaker;
use crate::cli::screen::{Ink, Screen};
use crate::cli::wording::{millis, outcome, plain};
use crate::cli::wrap::Wrap;

/// As far as continued lines are set in, to stand under the text of the first.
const INDENT: usize = 6;

/// Shows a conversation.
pub(super) struct Voice {
    screen: Screen,
    is_terminal: bool,
    /// The reply as it was streamed so far.
    streamed: String,
    wrap: Wrap,
    /// The call whose line is not ended yet.
    open_call: Option<String>,
}

impl Voice {
    pub(super) fn new(screen: Screen, is_terminal: bool) -> Self {
        Self {
            wrap: Wrap::new(screen.width(), INDENT),
            screen,
            is_terminal,
            streamed: String::new(),
            open_call: None,
        }
    }

    pub(super) fn is_json(&self) -> bool {
        self.screen.is_json()
    }

    pub(super) fn event(&self, event: &impl Serialize) -> io::Result<()> {
        self.screen.event(event)
    }

    /// Something beside the conversation.
    pub(super) fn aside(&self, text: &str) -> io::Result<()> {
        if self.is_json() || !self.is_terminal {
            if !self.is_json() {
                self.screen
                    .note(self.screen.paint_note(Ink::Dim, plain(text)));
            }
            return Ok(());
        }
        self.screen.line(self.screen.paint(Ink::Dim, plain(text)))
    }

    pub(super) fn title(&self, title: &str, models: &str) -> io::Result<()> {
        if !self.is_terminal {
            return self.aside(&format!("{title} · {models}"));
        }
        let title = self.screen.paint(Ink::Bold, plain(title));
        let models = self.screen.paint(Ink::Yellow, models);
        self.screen.line(format_args!("{title} · {models}"))
    }

    pub(super) fn gap(&self) -> io::Result<()> {
        if self.is_terminal && !self.is_json() {
            self.screen.line("")?;
        }
        Ok(())
    }

    /// What the bot says before anyone has spoken; it is no message.
    pub(super) fn greet(&self, greeting: &str, suggestions: &[String]) -> io::Result<()> {
        if !self.is_terminal {
            return Ok(());
        }
        if !greeting.is_empty() {
            self.screen.line(self.said(Role::Assistant, greeting))?;
        }
        if !suggestions.is_empty() {
            let tries = format!("Try: {}", suggestions.join(" · "));
            self.aside(&format!("{:INDENT$}{}", "", self.wrapped(&tries)))?;
        }
        Ok(())
    }

    /// A message of an earlier run.
    pub(super) fn recall(&self, role: Role, text: &str) -> io::Result<()> {
        if !self.is_terminal {
            return Ok(());
        }
        let text = format!("{}{}", speaker(role), self.wrapped(text));
        self.screen.line(self.screen.paint(Ink::Dim, text))
    }

    /// Something was not done.
    pub(super) fn refuse(&self, why: &str) -> io::Result<()> {
        if self.is_json() {
            return self.event(&json!({ "type": "error", "message": why }));
        }
        self.screen
            .note(self.screen.paint_note(Ink::Red, plain(why)));
        Ok(())
    }

    /// The conversation is left in the middle.
    pub(super) fn leave(&mut self) -> io::Result<()> {
        if self.is_terminal && !self.is_json() {
            self.end_line()?;
            self.screen.line("")?;
        }
        Ok(())
    }

    /// Something happened in the turn.
    pub(super) fn hear(&mut self, event: &Event) -> io::Result<()> {
        if self.is_json() {
            return self.event(event);
        }
        match event {
            Event::TurnStarted { .. } | Event::TurnEnded { .. } => Ok(()),
            Event::TextDelta { text, .. } => self.stream(text),
            Event::TextRestarted { .. } => {
                self.end_line()?;
                self.aside("  that came to nothing; starting over")
            }
            Event::ToolStarted { tool, call, .. } => self.tool_started(tool, call),
            Event::ToolFinished {
                tool,
                call,
                status,
                millis,
                ..
            } => self.tool_finished(tool, call, *status, *millis),
            Event::Reply { text, .. } => self.reply(text),
        }
    }

    fn stream(&mut self, text: &str) -> io::Result<()> {
        if !self.is_terminal {
            return Ok(());
        }
        let text = if self.streamed.is_empty() {
            if text.trim().is_empty() {
                return Ok(());
            }
            self.end_line()?;
            self.screen.piece(self.painted(Role::Assistant))?;
            self.wrap = Wrap::new(self.screen.width(), INDENT);
            text.trim_start()
        } else {
            text
        };
        self.streamed.push_str(text);
        let lines = self.wrap.push(&plain(text));
        self.screen.piece(lines)
    }

    fn tool_started(&mut self, tool: &str, call: &str) -> io::Result<()> {
        if !self.is_terminal {
            return Ok(());
        }
        self.end_line()?;
        self.open_call = Some(call.to_owned());
        self.screen
            .piece(self.screen.paint(Ink::Dim, format_args!("    · {tool} … ")))
    }

    fn tool_finished(
        &mut self,
        tool: &str,
        call: &str,
        status: ToolStatus,
        took: u64,
    ) -> io::Result<()> {
        let ended = match status {
            // What waits took no time yet.
            ToolStatus::Waiting => outcome(status).to_owned(),
            _ => format!("{} {}", outcome(status), millis(took)),
        };
        if self.open_call.as_deref() == Some(call) {
            self.open_call = None;
            return self.screen.line(self.screen.paint(Ink::Dim, ended));
        }
        self.end_line()?;
        self.aside(&format!("    · {tool} … {ended}"))
    }

    fn reply(&mut self, text: &str) -> io::Result<()> {
        if !self.is_terminal {
            return self.screen.line(plain(text));
        }
        if self.streamed.trim() == text.trim() {
            return self.end_line();
        }
        self.end_line()?;
        self.screen.line(self.said(Role::Assistant, text))
    }

    /// Ends the line that a stream or a call left open.
    pub(super) fn end_line(&mut self) -> io::Result<()> {
        let is_open = !self.streamed.is_empty() || self.open_call.is_some();
        let rest = self.wrap.end();
        self.streamed.clear();
        self.open_call = None;
        if is_open {
            self.screen.line(rest)
        } else {
            Ok(())
        }
    }

    fn said(&self, role: Role, text: &str) -> String {
        format!("{}{}", self.painted(role), self.wrapped(text))
    }

    fn painted(&self, role: Role) -> String {
        let ink = match role {
            Role::User => Ink::Cyan,
            Role::Assistant => Ink::Green,
            Role::Person => Ink::Yellow,
        };
        self.screen.paint(ink, speaker(role))
    }

    fn wrapped(&self, text: &str) -> String {
        Wrap::whole(&plain(text), self.screen.width(), INDENT)
    }
}
