//! Schedules as EventBridge Scheduler writes them.

use croner::Cron;

use super::{Schedule, Times};

/// The longest expression that the service takes.
const MAX_LENGTH: usize = 256;

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Schedule {
    /// The `ScheduleExpression` of the same times: `cron(55 6 * * ? *)`, `rate(5 minutes)`.
    ///
    /// The service counts a rate from when the schedule was made, and leaves out a time that clocks leave out.
    ///
    /// # Errors
    /// What the service cannot say, in words.
    pub fn eventbridge(&self) -> Result<String, String> {
        let expression = match &self.times {
            Times::Rate(_) => self.text.clone(),
            Times::Cron(cron) => cron_of(cron, &self.text.to_uppercase())?,
        };
        if expression.len() > MAX_LENGTH {
            return Err(format!(
                "its expression would be longer than {MAX_LENGTH} characters"
            ));
        }
        Ok(expression)
    }
}

fn cron_of(cron: &Cron, text: &str) -> Result<String, String> {
    let pattern = &cron.pattern;
    // A nickname such as `@daily` has no fields, and nothing particular in them.
    let mut fields = text.split_whitespace().skip(2);
    let (day, weekday) = (fields.next().unwrap_or("*"), fields.nth(1).unwrap_or("*"));
    // One of the two must be `?` there.
    let (day, weekday) = match (pattern.is_dom_wildcard(), pattern.is_dow_wildcard()) {
        (true, true) => ("*".to_owned(), "?".to_owned()),
        (false, true) if pattern.days.has_modifiers() => (particular(day)?, "?".to_owned()),
        (false, true) => (listed(&pattern.days.values(), 0, 31), "?".to_owned()),
        (true, false) if pattern.days_of_week.has_modifiers() => {
            ("?".to_owned(), particular_weekday(weekday)?)
        }
        // Sunday is 1 there.
        (true, false) => ("?".to_owned(), listed(&pattern.days_of_week.values(), 1, 7)),
        (false, false) => {
            return Err("it names days of the month and of the week".to_owned());
        }
    };
    let (minute, hour, month) = (
        listed(&pattern.minutes.values(), 0, 60),
        listed(&pattern.hours.values(), 0, 24),
        listed(&pattern.months.values(), 0, 12),
    );
    Ok(format!("cron({minute} {hour} {day} {month} {weekday} *)"))
}

/// `L`, `LW` or `15W`, which stand alone there.
fn particular(field: &str) -> Result<String, String> {
    match field.contains([',', '-', '/']) {
        true => Err("it names a day with `L` or `W` beside others".to_owned()),
        false => Ok(field.to_owned()),
    }
}

/// `MON#2` or `5L`, which stand alone there, with Sunday as 1.
fn particular_weekday(field: &str) -> Result<String, String> {
    let beside = || "it names a weekday with `L` or `#` beside others".to_owned();
    let (day, nth) = match field.split_once('#') {
        Some((day, nth)) => (day, nth),
        None => (field.strip_suffix('L').ok_or_else(beside)?, "L"),
    };
    let named = WEEKDAYS.iter().position(|name| *name == day);
    let day = named.or_else(|| day.parse().ok()).ok_or_else(beside)? % 7 + 1;
    match nth {
        "L" => Ok(format!("{day}L")),
        nth if nth.len() == 1 => Ok(format!("{day}#{nth}")),
        _ => Err(beside()),
    }
}

/// `*`, or values and ranges of them, `shift` higher.
fn listed(values: &[u16], shift: u16, all: usize) -> String {
    if values.len() == all {
        return "*".to_owned();
    }
    let runs = values.chunk_by(|one, next| one + 1 == *next);
    let written = runs.map(|run| match run {
        [first, .., last] if run.len() > 2 => format!("{}-{}", first + shift, last + shift),
        run => {
            let each: Vec<String> = run
                .iter()
                .map(|value| (value + shift).to_string())
                .collect();
            each.join(",")
        }
    });
    written.collect::<Vec<_>>().join(",")
}
