//! Workflows on the whole local host tell people: once, where and when they may be, until somebody knows.

use std::time::Duration;

use engine::message::Channel;
use http::Method;
use serde_json::json;

mod world;

use world::{Home, session};

const TELL: &str = "outputs: {told: \"${ $steps.tell }\"}\nsteps:\n  tell: {notify: carer, text: \"${ $inputs.text }\", class: CLASS}\n";

fn telling(class: &str) -> Home {
    Home::with(&TELL.replace("CLASS", class))
}

#[test]
fn everybody_with_the_role_is_told_once_where_they_prefer() {
    let mut home = telling("important");
    home.until(8 * 60);
    let run = home.run("The boiler is cold.");
    home.until(8 * 60 + 10);
    let told = json!({ "told": { "to": ["ana", "ben"], "held": false } });
    assert_eq!(home.came_to(&run), Some(Ok(told)));
    let sent = [
        "08:00 sms:+15550102 The boiler is cold.",
        "08:00 whatsapp:+15550101 The boiler is cold.",
    ];
    let mut left = home.sent();
    left.sort();
    assert_eq!(left, sent);
    home.house.restart();
    home.until(10 * 60);
    assert_eq!(home.sent().len(), 2);
}

#[test]
fn what_is_not_urgent_waits_for_the_end_of_quiet_hours_and_comes_at_once() {
    let mut home = telling("informative");
    home.until(60);
    let first = home.run("The cat is in.");
    home.until(90);
    home.run("The dog is in.");
    home.until(100);
    let held = json!({ "told": { "to": ["ana", "ben"], "held": true } });
    assert_eq!(
        home.came_to(&first),
        Some(Ok(held)),
        "nobody waits for the morning"
    );
    home.house.restart();
    home.until(7 * 60 - 1);
    let ben = [
        "01:00 sms:+15550102 The cat is in.",
        "01:30 sms:+15550102 The dog is in.",
    ];
    assert_eq!(home.sent(), ben);
    home.until(7 * 60 + 30);
    let ana = "07:00 whatsapp:+15550101 While you were not to be disturbed:\n- The cat is in.\n- The dog is in.";
    assert_eq!(home.sent(), [ben[0], ben[1], ana]);
}

#[test]
fn power_cuts_make_nobody_be_told_twice_and_no_run_wait_for_ever() {
    for cut in [0, 10, 25, 45, 70, 100, 200, 1000, 3000].map(Duration::from_millis) {
        let mut home = telling("informative");
        let runs = [home.run("The cat is in."), home.run("The dog is in.")];
        home.house.pass(cut);
        home.house.restart();
        home.until(7 * 60);
        home.house.pass(cut);
        home.house.restart();
        home.until(12 * 60);
        for run in &runs {
            let held = json!({ "told": { "to": ["ana", "ben"], "held": true } });
            assert_eq!(home.came_to(run), Some(Ok(held)), "cut after {cut:?}");
        }
        let sent = home.sent();
        for text in ["The cat is in.", "The dog is in."] {
            for person in ["whatsapp:+15550101", "sms:+15550102"] {
                let told = |line: &&String| line.contains(text) && line.contains(person);
                let times = sent.iter().filter(told).count();
                assert_eq!(times, 1, "{person}: {text} after {cut:?}: {sent:?}");
            }
        }
        assert_eq!(sent.len(), 3, "after {cut:?}: {sent:?}");
    }
}

#[test]
fn what_is_urgent_comes_in_the_night_and_what_is_not_wanted_never() {
    let mut home = telling("urgent");
    home.run("Water in the cellar.");
    home.until(10);
    assert_eq!(home.sent().len(), 2);
    let mut home = telling("ambient");
    let run = home.run("The sun is up.");
    home.until(12 * 60);
    let told = json!({ "told": { "to": ["ben"], "held": false } });
    assert_eq!(home.came_to(&run), Some(Ok(told)));
    assert_eq!(home.sent(), ["00:00 sms:+15550102 The sun is up."]);
}

const ANA: &str = "outputs: {told: \"${ $steps.tell }\"}\nsteps:\n  tell: {notify: ana, text: \"${ $inputs.text }\", class: urgent}\n";

#[test]
fn a_way_that_is_known_to_have_failed_is_followed_by_the_next() {
    let mut home = Home::with(ANA);
    home.refuse(&[Channel::Whatsapp]);
    home.run("Water in the cellar.");
    home.until(30);
    assert_eq!(home.sent(), ["00:00 sms:+15550101 Water in the cellar."]);
    assert_eq!(home.house.told(&session("ana")), [] as [&str; 0]);

    // The carrier took it, and says a little later that it did not arrive.
    let mut home = Home::with(ANA);
    home.run("Water in the cellar.");
    home.house.pass(Duration::from_secs(20));
    home.bounce();
    home.house.restart();
    home.until(1);
    let sms = "00:01 sms:+15550101 Water in the cellar.";
    home.until(30);
    assert_eq!(
        home.sent(),
        ["00:00 whatsapp:+15550101 Water in the cellar.", sms]
    );
}

const ALARM: &str = "outputs: {alarm: \"${ $steps.alarm }\"}\nsteps:\n  alarm: {notify: ana, text: \"${ $inputs.text }\", class: urgent, acknowledge: 30m}\n";

#[test]
fn while_nobody_gives_a_sign_it_climbs_and_then_it_is_an_error() {
    let mut home = Home::with(ALARM);
    let run = home.run("Nobody picks up.");
    home.until(3);
    home.house.restart();
    home.until(29);
    assert_eq!(home.came_to(&run), None);
    home.until(31);
    assert_eq!(home.came_to(&run), Some(Err("Unacknowledged".to_owned())));
    let rungs = [
        "00:00 whatsapp:+15550101 Nobody picks up.",
        "00:02 sms:+15550101 Nobody picks up.",
        "00:12 sms:+15550102 Nobody picks up.",
    ];
    assert_eq!(home.sent_where(), rungs);
    let web = home.house.told(&session("ana"));
    assert!(
        web.len() == 1 && web[0].starts_with("Nobody picks up."),
        "{web:?}"
    );
    home.until(120);
    assert_eq!(home.sent().len(), 3);
}

#[test]
fn any_message_of_whoever_was_told_is_a_sign_and_nobody_else_is_told_then() {
    let mut home = Home::with(ALARM);
    let run = home.run("Nobody picks up.");
    home.until(3);
    // Somebody else's words say nothing, nor does a word where she was not told.
    home.house.say(&session("sms:+15550102"), "hello");
    home.house.say(&session("ana"), "good evening");
    home.until(4);
    assert_eq!(home.came_to(&run), None);
    home.house.say(&session("sms:+15550101"), "I am on my way");
    home.until(5);
    let Some(Ok(told)) = home.came_to(&run) else {
        panic!("nobody heard her");
    };
    let alarm = &told["alarm"];
    assert_eq!(
        (&alarm["by"], &alarm["to"]),
        (&json!("ana"), &json!(["ana"]))
    );
    home.house.restart();
    home.until(120);
    let answered = home.sent_where();
    let told: Vec<_> = answered
        .iter()
        .filter(|line| line.contains("picks up"))
        .collect();
    assert_eq!(told.len(), 2, "{answered:?}");
    assert!(
        answered.contains(&"00:04 sms:+15550101 heard: I am on my way".to_owned()),
        "{answered:?}"
    );
}

#[test]
fn a_code_says_which_of_several_somebody_knows() {
    let mut home = Home::with(ALARM);
    let (one, other) = (home.run("The first."), home.run("The second."));
    home.until(1);
    let asked = home.sent();
    let first = asked
        .iter()
        .find(|text| text.contains("The first."))
        .unwrap();
    let (_, code) = first.split_once("\"ok ").unwrap();
    // In another of her own sessions too.
    home.house
        .say(&session("ana"), &format!("OK {}", &code[..4]));
    home.until(2);
    assert!(matches!(home.came_to(&one), Some(Ok(_))));
    assert_eq!(home.came_to(&other), None);
    assert_eq!(home.house.told(&session("ana")), ["Thank you, noted."]);
    // Whoever was not told cannot say so.
    let second = asked
        .iter()
        .find(|text| text.contains("The second."))
        .unwrap();
    let (_, code) = second.split_once("\"ok ").unwrap();
    home.house
        .say(&session("sms:+15550103"), &format!("ok {}", &code[..4]));
    home.until(3);
    assert_eq!(home.came_to(&other), None);
}

#[test]
fn the_wait_for_a_sign_begins_when_quiet_hours_end() {
    let mut home = Home::with(
        "outputs: {alarm: \"${ $steps.alarm }\"}\nsteps:\n  alarm:\n    notify: ana\n    text: Call back.\n    acknowledge: 30m\n    catch: {on: Unacknowledged, gives: nobody}\n",
    );
    let run = home.run("");
    home.until(7 * 60 + 29);
    assert_eq!(home.sent_where(), ["07:00 whatsapp:+15550101 Call back."]);
    assert_eq!(home.came_to(&run), None);
    home.until(7 * 60 + 31);
    assert_eq!(home.came_to(&run), Some(Ok(json!({ "alarm": "nobody" }))));
}

#[test]
fn a_link_shows_what_was_told_and_is_a_sign_only_when_it_is_posted() {
    let mut home = Home::with(ALARM);
    let run = home.run("Nobody <b> picks up.");
    home.until(1);
    let sent = home.sent();
    let (_, link) = sent[0].rsplit_once('\n').unwrap();
    let path = link.strip_prefix("https://home.example").unwrap();
    let (way, token) = path.split_once("?token=").unwrap();
    let (status, page) = home.open_link(Method::GET, path);
    assert_eq!(status, 200, "{page}");
    assert!(
        page.contains("Nobody &lt;b&gt; picks up.") && page.contains("I know"),
        "{page}"
    );
    let post = |token: &str| format!("{way}/acknowledge?token={token}");
    assert_eq!(
        home.open_link(Method::POST, &post(&format!("{token}A"))).0,
        401
    );
    let elsewhere = post(token).replace("/notices/", "/notices/0");
    assert_eq!(home.open_link(Method::POST, &elsewhere).0, 401);
    home.until(2);
    assert_eq!(home.came_to(&run), None, "a look is no sign");
    let (status, page) = home.open_link(Method::POST, &post(token));
    assert!(status == 200 && page.contains("ana knows"), "{page}");
    home.until(3);
    let Some(Ok(told)) = home.came_to(&run) else {
        panic!("the link did not count");
    };
    assert_eq!(told["alarm"]["by"], "ana");
    let (status, page) = home.open_link(Method::POST, &post(token));
    assert!(status == 200 && page.contains("ana knows"), "{page}");
}
