use serde_json::json;

use super::{BOT, REFUND, load, shop, wrong};
use crate::bot::{MemoryFiles, When};
use crate::message::Channel;
use crate::notify::{Class, QuietHours};
use crate::session::SessionKey;

const PEOPLE: &str = "format = 1\n\
    [people.ana]\nname = \"Ana\"\nroles = [\"manager\"]\nsms = \"+15550100\"\nweb = \"ana\"\n\
    [people.ben]\nroles = [\"clerk\"]\n";

/// The shop with people, and with more in its bot.toml and its refund.
fn with(people: &str, bot: &str, refund: &str) -> MemoryFiles {
    shop()
        .with("people.toml", people)
        .with("bot.toml", format!("{BOT}{bot}"))
        .with("tools/refund.toml", format!("{REFUND}{refund}"))
}

#[test]
fn a_rule_and_the_people_are_read_whole() {
    let refund =
        "[approval]\nargument = \"order_id\"\nabove = 50\nrole = \"manager\"\nexpires_hours = 2\n";
    let bot = load(&with(PEOPLE, "", refund)).bot;
    let rule = bot.tools["refund"].approval.clone().unwrap();
    assert_eq!((rule.role.as_str(), rule.needed), ("manager", 1));
    assert_eq!(rule.expires.as_secs(), 7200);
    for (amount, asks) in [
        (json!(50), false),
        (json!("50.00"), false),
        (json!(50.01), true),
        (json!("lots"), true),
        (json!(null), true),
        (json!("NaN"), true),
    ] {
        assert_eq!(
            rule.covers(&json!({ "order_id": amount })),
            asks,
            "{amount}"
        );
    }
    assert!(rule.covers(&json!({})), "in doubt it asks");
    assert!(bot.tools["lookup"].approval.is_none());
    let ana = SessionKey::new("local", "shop", Channel::Sms, "+15550100").unwrap();
    assert_eq!(bot.people.behind(&ana).unwrap().0, "ana");
    let managers: Vec<_> = bot.people.with_role("manager").map(|(id, _)| id).collect();
    assert_eq!(managers, ["ana"]);
}

#[test]
fn when_and_where_people_want_to_be_told_is_read_and_mistakes_are_told_with_their_place() {
    let told = "format = 1\n[people.ana]\nsms = \"+15550100\"\nweb = \"ana\"\n\
                quiet_hours = { from = \"22:00\", to = \"07:00\" }\ntimezone = \"Europe/Lisbon\"\n\
                prefer = [\"web\"]\nmute = [\"ambient\"]\nbackup = \"ben\"\n[people.ben]\n";
    let people = load(&shop().with("people.toml", told)).bot.people;
    let ana = people.get("ana").unwrap();
    assert_eq!(
        ana.quiet,
        QuietHours::new("22:00", "07:00", "Europe/Lisbon")
    );
    assert_eq!(
        (&ana.prefer[..], ana.backup.as_deref()),
        (&[Channel::Web][..], Some("ben"))
    );
    assert!(ana.mute.contains(&Class::Ambient));

    for (before, after, expected) in [
        (
            "timezone = \"Europe/Lisbon\"\n",
            "",
            "people.toml:5: `people.ana.quiet_hours` are by no clock: there is no `timezone`\n  \
             help: say where they are: `timezone = \"Europe/Lisbon\"`",
        ),
        (
            "Europe/Lisbon",
            "Europe/Lisbom",
            "people.toml:6: there is no time zone `Europe/Lisbom`\n  help: write one such as `Europe/Lisbon`",
        ),
        (
            "22:00",
            "22.00",
            "people.toml:5: `people.ana.quiet_hours.from` must be a time of day in quotes, such as `22:00`",
        ),
        (
            "22:00",
            "07:00",
            "people.toml:5: `people.ana.quiet_hours` end when they begin\n  help: write when they end, or remove them",
        ),
        (
            "[\"web\"]",
            "[\"whatsapp\"]",
            "people.toml:7: `ana` is not reached on whatsapp\n  help: say how, with `whatsapp = \"…\"`, or remove it",
        ),
        (
            "[\"ambient\"]",
            "[\"urgent\"]",
            "people.toml:8: `people.ana.mute.#1` must be one of `important`, `informative` and `ambient`",
        ),
        (
            "backup = \"ben\"",
            "backup = \"bem\"",
            "people.toml:9: `bem` is nobody in people.toml\n  help: did you mean `ben`?",
        ),
        (
            "backup = \"ben\"",
            "backup = \"ana\"",
            "people.toml:9: `ana` cannot stand in for themselves\n  help: name another person",
        ),
    ] {
        assert!(told.contains(before), "{before}");
        let files = shop().with("people.toml", told.replacen(before, after, 1));
        assert_eq!(wrong(&files), expected);
    }
}

#[test]
fn a_bot_may_ask_for_whatever_cannot_be_undone() {
    let bot = "[approvals]\nrequire = [\"irreversible\"]\nrole = \"manager\"\nexpires_hours = 48\n";
    let bot = load(&with(PEOPLE, bot, "")).bot;
    let rule = bot.tools["refund"].approval.clone().unwrap();
    assert_eq!((rule.when, rule.expires.as_secs()), (When::Always, 172_800));
    assert!(bot.tools["track"].approval.is_none(), "it changes nothing");
}

#[test]
fn mistakes_of_rules_and_people_are_told_with_their_place() {
    let cases = [
        (
            with(PEOPLE, "", "[approval]\nrole = \"manger\"\n"),
            "tools/refund.toml:17: nobody in people.toml has the role `manger`\n  help: did you mean `manager`?",
        ),
        (
            with(PEOPLE, "", "[approval]\nrole = \"manager\"\nneeded = 2\n"),
            "tools/refund.toml:17: 2 people must say yes, and only 1 has the role `manager`\n  \
             help: give the role to more people in people.toml, or ask fewer",
        ),
        (
            with(
                PEOPLE,
                "",
                "[approval]\nrole = \"manager\"\nargument = \"amont\"\nabove = 5\n",
            ),
            "tools/refund.toml:18: `amont` in `approval` is not an argument of this tool\n  \
             help: declare it under `[parameters.properties.amont]`",
        ),
        (
            with(PEOPLE, "", "[approval]\nrole = \"manager\"\nabove = 5\n"),
            "tools/refund.toml:16: `approval.argument` is missing\n  \
             help: name the argument that holds the amount, such as `argument = \"amount\"`",
        ),
        (
            with(PEOPLE, "", "[approval]\nwhen = \"always\"\n"),
            "tools/refund.toml:16: `approval.role` is missing: whose yes is needed?\n  \
             help: name a role that people.toml gives to somebody, such as `role = \"manager\"`",
        ),
        (
            with(
                PEOPLE,
                "[approvals]\nrequire = [\"pure\"]\nrole = \"manager\"\n",
                "",
            ),
            "bot.toml:15: what changes nothing needs no yes\n  help: remove `pure`",
        ),
        (
            with("format = 1\n[people.ana]\nrole = \"x\"\n", "", ""),
            "people.toml:3: unknown field `role`\n  help: did you mean `roles`?",
        ),
        (
            with("format = 1\n[people.ana]\nsms = \"0155\"\n", "", ""),
            "people.toml:3: `people.ana.sms` must be a phone number with its country code, such as `+15550100`",
        ),
        (
            with(
                "format = 1\n[people.ana]\nweb = \"a\"\n[people.ben]\nweb = \"a\"\n",
                "",
                "",
            ),
            "people.toml:5: `ana` and `ben` have the same contact on web\n  \
             help: what is written from there must be one person's word",
        ),
        (
            shop().with(
                "tools/refund.toml",
                format!("{REFUND}[approval]\nrole = \"manager\"\n"),
            ),
            "tools/refund.toml:17: nobody in people.toml has the role `manager`\n  \
             help: write people.toml: `format = 1`, then `[people.ana]` with `roles = [\"manager\"]`",
        ),
    ];
    for (files, expected) in cases {
        assert_eq!(wrong(&files), expected);
    }
}
