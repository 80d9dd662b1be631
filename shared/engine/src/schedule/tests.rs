use super::Schedule;
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
