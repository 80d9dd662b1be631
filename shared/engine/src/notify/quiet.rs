//! Hours in which a person is not to be disturbed.

use jiff::civil::{Date, Time as Clock};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::runtime::Time;

/// Hours of every day, by the clock where the person is. They may go past midnight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from: Clock,
    to: Clock,
    zone: TimeZone,
}

/// Quiet hours that can follow each other without a pause, which clocks that jump over a day can make of them.
const JOINED: usize = 4;

impl QuietHours {
    /// From `from` to `to`, both such as `22:00`, in the time zone `zone`, such as `Europe/Lisbon`; nothing when
    /// they end when they begin, or one of these cannot be read.
    #[must_use]
    pub fn new(from: &str, to: &str, zone: &str) -> Option<Self> {
        let clock = |text: &str| Clock::strptime("%H:%M", text).ok();
        let (from, to) = (clock(from)?, clock(to)?);
        let zone = TimeZone::get(zone).ok()?;
        (from != to).then_some(Self { from, to, zone })
    }

    /// When the quiet hours that `now` lies in end; nothing when it lies in none.
    ///
    /// They begin and end when the clock first shows it; a time that the clock leaves out is as long after the jump
    /// as it would have been after what the clock showed before.
    #[must_use]
    pub fn until(&self, now: Time) -> Option<Time> {
        let mut until = self.end_of(now)?;
        for _ in 0..JOINED {
            match self.end_of(until) {
                Some(later) => until = later,
                None => break,
            }
        }
        Some(until)
    }

    fn end_of(&self, now: Time) -> Option<Time> {
        let here = Timestamp::from_millisecond(now.0).ok()?;
        let today = here.to_zoned(self.zone.clone()).date();
        let day = Span::new().days(1);
        let begins = [today.checked_sub(day).ok(), Some(today)];
        let quiet = begins.into_iter().flatten().filter_map(|date| {
            let ends = if self.to > self.from {
                date
            } else {
                date.checked_add(day).ok()?
            };
            let (start, end) = (self.at(date, self.from)?, self.at(ends, self.to)?);
            (start <= now && now < end).then_some(end)
        });
        quiet.max()
    }

    fn at(&self, date: Date, clock: Clock) -> Option<Time> {
        let local = date.to_datetime(clock);
        let at = self.zone.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(Time(at.as_millisecond()))
    }
}
