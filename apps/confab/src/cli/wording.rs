//! How things read on a terminal: money, times, counts, problems, and text that others wrote.

use std::path::Path;

use engine::bot::{ModelSettings, Problem};
use engine::runtime::Time;
use engine::transcript::ToolStatus;

#[cfg(test)]
mod tests;

/// The chain entry of the model that reads its replies from a file.
const SCRIPTED: &str = "scripted";

/// `$0.0012` for 1,200 micro-dollars; as many places as a small sum needs.
pub(super) fn dollars(micro_dollars: u64) -> String {
    let (whole, rest) = (micro_dollars / 1_000_000, micro_dollars % 1_000_000);
    match (whole, rest) {
        (0, 0) => "$0".to_owned(),
        (0, 1..100) => format!("$0.{rest:06}"),
        (0, _) => format!("$0.{:04}", rest / 100),
        _ => format!("${whole}.{:02}", rest / 10_000),
    }
}

/// `2026-11-21 08:00:00Z`.
pub(super) fn moment(time: Time) -> String {
    let text = time.to_string();
    let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
    let seconds = clock.split('.').next().unwrap_or(clock);
    format!("{date} {seconds}Z")
}

/// `1 turn`, `2 turns`.
pub(super) fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// How a tool call ended.
pub(super) fn outcome(status: ToolStatus) -> &'static str {
    match status {
        ToolStatus::Succeeded => "ok",
        ToolStatus::Failed => "failed",
        ToolStatus::Waiting => "waits for a person's yes",
        ToolStatus::Unknown => "unknown: it may or may not have happened",
    }
}

/// `12 ms`, `1.5 s`.
pub(super) fn millis(millis: u64) -> String {
    match millis {
        0..1000 => format!("{millis} ms"),
        _ => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
    }
}

/// Text that others wrote, without characters that steer a terminal.
pub(super) fn plain(text: &str) -> String {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    text.chars()
        .filter(|c| *c != '\r')
        .map(|c| if steers(c) { '\u{fffd}' } else { c })
        .collect()
}

/// The same on one line of at most `length` characters.
pub(super) fn brief(text: &str, length: usize) -> String {
    let line: String = plain(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// What answers, in words that cannot be taken for a real model when it is none.
pub(super) fn models(settings: &ModelSettings) -> String {
    let named: Vec<&str> = settings
        .chain
        .iter()
        .map(|name| match name.as_str() {
            SCRIPTED => "scripted demo model",
            name => name,
        })
        .collect();
    if is_scripted(settings) {
        return "scripted demo model: canned answers, no key needed".to_owned();
    }
    named.join(", then ")
}

/// Whether a scripted model answers first.
pub(super) fn is_scripted(settings: &ModelSettings) -> bool {
    settings.chain.first().is_some_and(|name| name == SCRIPTED)
}

/// A problem as compilers show it; `note`, which may have colours, goes before its text.
pub(super) fn problem(problem: &Problem, note: Option<&str>) -> String {
    let mut place = problem.file.clone();
    for number in [problem.line, problem.column].into_iter().flatten() {
        place = format!("{place}:{number}");
    }
    let note = note.map(|note| format!("{note}: ")).unwrap_or_default();
    let text = format!("{}: {note}{}", plain(&place), plain(&problem.what));
    match &problem.hint {
        Some(hint) => format!("{text}\n  help: {}", plain(hint)),
        None => text,
    }
}

/// Problems with the paths a user can open from here.
pub(super) fn under(folder: &Path, problems: Vec<Problem>) -> Vec<Problem> {
    let place = |problem: Problem| Problem {
        file: match folder.components().count() {
            1 if folder == Path::new(".") => problem.file.clone(),
            _ => folder.join(&problem.file).display().to_string(),
        },
        ..problem
    };
    problems.into_iter().map(place).collect()
}
