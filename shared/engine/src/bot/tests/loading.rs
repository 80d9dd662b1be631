use std::time::Duration;

use serde_json::json;

use super::{BOT, REFUND, TRACK, load, shop, wrong};
use crate::bot::{Bot, MemoryFiles, ToolKind};
use crate::message::Channel;
use crate::tool::SideEffectPolicy;

#[test]
fn a_folder_becomes_a_bot() {
    let loaded = load(&shop());
    assert_eq!(loaded.warnings, []);
    let bot = loaded.bot;
    assert_eq!(bot.name, "shop");
    assert_eq!(bot.page.title, "shop");
    assert_eq!(bot.soul.text, "You are Juniper.\n");
    assert_eq!(bot.rules.as_deref(), Some("Be brief.\n"));
    assert_eq!(bot.model.chain, ["scripted"]);
    assert_eq!(
        bot.model.script.map(|script| script.text).as_deref(),
        Some("format = 1\n")
    );
    assert_eq!((bot.limits.inbox, bot.limits.tool_rounds), (8, 6));
    let names: Vec<_> = bot.tools.keys().collect();
    assert_eq!(names, ["lookup", "open_skill", "refund", "track"]);
    assert_eq!(bot.skills["returns"].body, "Ask for the order first.");
    assert_eq!(bot.skills["returns"].allowed_tools, ["lookup", "refund"]);
}

#[test]
fn each_kind_of_tool_is_read_whole() {
    let bot = load(&shop()).bot;
    let ToolKind::Table(table) = &bot.tools["lookup"].kind else {
        panic!()
    };
    assert_eq!(table.columns, ["order_id", "status"]);
    assert_eq!(table.rows, [["A1001", "shipped"]]);
    assert_eq!(
        (table.matches.as_slice(), table.limit),
        (&["order_id".to_owned()][..], 20)
    );
    assert_eq!(bot.tools["lookup"].side_effect, SideEffectPolicy::Pure);
    let refund = &bot.tools["refund"];
    assert_eq!(refund.side_effect, SideEffectPolicy::Irreversible);
    assert_eq!(refund.business_key, ["order_id"]);
    assert_eq!(refund.timeout, Duration::from_secs(15));
    let ToolKind::Http(http) = &bot.tools["track"].kind else {
        panic!()
    };
    assert_eq!(http.url, "https://api.example.com/parcels/{tracking}");
    assert_eq!((http.method.as_str(), http.json_body), ("GET", false));
}

#[test]
fn the_bot_says_which_secrets_it_needs() {
    let bot = load(&shop()).bot;
    let names: Vec<_> = bot.secret_names().into_iter().collect();
    assert_eq!(names, ["CARRIER_KEY", "TWILIO_AUTH_TOKEN"]);
}

#[test]
fn a_post_has_a_body_unless_told_otherwise() {
    let post = TRACK.replace("\"GET\"", "\"POST\"");
    let bodiless = post.replace("[http.headers]", "body = \"none\"\n[http.headers]");
    for (text, expected) in [(post, true), (bodiless, false)] {
        let bot = load(&shop().with("tools/track.toml", text)).bot;
        let ToolKind::Http(http) = &bot.tools["track"].kind else {
            panic!()
        };
        assert_eq!(http.json_body, expected);
    }
}

#[test]
fn skills_bring_a_tool_that_opens_them() {
    let bot = load(&shop()).bot;
    let open = &bot.tools["open_skill"];
    assert_eq!(open.arguments.check(&json!({"name": "returns"})), Ok(()));
    assert!(open.arguments.check(&json!({"name": "refunds"})).is_err());
    let without = load(&shop().without("skills/returns/SKILL.md")).bot;
    assert!(!without.tools.contains_key("open_skill"));
}

#[test]
fn a_disabled_tool_is_checked_but_not_offered() {
    let disabled = format!("enabled = false\n{REFUND}");
    let bot = load(&shop().with("tools/refund.toml", disabled.as_str())).bot;
    assert!(!bot.tools.contains_key("refund"));
    let broken = disabled.replace("[record]\n", "[record]\nfolder = \"x\"\n");
    assert!(wrong(&shop().with("tools/refund.toml", broken)).contains("unknown field `folder`"));
}

#[test]
fn arguments_that_the_schema_does_not_name_are_refused_unless_it_says_otherwise() {
    let refund = &load(&shop()).bot.tools["refund"];
    let extra = json!({"order_id": "A1001", "sum": 12});
    let verdict = refund.arguments.check(&extra);
    assert!(verdict.is_err_and(|what| what.contains("sum")));
    let open = REFUND.replace(
        "type = \"object\"",
        "type = \"object\"\nadditionalProperties = true",
    );
    let bot = load(&shop().with("tools/refund.toml", open)).bot;
    assert_eq!(bot.tools["refund"].arguments.check(&extra), Ok(()));
}

#[test]
fn a_wrong_argument_is_named_to_the_model() {
    let lookup = &load(&shop()).bot.tools["lookup"];
    let check = |arguments| lookup.arguments.check(&arguments).err().unwrap_or_default();
    assert_eq!(
        check(json!({"order_id": "12"})),
        "order_id: \"12\" is shorter than 4 characters"
    );
    assert_eq!(check(json!({})), "\"order_id\" is a required property");
    assert_eq!(check(json!("A1001")), "\"A1001\" is not of type \"object\"");
}

#[test]
fn the_version_changes_with_every_file_that_has_a_say_and_with_no_other() {
    let version = |files: &MemoryFiles| load(files).bot.version;
    let before = version(&shop());
    assert_eq!(before.len(), 16);
    assert_eq!(before, version(&shop().with("README.md", "hello")));
    for (path, text) in [
        ("SOUL.md", "You are Juno.\n"),
        ("AGENTS.md", "Be kind.\n"),
        ("script.toml", "format = 1 \n"),
        ("orders.csv", "order_id,status\nA1001,lost\n"),
        ("bot.toml", &BOT.replace("inbox = 8", "inbox = 9")),
        (
            "tools/refund.toml",
            &REFUND.replace("a refund", "the refund"),
        ),
    ] {
        assert_ne!(before, version(&shop().with(path, text)), "{path}");
    }
}

#[test]
fn numbers_and_lengths_may_be_written_as_toml_allows() {
    let text = BOT.replace("inbox = 8", "inbox = 0x10\nmessage_chars = 4_000");
    let text = text + "\n[channels.max_length]\nsms = 480\n";
    let bot = load(&shop().with("bot.toml", text)).bot;
    assert_eq!((bot.limits.inbox, bot.limits.message_chars), (16, 4000));
    assert_eq!(bot.channels.max_length[&Channel::Sms], 480);
}

#[test]
fn a_new_bot_loads_without_warnings() {
    let files: MemoryFiles = Bot::blank("my-shop").into_iter().collect();
    let loaded = load(&files);
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.bot.name, "my-shop");
}

#[test]
fn a_folder_that_was_found_sound_loads_alike_when_it_is_trusted() {
    let files = shop();
    let strict = Bot::load(&files).expect("sound");
    let trusted = Bot::load_trusted(&files).expect("sound");
    assert_eq!(trusted.bot.version, strict.bot.version);
    assert_eq!(trusted.bot.skills, strict.bot.skills);
    assert_eq!(trusted.warnings, strict.warnings);
    for ((name, trusted), strict) in trusted.bot.tools.iter().zip(strict.bot.tools.values()) {
        assert_eq!(trusted.offer, strict.offer);
        trusted.arguments.prepare();
        for arguments in [json!({}), json!({"order_id": "A-1001"}), json!({"x": 1})] {
            let verdicts = [trusted, strict].map(|tool| tool.arguments.check(&arguments));
            assert_eq!(verdicts[0], verdicts[1], "{name}: {arguments}");
        }
    }
}

#[test]
fn a_trusted_folder_is_still_refused_for_what_no_schema_says() {
    let files = shop().without("SOUL.md");
    let wrong = Bot::load_trusted(&files).expect_err("no soul").to_string();
    assert!(wrong.contains("there is no SOUL.md"), "{wrong}");
}
