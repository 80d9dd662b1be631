use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{Case, Class, Decision, Fate, QuietHours, Try, decide};
use crate::bot::{People, Person};
use crate::message::Channel;
use crate::runtime::Time;

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn night(zone: &str) -> QuietHours {
    QuietHours::new("22:00", "07:00", zone).unwrap()
}

#[test]
fn quiet_hours_end_by_the_clock_where_the_person_is() {
    for (from, to, zone, now, until) in [
        (
            "22:00",
            "07:00",
            "Europe/Lisbon",
            "2026-01-10T23:30:00Z",
            Some("2026-01-11T07:00:00Z"),
        ),
        (
            "22:00",
            "07:00",
            "Europe/Lisbon",
            "2026-01-11T06:59:59Z",
            Some("2026-01-11T07:00:00Z"),
        ),
        (
            "22:00",
            "07:00",
            "Europe/Lisbon",
            "2026-01-11T07:00:00Z",
            None,
        ),
        (
            "22:00",
            "07:00",
            "Europe/Lisbon",
            "2026-01-11T21:59:59Z",
            None,
        ),
        (
            "13:00",
            "15:00",
            "Asia/Tokyo",
            "2026-01-11T04:00:00Z",
            Some("2026-01-11T06:00:00Z"),
        ),
        ("13:00", "15:00", "Asia/Tokyo", "2026-01-11T06:00:00Z", None),
        // Clocks go forward in the night: it is an hour shorter.
        (
            "22:00",
            "07:00",
            "Europe/Berlin",
            "2026-03-28T21:00:00Z",
            Some("2026-03-29T05:00:00Z"),
        ),
        // They go back: an hour longer.
        (
            "22:00",
            "07:00",
            "Europe/Berlin",
            "2026-10-24T20:00:00Z",
            Some("2026-10-25T06:00:00Z"),
        ),
        // 02:30 is left out; the hours end as long after 02:00 as they would have.
        (
            "22:00",
            "02:30",
            "Europe/Berlin",
            "2026-03-29T00:59:00Z",
            Some("2026-03-29T01:30:00Z"),
        ),
        // 02:30 comes twice; they end the first time and do not begin again.
        (
            "22:00",
            "02:30",
            "Europe/Berlin",
            "2026-10-25T00:10:00Z",
            Some("2026-10-25T00:30:00Z"),
        ),
        (
            "22:00",
            "02:30",
            "Europe/Berlin",
            "2026-10-25T01:10:00Z",
            None,
        ),
        // The end that was left out comes after the next beginning: there is no pause between them.
        (
            "03:05",
            "02:10",
            "Europe/Berlin",
            "2026-03-29T00:59:00Z",
            Some("2026-03-30T00:10:00Z"),
        ),
        // Samoa left out the 30th of December 2011.
        (
            "22:00",
            "07:00",
            "Pacific/Apia",
            "2011-12-30T09:00:00Z",
            Some("2011-12-30T17:00:00Z"),
        ),
    ] {
        let hours = QuietHours::new(from, to, zone).unwrap();
        assert_eq!(
            hours.until(at(now)),
            until.map(at),
            "{from} to {to} in {zone} at {now}"
        );
    }
    assert_eq!(QuietHours::new("22:00", "22:00", "Europe/Lisbon"), None);
    assert_eq!(QuietHours::new("22:00", "07:00", "Europe/Lisbom"), None);
}

const ZONES: [&str; 7] = [
    "Europe/Lisbon",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "UTC",
];

fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn quiet() -> impl Strategy<Value = Option<QuietHours>> {
    let hours = (0..1440_u32, 0..1440_u32, prop::sample::select(&ZONES[..]));
    prop::option::of(hours.prop_map(|(from, to, zone)| (clock(from), clock(to), zone)))
        .prop_map(|hours| hours.and_then(|(from, to, zone)| QuietHours::new(&from, &to, zone)))
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(vec![
        Class::Ambient,
        Class::Informative,
        Class::Important,
        Class::Urgent,
    ])
}

prop_compose! {
    fn person()(
        contacts in prop::sample::subsequence(&Channel::ALL[..], 1..=3),
        first in any::<prop::sample::Index>(),
        prefers in any::<bool>(),
        quiet in quiet(),
        mute in prop::option::weighted(0.3, prop::sample::select(vec![Class::Ambient, Class::Informative, Class::Important])),
        backup in prop::option::of(prop::sample::select(vec!["ana", "ben", "cleo"])),
    ) -> Person {
        Person {
            prefer: if prefers { vec![contacts[first.index(contacts.len())]] } else { Vec::new() },
            contacts: contacts.into_iter().map(|channel| (channel, "x".to_owned())).collect(),
            quiet,
            mute: mute.into_iter().collect(),
            backup: backup.map(str::to_owned),
            ..Person::default()
        }
    }
}

fn people() -> impl Strategy<Value = People> {
    (person(), person(), person()).prop_map(|(ana, ben, cleo)| {
        let named = [("ana", ana), ("ben", ben), ("cleo", cleo)];
        let named = named
            .into_iter()
            .map(|(id, person)| (id.to_owned(), person));
        People::from(named.collect::<BTreeMap<_, _>>())
    })
}

/// Everybody who may be told in `ana`'s place, herself first.
fn chain(people: &People) -> Vec<&str> {
    let mut chain = vec!["ana"];
    while let Some(next) = people
        .get(chain[chain.len() - 1])
        .unwrap()
        .backup
        .as_deref()
    {
        if chain.contains(&next) {
            break;
        }
        chain.push(next);
    }
    chain
}

const STEP: Duration = Duration::from_secs(60);

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// A notification lived through to its end, with sends that fail at will.
    #[test]
    fn whatever_happens_each_is_told_where_and_when_they_may_be(
        people in people(),
        class in class(),
        start in 1_300_000_000_000_i64..2_200_000_000_000,
        minutes in prop::collection::vec(1..10_u64, 0..4),
        fails in prop::collection::vec(any::<bool>(), 12),
        knows_after in prop::option::of(0..6_usize),
    ) {
        let ladder: Vec<Duration> = minutes.iter().map(|minutes| STEP * u32::try_from(*minutes).unwrap()).collect();
        let mut now = Time(start);
        let mut tries: Vec<Try> = Vec::new();
        let mut decided = 0;
        let end = loop {
            decided += 1;
            prop_assert!(decided < 100, "it does not end");
            let case = Case {
                now, people: &people, person: "ana", class, together: class, ladder: &ladder, tries: &tries,
                acknowledged: knows_after.is_some_and(|after| tries.len() > after),
            };
            let decision = decide(&case);
            if case.acknowledged {
                prop_assert_eq!(decision, Decision::Done);
                break Decision::Done;
            }
            match decision {
                Decision::Deliver { person, channels } => {
                    let known = people.get(&person).unwrap();
                    prop_assert!(chain(&people).contains(&person.as_str()));
                    prop_assert!(!known.mute.contains(&class));
                    if class != Class::Urgent {
                        prop_assert_eq!(known.quiet.as_ref().and_then(|quiet| quiet.until(now)), None);
                    }
                    for channel in &channels {
                        prop_assert!(known.contacts.contains_key(channel));
                        prop_assert!(!tries.iter().any(|tried| (&tried.person, tried.channel) == (&person, *channel)));
                    }
                    if tries.iter().all(|tried| tried.person != person) {
                        prop_assert_eq!(channels.len(), known.contacts.len());
                        prop_assert!(known.prefer.is_empty() || known.prefer[0] == channels[0]);
                    }
                    if let Some(last) = tries.last().filter(|last| last.fate == Fate::Sent) {
                        let sent = tries.iter().filter(|tried| tried.fate == Fate::Sent).count();
                        let pause = ladder.get(sent - 1).or(ladder.last());
                        prop_assert!(now >= last.at.plus(*pause.expect("nobody waits")));
                    }
                    let fate = if fails[tries.len() % 12] { Fate::Failed } else { Fate::Sent };
                    tries.push(Try { person, channel: channels[0], at: now, fate });
                }
                Decision::Hold { person, until } => {
                    prop_assert!(class != Class::Urgent && until > now);
                    prop_assert!(until.since(now) <= Duration::from_secs(49 * 3600));
                    let before = Case { now: Time(until.0 - 1), ..case };
                    prop_assert_eq!(decide(&before), Decision::Hold { person, until });
                    let after = decide(&Case { now: until, ..case });
                    prop_assert!(!matches!(after, Decision::Hold { .. }), "{:?}", after);
                    now = until;
                }
                Decision::Wait { until } => {
                    prop_assert!(until > now && until.since(now) <= *ladder.iter().max().unwrap());
                    now = until;
                }
                done @ (Decision::Muted | Decision::Done) => break done,
            }
        };
        let ana = people.get("ana").unwrap();
        prop_assert_eq!(end == Decision::Muted, ana.mute.contains(&class) );
        prop_assert!(end != Decision::Muted || tries.is_empty());
        if knows_after.is_none() && end == Decision::Done {
            // Every way was tried, or one stands and nobody waits for a sign.
            let stands = tries.last().is_some_and(|last| last.fate == Fate::Sent);
            let told: BTreeSet<_> = tries.iter().map(|tried| (tried.person.as_str(), tried.channel)).collect();
            prop_assert_eq!(told.len(), tries.len());
            let open = chain(&people).into_iter().map(|id| (id, people.get(id).unwrap()));
            let open = open.filter(|(_, known)| !known.mute.contains(&class));
            let all: usize = open.map(|(_, known)| known.contacts.len()).sum();
            prop_assert!(tries.len() == all || (stands && ladder.is_empty()));
        }
    }

    /// Where clocks do not change, quiet hours are what a clock on the wall says.
    #[test]
    fn quiet_hours_are_what_the_clock_on_the_wall_says(
        from in 0..1440_u32,
        to in 0..1440_u32,
        zone in prop::sample::select(&ZONES[..]),
        now in 1_300_000_000_000_i64..2_200_000_000_000,
    ) {
        prop_assume!(from != to);
        let hours = QuietHours::new(&clock(from), &clock(to), zone).unwrap();
        let here = Timestamp::from_millisecond(now).unwrap().to_zoned(TimeZone::get(zone).unwrap());
        let day = jiff::Span::new().hours(30);
        let steady = here.checked_sub(day).unwrap().offset() == here.checked_add(day).unwrap().offset();
        prop_assume!(steady);
        let minute = u32::try_from(here.hour()).unwrap() * 60 + u32::try_from(here.minute()).unwrap();
        let inside = if from < to { from <= minute && minute < to } else { minute >= from || minute < to };
        prop_assert_eq!(hours.until(Time(now)).is_some(), inside);
        if let Some(until) = hours.until(Time(now)) {
            let then = Timestamp::from_millisecond(until.0).unwrap().to_zoned(here.time_zone().clone());
            prop_assert_eq!(then.strftime("%H:%M").to_string(), clock(to));
        }
    }
}

#[test]
fn the_ladder_climbs_from_way_to_way_and_then_to_the_backup() {
    let on = |channels: &[Channel]| {
        channels
            .iter()
            .map(|channel| (*channel, "x".to_owned()))
            .collect()
    };
    let ana = Person {
        contacts: on(&Channel::ALL),
        prefer: vec![Channel::Whatsapp],
        quiet: Some(night("UTC")),
        backup: Some("ben".to_owned()),
        ..Person::default()
    };
    let ben = Person {
        contacts: on(&[Channel::Sms]),
        ..Person::default()
    };
    let people = People::from(BTreeMap::from([
        ("ana".to_owned(), ana),
        ("ben".to_owned(), ben),
    ]));
    let ladder = [2, 5, 5].map(|minutes| Duration::from_secs(minutes * 60));
    let start = at("2026-01-10T23:00:00Z");
    let mut tries = Vec::new();
    let mut now = start;
    let mut seen = Vec::new();
    loop {
        let case = Case {
            now,
            people: &people,
            person: "ana",
            class: Class::Urgent,
            together: Class::Urgent,
            ladder: &ladder,
            tries: &tries,
            acknowledged: false,
        };
        match decide(&case) {
            Decision::Deliver { person, channels } => {
                seen.push(format!(
                    "{}m {person} {}",
                    now.since(start).as_secs() / 60,
                    channels[0]
                ));
                let channel = channels[0];
                tries.push(Try {
                    person,
                    channel,
                    at: now,
                    fate: Fate::Sent,
                });
            }
            Decision::Wait { until } => now = until,
            Decision::Done => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        seen,
        ["0m ana whatsapp", "2m ana sms", "7m ana web", "12m ben sms"]
    );
}
