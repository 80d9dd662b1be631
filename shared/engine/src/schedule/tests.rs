use croner::parser::{CronParser, Seconds};

use super::{Schedule, Times};
use crate::runtime::Time;

/// The next times after `after`, in UTC.
fn times<const N: usize>(schedule: &str, zone: &str, after: &str) -> [String; N] {
    let schedule = Schedule::parse(schedule, zone).unwrap();
    let mut at: Time = after.parse().unwrap();
    std::array::from_fn(|_| {
        at = schedule.next(at).unwrap();
        at.to_string().replace(":00.000Z", "Z")
    })
}

#[test]
fn a_time_of_day_follows_the_clocks_of_its_zone() {
    let lisbon = |after| times::<3>("55 6 * * *", "Europe/Lisbon", after);
    // Clocks go forward on 2027-03-28 and back on 2027-10-31.
    assert_eq!(
        lisbon("2027-03-26T12:00:00Z"),
        [
            "2027-03-27T06:55Z",
            "2027-03-28T05:55Z",
            "2027-03-29T05:55Z"
        ]
    );
    assert_eq!(
        lisbon("2027-10-29T12:00:00Z"),
        [
            "2027-10-30T05:55Z",
            "2027-10-31T06:55Z",
            "2027-11-01T06:55Z"
        ]
    );
}

#[test]
fn a_time_that_clocks_leave_out_is_due_once_and_one_that_comes_twice_is_due_once() {
    let berlin = |after| times::<2>("30 2 * * *", "Europe/Berlin", after);
    assert_eq!(
        berlin("2027-03-27T12:00:00Z"),
        ["2027-03-28T01:00Z", "2027-03-29T00:30Z"]
    );
    assert_eq!(
        berlin("2027-10-30T12:00:00Z"),
        ["2027-10-31T00:30Z", "2027-11-01T01:30Z"]
    );
}

#[test]
fn rates_count_from_a_fixed_time_whatever_was_last() {
    assert_eq!(
        times("rate(5 minutes)", "UTC", "2027-01-01T00:03:10Z"),
        ["2027-01-01T00:05Z", "2027-01-01T00:10Z"]
    );
    assert_eq!(
        times("rate(1 day)", "UTC", "2027-01-01T00:00:00Z"),
        ["2027-01-02T00:00Z"]
    );
}

#[test]
fn what_is_no_schedule_is_told() {
    for wrong in [
        "",
        "* * * *",
        "61 * * * *",
        "rate(5 fortnights)",
        "rate(0 minutes)",
        "rate(5 minutes",
        "@yearly * * * *",
    ] {
        assert!(Schedule::parse(wrong, "UTC").is_err(), "{wrong}");
    }
    assert!(Schedule::parse("* * * * *", "Middle/Earth").is_err());
}

#[test]
fn eventbridge_is_told_the_same_times() {
    for (schedule, expression) in [
        ("55 6 * * *", "cron(55 6 * * ? *)"),
        ("*/15 8-17 * * MON-FRI", "cron(0,15,30,45 8-17 ? * 2-6 *)"),
        ("0 0 1,2,15 */3 *", "cron(0 0 1,2,15 1,4,7,10 ? *)"),
        ("5 4 * * 0", "cron(5 4 ? * 1 *)"),
        ("5 4 * * 7,6", "cron(5 4 ? * 1,7 *)"),
        ("0 9 L * *", "cron(0 9 L * ? *)"),
        ("0 9 15W * *", "cron(0 9 15W * ? *)"),
        ("0 9 * * 1#1", "cron(0 9 ? * 2#1 *)"),
        ("0 9 * * FRI#L", "cron(0 9 ? * 6L *)"),
        ("@daily", "cron(0 0 * * ? *)"),
        (
            "*/2 * * * *",
            "cron(0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32,34,36,38,40,42,44,46,48,50,52,54,56,58 * * * ? *)",
        ),
    ] {
        let schedule = Schedule::parse(schedule, "Europe/Lisbon").unwrap();
        let told = schedule.eventbridge();
        assert_eq!(told.as_deref(), Ok(expression));
        // The dialect has Sunday as 1, and a year.
        let fields = expression.strip_prefix("cron(").unwrap();
        let fields = fields.strip_suffix(" *)").unwrap();
        let parser = CronParser::builder()
            .alternative_weekdays(true)
            .seconds(Seconds::Disallowed)
            .build();
        let there = Schedule {
            times: Times::Cron(Box::new(parser.parse(fields).unwrap())),
            ..schedule.clone()
        };
        let (mut here, mut at): (Time, Time) = Default::default();
        for _ in 0..200 {
            (here, at) = (schedule.next(here).unwrap(), there.next(at).unwrap());
            assert_eq!(here, at, "{expression}");
        }
    }
    let rate = Schedule::parse("rate(5 minutes)", "UTC").unwrap();
    assert_eq!(rate.eventbridge().as_deref(), Ok("rate(5 minutes)"));
}

#[test]
fn what_eventbridge_cannot_say_is_told() {
    for beyond in [
        "0 9 1 * MON",
        "0 9 L,15 * *",
        "0 9 * * 1#1,3#2",
        "0 9 * * 1#1,3",
    ] {
        let schedule = Schedule::parse(beyond, "UTC").unwrap();
        assert!(schedule.eventbridge().is_err(), "{beyond}");
    }
}
