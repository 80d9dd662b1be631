use serde_json::json;

use super::mistakes::expect;
use super::{load, shop};

#[test]
fn mistakes_in_undoing_and_looking_up_are_told_with_a_way_out() {
    expect(MISTAKES);
}

/// File, what it says, what it says instead, and what the writer is told.
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    (
        "tools/refund.toml",
        "side_effect = \"irreversible\"",
        "side_effect = \"compensatable\"",
        "tools/refund.toml:4: a `compensatable` tool must say how it is undone\n  help: add `[undo]` with the `tool` that undoes it and its `arguments`, or say `irreversible`",
    ),
    (
        "tools/refund.toml",
        "[record]",
        "[undo]\ntool = \"track\"\narguments = { tracking = \"{argument:/order_id}\" }\n\n[record]",
        "tools/refund.toml:14: only what a `compensatable` tool does is undone\n  help: say `side_effect = \"compensatable\"`, or remove `[undo]`",
    ),
    (
        "tools/refund.toml",
        "irreversible\"",
        "compensatable\"\nundo = { tool = \"trakc\" }",
        "tools/refund.toml:5: there is no tool `trakc`\n  help: did you mean `track`?",
    ),
    (
        "tools/refund.toml",
        "irreversible\"",
        "compensatable\"\nundo = { tool = \"refund\", arguments = { order_id = \"{argument:/order_id}\" } }",
        "tools/refund.toml:5: `refund` is `compensatable` itself: what undoes is not undone\n  help: name a tool that is `idempotent` or `irreversible`",
    ),
    (
        "tools/refund.toml",
        "irreversible\"",
        "compensatable\"\nundo = { tool = \"track\", arguments = { trackign = \"{argument:/oder_id} {x}\" } }",
        "tools/refund.toml:5: `track` needs `tracking`\n  help: give it under `arguments`, as a value, `\"{argument:/name}\"` or `\"{result:/name}\"`\ntools/refund.toml:5: `trackign` is not an argument of `track`\n  help: did you mean `tracking`?\ntools/refund.toml:5: `{argument:/oder_id}`: this tool has no argument `oder_id`\n  help: did you mean `order_id`?\ntools/refund.toml:5: `{x}` stands for nothing\n  help: write `{argument:/name}` or `{result:/name}`",
    ),
    (
        "tools/track.toml",
        "[http.headers]",
        "[http.lookup]\nurl = \"https://api.example.com/{key}/{idempotency_key}\"\n[http.headers]",
        "tools/track.toml:22: `key` in `url` is not an argument of this tool\n  help: declare it under `[parameters.properties.key]`",
    ),
    (
        "tools/track.toml",
        "[http.headers]",
        "[result]\ntype = \"objet\"\n[http.headers]",
        "tools/track.toml:22: this is not a valid JSON Schema: `type`: the value is not valid under any of the schemas listed in the 'anyOf' keyword\n  help: `type` is one of `string`, `integer`, `number`, `boolean`, `array` and `object`",
    ),
];

#[test]
fn what_undoes_a_call_is_called_with_parts_of_it() {
    let files = shop();
    let refund = super::REFUND.replace(
        "irreversible\"",
        "compensatable\"\nundo = { tool = \"track\", arguments = { tracking = \"{result:/parcels/0}\", language = \"{result:/n} for {argument:/order_id}!\" } }",
    );
    let bot = load(&files.with("tools/refund.toml", refund)).bot;
    let undo = bot.tools["refund"].undo.as_ref().expect("an undo");
    assert_eq!(undo.tool, "track");
    let called = json!({"order_id": "A1"});
    assert_eq!(
        undo.arguments(&called, &json!({"parcels": [7], "n": 2})),
        json!({"tracking": 7, "language": "2 for A1!"})
    );
    // What an odd answer leaves open is left out; the tool that undoes then says what it lacks.
    assert_eq!(
        undo.arguments(&called, &json!({"n": "{argument:/order_id}"})),
        json!({"language": "{argument:/order_id} for A1!"})
    );
}
