//! When something is due: a cron expression or a rate, in a time zone.

use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use croner::parser::CronParser;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::runtime::Time;

mod eventbridge;

/// Times at which something is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    text: String,
    zone: TimeZone,
    times: Times,
}

#[derive(Clone, Debug, PartialEq)]
enum Times {
    Cron(Box<Cron>),
    Rate(Duration),
}

/// What becomes of times that passed while nothing ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missed {
    /// One run for all of them.
    #[default]
    Once,
    /// One run for each.
    All,
    /// None.
    Skip,
}

impl Schedule {
    /// Reads `rate(5 minutes)`, or cron's five fields: minute, hour, day of month, month, day of week.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str, zone: &str) -> Result<Self, String> {
        let text = text.trim();
        let times = match text.strip_prefix("rate(") {
            Some(rate) => Times::Rate(rate_of(rate)?),
            None => {
                let parser = CronParser::builder()
                    .seconds(croner::parser::Seconds::Disallowed)
                    .year(croner::parser::Year::Disallowed)
                    .build();
                let cron = parser.parse(text).map_err(|error| {
                    format!("it is neither `rate(5 minutes)` nor a cron expression of five fields ({error})")
                })?;
                Times::Cron(Box::new(cron))
            }
        };
        let zone = TimeZone::get(zone).map_err(|_| {
            format!("there is no time zone `{zone}`; write one such as `Europe/Lisbon`")
        })?;
        let text = text.to_owned();
        Ok(Self { text, zone, times })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The time zone's name.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The time after `at`, which is one of its times; a rate counts from there, wherever others count from.
    #[must_use]
    pub fn following(&self, at: Time) -> Option<Time> {
        match &self.times {
            Times::Rate(every) => Some(at.plus(*every)),
            Times::Cron(_) => self.next(at),
        }
    }

    /// The first time after `after` at which it is due; a rate counts from 1970.
    ///
    /// A time that clocks leave out when they are put forward is due right after; one that comes twice is due
    /// once.
    #[must_use]
    pub fn next(&self, after: Time) -> Option<Time> {
        match &self.times {
            Times::Rate(every) => {
                let every = i64::try_from(every.as_millis()).ok()?;
                Some(Time((after.0.div_euclid(every) + 1).checked_mul(every)?))
            }
            Times::Cron(cron) => {
                let after = Timestamp::from_millisecond(after.0)
                    .ok()?
                    .to_zoned(self.zone.clone());
                let next = cron.find_next_occurrence(&after, false).ok()?;
                Some(Time(next.timestamp().as_millisecond()))
            }
        }
    }
}

/// `5 minutes)`, as EventBridge writes it.
fn rate_of(rest: &str) -> Result<Duration, String> {
    let wrong = || "a rate is written `rate(5 minutes)`, with minutes, hours or days".to_owned();
    let inner = rest.strip_suffix(')').ok_or_else(wrong)?;
    let (count, unit) = inner.trim().split_once(' ').ok_or_else(wrong)?;
    let count = u64::from_str(count).map_err(|_| wrong())?;
    let seconds = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        _ => return Err(wrong()),
    };
    if !(1..=10_000).contains(&count) {
        return Err("a rate counts from 1 to 10000".to_owned());
    }
    Ok(Duration::from_secs(count * seconds))
}

#[cfg(test)]
mod tests;
