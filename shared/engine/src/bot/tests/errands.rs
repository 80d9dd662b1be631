//! Tools that set something going: what is read of them, and what is told off.

use serde_json::json;

use super::{load, shop, wrong};
use crate::bot::{ReminderRule, ToolKind};
use crate::reminder::present;
use crate::runtime::Time;
use crate::tool::SideEffectPolicy;

const REMIND: &str = "format = 1\ndescription = \"Reminds.\"\nkind = \"reminder\"\n";

#[test]
fn a_reminder_takes_the_arguments_of_its_kind_and_may_be_repeated() {
    let text = format!("{REMIND}[reminder]\nunless_reply = true\ntimezone = \"Europe/Lisbon\"\n");
    let bot = load(&shop().with("tools/remind.toml", text)).bot;
    let tool = &bot.tools["remind"];
    assert_eq!(tool.side_effect, SideEffectPolicy::Idempotent);
    let ToolKind::Reminder(rule) = &tool.kind else {
        panic!("{tool:?}");
    };
    let expected = ReminderRule {
        unless_reply: true,
        timezone: Some("Europe/Lisbon".to_owned()),
    };
    assert_eq!(*rule, expected);
    for (arguments, fit) in [
        (json!({"text": "x", "in_seconds": 60}), true),
        (
            json!({"text": "x", "at": "2026-03-04T09:00:00+01:00"}),
            true,
        ),
        (json!({"in_seconds": 60}), false),
        (json!({"text": "x", "in_seconds": 0}), false),
        (json!({"text": "x", "in_seconds": 366 * 86_400}), false),
        (json!({"text": "x", "in_seconds": 60, "who": "me"}), false),
    ] {
        assert_eq!(tool.arguments.check(&arguments).is_ok(), fit, "{arguments}");
    }
}

#[test]
fn a_bot_that_reminds_is_told_the_time_by_the_clock_of_its_contact() {
    let ana = "format = 1\n[people.ana]\nweb = \"ana\"\ntimezone = \"Asia/Tokyo\"\n";
    let files = shop().with("people.toml", ana);
    let now: Time = "2026-07-31T22:05:00Z".parse().unwrap();
    let told = |bot: &crate::bot::Bot, contact: &str| {
        let session = format!("local/shop/web:{contact}").parse().unwrap();
        present(bot, &session, now)
    };
    assert_eq!(told(&load(&files).bot, "lea"), None);
    let files = files.with(
        "tools/remind.toml",
        format!("{REMIND}[reminder]\ntimezone = \"Europe/Lisbon\"\n"),
    );
    let bot = load(&files).bot;
    for (contact, expected) in [
        (
            "lea",
            "It is Friday, 2026-07-31T23:05+01:00. The contact's time zone is Europe/Lisbon",
        ),
        (
            "ana",
            "It is Saturday, 2026-08-01T07:05+09:00. The contact's time zone is Asia/Tokyo",
        ),
    ] {
        let told = told(&bot, contact).unwrap();
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn what_makes_no_sense_is_told_with_its_place() {
    for (more, expected) in [
        (
            "[reminder]\ntimezone = \"Lisbon\"\n",
            "tools/remind.toml:5: there is no time zone `Lisbon`\n  help: write one such as `Europe/Lisbon`",
        ),
        (
            "[parameters]\ntype = \"object\"\n",
            "tools/remind.toml:4: a reminder's arguments are always the same\n  help: remove `[parameters]`: the arguments are `text`, and `at` or `in_seconds`",
        ),
        (
            "side_effect = \"pure\"\n",
            "tools/remind.toml:4: the same call again changes nothing more\n  help: remove `side_effect`: this kind of tool is always `idempotent`",
        ),
        (
            "[workflow]\nname = \"x\"\n",
            "tools/remind.toml:4: `workflow` does not belong here\n  help: a tool has one section, called as its kind",
        ),
    ] {
        let files = shop().with("tools/remind.toml", format!("{REMIND}{more}"));
        assert_eq!(wrong(&files), expected);
    }
    let start =
        "format = 1\ndescription = \"Starts.\"\nkind = \"workflow\"\n[workflow]\nname = \"x\"\n";
    assert_eq!(
        wrong(&shop().with("tools/start.toml", start)),
        "tools/start.toml:1: `parameters` is missing\n  help: JSON Schema (2020-12) of the arguments: `type = \"object\"`, `properties`, `required`. A reminder's are always the same, and not written."
    );
}
