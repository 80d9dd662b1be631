use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

use super::{BOT, LOOKUP, REFUND, SKILL, TRACK, shop};
use crate::bot::document::Document;
use crate::bot::secrets::Secrets;
use crate::bot::{Bot, MemoryFiles, schema};

fn fits(schema: &Value, text: &str) -> Vec<String> {
    let document = Document::parse("file", text).unwrap_or_else(|problems| panic!("{problems:?}"));
    let validator = jsonschema::validator_for(schema).expect("a schema");
    validator
        .iter_errors(document.value())
        .map(|error| error.to_string())
        .collect()
}

#[test]
fn the_published_schemas_accept_what_loads() {
    for (schema, text) in [
        (schema::bot(), BOT),
        (schema::bot(), include_str!("../blank/bot.toml")),
        (
            schema::bot(),
            include_str!("../../../../../examples/support/bot.toml"),
        ),
        (schema::tool(), LOOKUP),
        (schema::tool(), REFUND),
        (schema::tool(), TRACK),
        (
            schema::tool(),
            include_str!("../../../../../examples/support/tools/lookup_order.toml"),
        ),
        (
            schema::tool(),
            include_str!("../../../../../examples/support/tools/request_refund.toml"),
        ),
        (
            schema::tool(),
            include_str!("../../../../../examples/support/tools/track_parcel.toml"),
        ),
        (schema::secrets(), "format = 1\n[secrets]\nA = \"x\"\n"),
    ] {
        let text = text.replace("NAME", "name");
        assert_eq!(fits(&schema, &text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn every_field_of_the_published_schemas_is_described_and_none_is_a_reference_or_null() {
    fn visit(path: &str, schema: &Value) {
        let text = schema.to_string();
        assert!(
            !text.contains("\"$ref\"") && !text.contains("\"null\""),
            "{path}: {text}"
        );
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, inner) in properties.into_iter().flatten() {
            assert!(
                inner.get("description").is_some(),
                "{path}.{name} is not described"
            );
            visit(&format!("{path}.{name}"), inner);
        }
    }
    for (name, schema) in [
        ("bot", schema::bot()),
        ("tool", schema::tool()),
        ("people", schema::people()),
        ("secrets", schema::secrets()),
    ] {
        visit(name, &schema);
        assert!(jsonschema::meta::is_valid(&schema));
    }
}

/// Texts that are almost a sound file: some of its lines are missing, repeated, moved or garbled.
fn nearly(text: &'static str) -> impl Strategy<Value = String> {
    let lines: Vec<&'static str> = text.lines().collect();
    let count = lines.len();
    let line = (0..count).prop_map(move |index| lines[index].to_owned());
    let line = prop_oneof![8 => line.clone(), 1 => "\\PC{0,20}", 1 => (line, 0usize..30, ".").prop_map(|(mut line, at, what)| {
        if line.is_char_boundary(at.min(line.len())) {
            line.insert_str(at.min(line.len()), &what);
        }
        line
    })];
    let cut = (0..=text.len()).prop_map(move |at| text.chars().take(at).collect());
    prop_oneof![
        vec(line, 0..count + 4).prop_map(|lines| lines.join("\n")),
        cut
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_content_of_a_folder_makes_the_loader_panic(
        bot in nearly(BOT),
        lookup in nearly(LOOKUP),
        refund in nearly(REFUND),
        track in nearly(TRACK),
        skill in nearly(SKILL),
        orders in "[a-z,\"\n ]{0,60}",
    ) {
        let files = shop()
            .with("bot.toml", bot)
            .with("tools/lookup.toml", lookup)
            .with("tools/refund.toml", refund)
            .with("tools/track.toml", track)
            .with("skills/returns/SKILL.md", skill)
            .with("orders.csv", orders);
        if let Err(problems) = Bot::load(&files) {
            prop_assert!(!problems.0.is_empty());
            prop_assert!(!problems.to_string().is_empty());
        }
    }

    #[test]
    fn no_bytes_in_any_file_make_the_loader_panic(
        files in btree_map(
            prop_oneof![
                Just("bot.toml".to_owned()),
                Just("SOUL.md".to_owned()),
                Just("tools/x.toml".to_owned()),
                Just("skills/x/SKILL.md".to_owned()),
                "\\PC{0,12}",
            ],
            vec(any::<u8>(), 0..80),
            0..6,
        ),
    ) {
        let files: MemoryFiles = files.into_iter().collect();
        prop_assert!(Bot::load(&files).is_err());
    }

    #[test]
    fn no_text_makes_the_secrets_reader_panic(text in "\\PC{0,80}") {
        let read = Secrets::parse("secrets.toml", &text);
        prop_assert!(read.is_err());
    }
}
