use super::{load, shop, wrong};
use crate::bot::{BotFiles, MemoryFiles};

/// A folder whose file `path` says `after` instead of `before`.
fn edited(path: &str, before: &str, after: &str) -> MemoryFiles {
    let files = shop();
    let text = String::from_utf8(files.read(path, usize::MAX).expect(path)).expect(path);
    assert!(text.contains(before), "{path} does not say {before}");
    files.with(path, text.replacen(before, after, 1))
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_way_out() {
    expect(MISTAKES);
}

/// Expects that every edit of the folder is told off as is written.
pub(super) fn expect(mistakes: &[(&str, &str, &str, &str)]) {
    let mut surprises = Vec::new();
    for (path, before, after, expected) in mistakes {
        let told = wrong(&edited(path, before, after));
        if told != *expected {
            surprises.push(format!("{path}: {after}\n{told}\ninstead of\n{expected}\n"));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

/// File, what it says, what it says instead, and what the writer is told.
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    (
        "bot.toml",
        "format = 1",
        "format = 2",
        "bot.toml:1: this Confab reads format 1\n  help: write `format = 1`, or use the Confab the file was made for",
    ),
    (
        "bot.toml",
        "format = 1",
        "format = 2\nnew_field = 1",
        "bot.toml:1: this Confab reads format 1\n  help: write `format = 1`, or use the Confab the file was made for",
    ),
    (
        "tools/track.toml",
        "[http.headers]",
        "[http.headers]\nHost = \"x\"",
        "tools/track.toml:22: header `Host` is written by Confab itself\n  help: remove it",
    ),
    (
        "bot.toml",
        "format = 1\n",
        "",
        "bot.toml:1: `format` is missing\n  help: The version of this file's format; write `format = 1`.",
    ),
    (
        "bot.toml",
        "name = \"shop\"",
        "name = \"Corner Shop\"",
        "bot.toml:2: `name` must be 1 to 63 of a-z, 0-9 and -, with no dash at an end\n  help: try `corner-shop`",
    ),
    (
        "bot.toml",
        "[model]\n",
        "[model]\nfallback = []\n",
        "bot.toml:5: unknown field `fallback`\n  help: did you mean `fallbacks`?",
    ),
    (
        "bot.toml",
        "[model]\n",
        "[model]\ninbox = 3\n",
        "bot.toml:5: unknown field `inbox`\n  help: `inbox` belongs in `[limits]`",
    ),
    (
        "bot.toml",
        "[model]\n",
        "[model]\ntitle = \"Shop\"\n",
        "bot.toml:5: unknown field `title`\n  help: `title` belongs at the top of the file, above the first `[section]`",
    ),
    (
        "bot.toml",
        "inbox = 8",
        "inbox = \"8\"",
        "bot.toml:8: `limits.inbox` must be a whole number, not text\n  help: write it without quotes",
    ),
    (
        "bot.toml",
        "inbox = 8",
        "inbox = 0",
        "bot.toml:8: `limits.inbox` must be at least 1",
    ),
    (
        "bot.toml",
        "use = \"scripted\"",
        "use = \"claude\"",
        "bot.toml:5: `model.use` must be `scripted` or `provider/model`, such as `anthropic/claude-sonnet-4-5`",
    ),
    (
        "bot.toml",
        "use = \"scripted\"",
        "use = \"scripted\"\nscript = \"scrip.toml\"",
        "bot.toml:6: there is no file `scrip.toml` for the scripted model\n  help: did you mean `script.toml`?",
    ),
    (
        "bot.toml",
        "[channels.twilio]",
        "[channels.twillio]",
        "bot.toml:10: unknown field `twillio`\n  help: did you mean `twilio`?",
    ),
    (
        "bot.toml",
        "\"TWILIO_AUTH_TOKEN\"",
        "\"0123456789abcdef0123456789abcdef\"",
        "bot.toml:13: `channels.twilio.auth_token` must be the name of a secret, such as `TWILIO_AUTH_TOKEN`\n  help: this looks like the secret itself: put it into the secrets file and write its name here",
    ),
    (
        "bot.toml",
        "from = \"+15550100\"",
        "from = 15550100",
        "bot.toml:12: `channels.twilio.from` must be text, not a number\n  help: put it in quotes",
    ),
    (
        "bot.toml",
        "use = \"scripted\"",
        "use = \"scripted\"\nbase_urls = { openai = \"http://models.example.com\" }",
        "bot.toml:6: `base_urls.openai` is not encrypted\n  help: use `https`; plain `http` is for `localhost` and `127.0.0.1` only",
    ),
    (
        "tools/refund.toml",
        "side_effect",
        "side_efect",
        "tools/refund.toml:1: `side_effect` is missing\n  help: What a call does to the world: `pure`, `idempotent`, `compensatable` or `irreversible`. There is no default for records and requests, because a wrong guess could repeat a payment.\ntools/refund.toml:4: unknown field `side_efect`\n  help: did you mean `side_effect`?",
    ),
    (
        "tools/refund.toml",
        "\"irreversible\"",
        "\"irreversable\"",
        "tools/refund.toml:4: `side_effect` must be one of `pure`, `idempotent`, `compensatable` and `irreversible`\n  help: did you mean `irreversible`?",
    ),
    (
        "bot.toml",
        "[model]",
        "[overlap.window]\nweb = { fixed_millis = 0 }\n[model]",
        "bot.toml:5: `overlap.window.web` must be one of `off`, `adaptive` and `{ fixed_millis = 1 to 10000 }`",
    ),
    (
        "tools/refund.toml",
        "kind = \"record\"",
        "kind = \"records\"",
        "tools/refund.toml:3: `kind` must be one of `table`, `record`, `http`, `workflow` and `reminder`\n  help: did you mean `record`?",
    ),
    (
        "tools/refund.toml",
        "[record]\ncollection = \"refunds\"",
        "[table]\nfile = \"orders.csv\"\nmatch = [\"order_id\"]",
        "tools/refund.toml:1: `record` is missing\n  help: Where to write the arguments down, for `kind = \"record\"`.\ntools/refund.toml:14: `table` does not belong here\n  help: a tool has one section, called as its kind",
    ),
    (
        "tools/refund.toml",
        "business_key = [\"order_id\"]",
        "business_key = [\"order\"]",
        "tools/refund.toml:5: `order` in `business_key` is not an argument of this tool\n  help: declare it under `[parameters.properties.order]`",
    ),
    (
        "tools/refund.toml",
        "business_key = [\"order_id\"]",
        "business_key = \"order_id\"",
        "tools/refund.toml:5: `business_key` must be a list, not text\n  help: put it in brackets: `[\"…\"]`",
    ),
    (
        "tools/refund.toml",
        "business_key = [\"order_id\"]",
        "timeout_seconds = 90",
        "tools/refund.toml:5: `timeout_seconds` must be at most 60",
    ),
    (
        "tools/refund.toml",
        "required = [\"order_id\"]",
        "required = [\"order_di\"]",
        "tools/refund.toml:9: `order_di` is required but not declared\n  help: did you mean `order_id`?",
    ),
    (
        "tools/refund.toml",
        "type = \"string\"",
        "type = \"text\"",
        "tools/refund.toml:12: this is not a valid JSON Schema: `properties.order_id.type`: the value is not valid under any of the schemas listed in the 'anyOf' keyword\n  help: `type` is one of `string`, `integer`, `number`, `boolean`, `array` and `object`",
    ),
    (
        "tools/refund.toml",
        "type = \"string\"",
        "\"$ref\" = \"https://example.com/schema.json\"",
        "tools/refund.toml:7: this is not a valid JSON Schema: Resource 'https://example.com/schema.json' is not present in a registry and retrieving it failed: Retrieval is disabled, cannot fetch https://example.com/schema.json\n  help: references must stay within the schema; patterns know no look-around",
    ),
    (
        "tools/refund.toml",
        "[parameters.properties.order_id]",
        "[parameters.order_id]",
        "tools/refund.toml:5: `order_id` in `business_key` is not an argument of this tool\n  help: declare it under `[parameters.properties.order_id]`\ntools/refund.toml:9: `order_id` is required but not declared\n  help: the declared arguments are none\ntools/refund.toml:11: `order_id` is declared in the wrong place\n  help: arguments go under `[parameters.properties.order_id]`",
    ),
    (
        "tools/lookup.toml",
        "kind = \"table\"",
        "kind = \"table\"\nside_effect = \"idempotent\"",
        "tools/lookup.toml:4: looking rows up changes nothing\n  help: remove `side_effect`: a table is always `pure`",
    ),
    (
        "tools/lookup.toml",
        "match = [\"order_id\"]",
        "match = []",
        "tools/lookup.toml:15: `table.match` must not be empty",
    ),
    (
        "tools/lookup.toml",
        "\"orders.csv\"",
        "\"order.csv\"",
        "tools/lookup.toml:14: there is no file `order.csv`\n  help: did you mean `orders.csv`?",
    ),
    (
        "tools/lookup.toml",
        "\"orders.csv\"",
        "\"../../etc/passwd\"",
        "tools/lookup.toml:14: there is no file `../../etc/passwd`\n  help: name a CSV file of the bot's folder, relative to the folder",
    ),
    (
        "orders.csv",
        "order_id",
        "orderid",
        "tools/lookup.toml:15: `orders.csv` has no column `order_id`\n  help: did you mean `orderid`?",
    ),
    (
        "orders.csv",
        "A1001,shipped\n",
        "A1001,shipped\nA1002,lost, perhaps\n",
        "orders.csv:3: this row has 3 fields, but there are 2 columns\n  help: put fields that hold a comma in double quotes",
    ),
    (
        "orders.csv",
        "order_id,status",
        "order_id,order_id",
        "orders.csv:1: two columns are called `order_id`\n  help: rename one of them",
    ),
    (
        "tools/track.toml",
        "https://api.example.com/parcels/{tracking}",
        "http://api.example.com/parcels/{tracking}",
        "tools/track.toml:18: `url` is not encrypted\n  help: use `https`; plain `http` is for `localhost` and `127.0.0.1` only",
    ),
    (
        "tools/track.toml",
        "https://api.example.com/parcels",
        "http://localhost:8080/parcels",
        "tools/track.toml:18: `url` leads to this machine or a private network\n  help: set `allow_private = true` under [http] if it is meant to",
    ),
    (
        "tools/track.toml",
        "url = \"https://api.example.com/parcels",
        "allow_private = true\nurl = \"https://169.254.169.254/parcels",
        "tools/track.toml:19: `url` leads to an address that no tool may reach\n  help: write the service's own address",
    ),
    (
        "tools/track.toml",
        "https://api.example.com",
        "https://{tracking}.example.com",
        "tools/track.toml:18: `url` has a hole in its host\n  help: write the host out: an argument must not decide where a request goes",
    ),
    (
        "tools/track.toml",
        "{tracking}",
        "{trackng}",
        "tools/track.toml:18: `trackng` in `url` is not an argument of this tool\n  help: did you mean `tracking`?",
    ),
    (
        "tools/track.toml",
        "{tracking}",
        "{tracking}/{language}",
        "tools/track.toml:18: `language` stands in the address but may be absent\n  help: name it in `required` under `[parameters]`, or send it in `query`",
    ),
    (
        "tools/track.toml",
        "{tracking}",
        "{tracking}?key={secret:CARRIER_KEY}",
        "tools/track.toml:18: a secret must not stand in an address, which is logged on its way\n  help: send it in a header: `Authorization = \"Bearer {secret:NAME}\"`",
    ),
    (
        "tools/track.toml",
        "{secret:CARRIER_KEY}",
        "sk-live-4f9a8b7c6d5e4f3a2b1c",
        "tools/track.toml:22: header `Authorization` holds what looks like a secret itself\n  help: put it into the secrets file and write `{secret:NAME}` here",
    ),
    (
        "tools/track.toml",
        "{secret:CARRIER_KEY}",
        "{tracking}",
        "tools/track.toml:22: header `Authorization` has a hole for an argument\n  help: send arguments in the address, the query or the body",
    ),
    (
        "tools/track.toml",
        "method = \"GET\"",
        "method = \"get\"",
        "tools/track.toml:17: `http.method` must be one of `GET`, `HEAD`, `POST`, `PUT`, `PATCH` and `DELETE`\n  help: did you mean `GET`?",
    ),
    (
        "tools/track.toml",
        "method = \"GET\"",
        "method = \"GET\"\nbody = \"json\"",
        "tools/track.toml:18: a GET has no body\n  help: name the arguments in `query`, or use `method = \"POST\"`",
    ),
    (
        "skills/returns/SKILL.md",
        "name: returns",
        "name: refunds",
        "skills/returns/SKILL.md:2: the skill is called `refunds`, but its folder `returns`\n  help: give both the same name",
    ),
    (
        "skills/returns/SKILL.md",
        "description:",
        "descripton:",
        "skills/returns/SKILL.md:1: `description` is missing\n  help: add a line `description: …` between the `---` lines\nskills/returns/SKILL.md:3: unknown field `descripton`\n  help: did you mean `description`?",
    ),
    (
        "skills/returns/SKILL.md",
        "description: How returns go.",
        "description: How: returns go.",
        "skills/returns/SKILL.md:3: this is not valid YAML: mapping values are not allowed in this context\n  help: put text that holds a colon in quotes",
    ),
    (
        "skills/returns/SKILL.md",
        "description: How returns go.",
        "description: &all How returns go.",
        "skills/returns/SKILL.md:3: anchors and aliases are not allowed here\n  help: write the text out",
    ),
    (
        "skills/returns/SKILL.md",
        "---\nname",
        "name",
        "skills/returns/SKILL.md:1: there is no front matter\n  help: begin the file with `---`, then `name:` and `description:`, then `---`",
    ),
    (
        "SOUL.md",
        "You are Juniper.",
        "  ",
        "SOUL.md: SOUL.md is empty\n  help: write who the bot is, how it speaks and what it will not do",
    ),
];

#[test]
fn all_mistakes_of_a_folder_are_told_at_once() {
    let files = edited("bot.toml", "inbox = 8", "inbx = 8")
        .without("SOUL.md")
        .with("soul.md", "You are Juniper.")
        .with("orders.csv", "order_id,status\nA1001\n")
        .with("tools/open_skill.toml", super::REFUND)
        .with("tools/Ask Me.toml", super::REFUND)
        .with("tools/cut.toml", "format = 1\nkind = \n[table\n")
        .with("AGENTS.md", b"\nBe \xff brief".as_slice());
    assert_eq!(
        wrong(&files),
        "AGENTS.md:2: this is not UTF-8 text\n  help: save the file as UTF-8\n\
         SOUL.md: there is no SOUL.md\n  help: rename `soul.md` to `SOUL.md`\n\
         bot.toml:8: unknown field `inbx`\n  help: did you mean `inbox`?\n\
         orders.csv:2: this row has 1 fields, but there are 2 columns\n  help: put fields that hold a comma in double quotes\n\
         tools/Ask Me.toml: a tool's file name must be 1 to 64 of a-z, 0-9, _ and -, then `.toml`\n  help: try `ask_me`\n\
         tools/cut.toml:2: this is not valid TOML: string values must be quoted, expected literal string\n\
         tools/cut.toml:3: this is not valid TOML: unclosed table, expected `]`\n\
         tools/open_skill.toml: `open_skill` is built in\n  help: name the file differently; this tool opens the bot's skills"
    );
}

#[test]
fn an_empty_folder_is_told_what_it_lacks() {
    assert_eq!(
        wrong(&MemoryFiles::default()),
        "SOUL.md: there is no SOUL.md\n  help: write who the bot is, how it speaks and what it will not do into SOUL.md\n\
         bot.toml: there is no bot.toml\n  help: `confab new NAME` writes a folder to start from"
    );
}

#[test]
fn what_is_only_doubtful_is_a_warning() {
    let doubtful = [
        (
            edited(
                "skills/returns/SKILL.md",
                "lookup refund",
                "Bash(git add:*)",
            ),
            "skills/returns/SKILL.md:6: this bot has no tool `Bash(git add:*)`\n  help: its tools are `lookup`, `refund` and `track`",
        ),
        (
            edited("skills/returns/SKILL.md", "lookup refund", "lokup refund"),
            "skills/returns/SKILL.md:6: this bot has no tool `lokup`\n  help: did you mean `lookup`?",
        ),
        (
            edited("tools/lookup.toml", "minLength", "minLenght"),
            "tools/lookup.toml:11: JSON Schema has no keyword `minLenght`, so it has no effect\n  help: did you mean `minLength`?",
        ),
        (
            edited("tools/track.toml", "query = [\"language\"]", ""),
            "tools/track.toml:16: the request does not send `language`\n  help: use the argument in `url`, name it in `query`, or set `body = \"json\"`",
        ),
        (
            shop().with("tools/ask.yaml", "x"),
            "tools/ask.yaml: this file has no say\n  help: a tool is a file `tools/<name>.toml`",
        ),
        (
            shop().without("AGENTS.md").with("AGENT.md", "x"),
            "AGENT.md: this file has no say\n  help: rename it to `AGENTS.md`, if that is what it is",
        ),
    ];
    for (files, expected) in doubtful {
        let warnings = load(&files).warnings;
        assert_eq!(
            warnings.first().map(ToString::to_string).as_deref(),
            Some(expected)
        );
    }
}
