use crate::runtime::Time;
use crate::workflow::{TriggerKind, Workflow};

use super::is_wanted;

fn schedule(missed: &str, every: &str) -> TriggerKind {
    let text = format!(
        "on: {{schedule: {every}, jitter: 10m, missed: {missed}}}\nsteps:\n  done: {{set: 1}}\n"
    );
    let workflow = Workflow::read("workflows/w.yaml", &text);
    workflow.unwrap().triggers.remove(0).kind
}

/// Which of two times, an hour apart, are still wanted at `now`.
fn wanted(missed: &str, every: &str, now: &str) -> [bool; 2] {
    let kind = schedule(missed, every);
    let now: Time = now.parse().unwrap();
    ["2027-01-01T06:00:00Z", "2027-01-01T07:00:00Z"]
        .map(|at| is_wanted(&kind, at.parse().unwrap(), now))
}

#[test]
fn a_time_that_comes_late_starts_a_run_if_the_schedule_wants_one() {
    let hourly = |missed, now| wanted(missed, "'0 * * * *'", now);
    // Ten minutes of jitter, and five that another service may take.
    for (now, all, once, skip) in [
        ("2027-01-01T07:00:00Z", [true; 2], [true; 2], [false, true]),
        ("2027-01-01T07:14:59Z", [true; 2], [true; 2], [false, true]),
        ("2027-01-01T07:15:00Z", [true; 2], [false, true], [false; 2]),
        ("2027-01-01T08:14:59Z", [true; 2], [false, true], [false; 2]),
        ("2027-01-01T09:00:00Z", [true; 2], [false; 2], [false; 2]),
    ] {
        assert_eq!(hourly("all", now), all, "all at {now}");
        assert_eq!(hourly("once", now), once, "once at {now}");
        assert_eq!(hourly("skip", now), skip, "skip at {now}");
    }
}

#[test]
fn a_rate_counts_from_its_own_times() {
    let daily = |now| wanted("once", "rate(1 day)", now);
    assert_eq!(daily("2027-01-02T06:14:00Z"), [true; 2]);
    assert_eq!(daily("2027-01-02T06:15:00Z"), [false, true]);
}
