//! How a run goes: a line per step that is drawn anew on a terminal, and lines that follow each other elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

use engine::run::{RunRecord, RunStatus, StepRecord, StepStatus};

use crate::cli::failure::Failure;
use crate::cli::screen::{Ink, Screen};
use crate::cli::wording::{brief, dollars, millis};

const SPINNER: [&str; 8] = ["⣾", "⣽", "⣻", "⢿", "⡿", "⣟", "⣯", "⣷"];

/// How much of a value a line shows, in characters.
const SHOWN: usize = 72;

/// Shows a run.
pub(in crate::cli) struct Progress<'s> {
    screen: &'s Screen,
    live: bool,
    frame: usize,
    drawn: usize,
    told: BTreeMap<(String, Option<String>), (StepStatus, u32)>,
}

impl<'s> Progress<'s> {
    pub(in crate::cli) fn new(screen: &'s Screen) -> Self {
        let live = !screen.is_json() && std::io::stdout().is_terminal();
        Self {
            screen,
            live,
            frame: 0,
            drawn: 0,
            told: BTreeMap::new(),
        }
    }

    /// Shows how the run stands now.
    pub(in crate::cli) fn show(&mut self, record: &RunRecord) -> Result<(), Failure> {
        if self.screen.is_json() {
            return Ok(());
        }
        if self.live {
            self.draw(record)
        } else {
            self.tell(record)
        }
    }

    /// Shows how it ended, and what it gave.
    pub(in crate::cli) fn end(&mut self, record: &RunRecord) -> Result<(), Failure> {
        self.show(record)?;
        let took = record.ended.map(|ended| ended.since(record.at));
        let took = took.map(|took| {
            format!(
                " in {}",
                millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
            )
        });
        let spent = match record.micro_dollars {
            0 => String::new(),
            spent => format!(", {}", dollars(spent)),
        };
        let status = status(record.status);
        let ink = if record.status == RunStatus::Succeeded {
            Ink::Green
        } else {
            Ink::Red
        };
        let told = self.screen.paint(ink, status);
        self.screen.line(format_args!(
            "{told}{}{spent}  run {}",
            took.unwrap_or_default(),
            record.id
        ))?;
        if let Some(error) = &record.error {
            let cause = record.cause.as_deref().unwrap_or_default();
            self.screen
                .line(format_args!("{error}: {}", brief(cause, 400)))?;
        }
        if let Some(outputs) = record
            .outputs
            .as_ref()
            .filter(|outputs| outputs.as_object().is_none_or(|o| !o.is_empty()))
        {
            self.screen
                .line(serde_json::to_string_pretty(outputs).unwrap_or_default())?;
        }
        Ok(())
    }

    fn draw(&mut self, record: &RunRecord) -> Result<(), Failure> {
        self.frame += 1;
        let mut text = String::new();
        if self.drawn > 0 {
            let _ = write!(text, "\x1b[{}A\x1b[J", self.drawn);
        }
        for step in &record.steps {
            let _ = writeln!(text, "{}", self.line(step));
        }
        self.drawn = record.steps.len();
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// Tells what changed since it was told last.
    fn tell(&mut self, record: &RunRecord) -> Result<(), Failure> {
        for step in &record.steps {
            let key = (step.step.clone(), step.item.clone());
            let now = (step.status, step.attempts);
            if self.told.insert(key, now) != Some(now) {
                let line = self.line(step);
                self.screen.line(line)?;
            }
        }
        Ok(())
    }

    fn line(&self, step: &StepRecord) -> String {
        let sign = match step.status {
            StepStatus::Running if self.live => SPINNER[self.frame % SPINNER.len()].to_owned(),
            StepStatus::Running => "…".to_owned(),
            StepStatus::Waiting => self.screen.paint(Ink::Yellow, "?"),
            StepStatus::Succeeded => self.screen.paint(Ink::Green, "✓"),
            StepStatus::Failed => self.screen.paint(Ink::Red, "✗"),
            StepStatus::Stopped => self.screen.paint(Ink::Yellow, "-"),
        };
        let item = step
            .item
            .as_ref()
            .map(|item| format!(" [{item}]"))
            .unwrap_or_default();
        let took = step.ended.map(|ended| ended.since(step.at).as_millis());
        let took =
            took.map(|took| format!("  {}", millis(u64::try_from(took).unwrap_or(u64::MAX))));
        let tries = match step.attempts {
            0 | 1 => String::new(),
            tries => format!("  {tries} tries"),
        };
        let more = match (step.status, &step.error) {
            (StepStatus::Waiting, _) => "  waits for a person: `confab approvals`".to_owned(),
            (StepStatus::Failed, Some(error)) => {
                let cause = step.cause.as_deref().unwrap_or_default();
                format!("  {error}: {}", brief(cause, SHOWN))
            }
            _ if step.cached => "  from an earlier run".to_owned(),
            _ => match &step.output {
                Some(output) => format!("  {}", brief(&output.to_string(), SHOWN)),
                None => String::new(),
            },
        };
        format!(
            "{sign} {}{item}{}{tries}{more}",
            step.step,
            took.unwrap_or_default()
        )
    }
}

pub(in crate::cli) fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Queued => "waits for room",
        RunStatus::Skipped => "skipped: there was no room",
        RunStatus::Running => "running",
        RunStatus::Succeeded => "succeeded",
        RunStatus::Failed => "failed",
        RunStatus::TimedOut => "timed out",
        RunStatus::Cancelled => "cancelled",
    }
}
