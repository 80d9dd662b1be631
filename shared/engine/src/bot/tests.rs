mod approvals;
mod effects;
mod errands;
mod folders;
mod loading;
mod mistakes;
mod secrets;
mod validation;

use crate::bot::{Bot, Loaded, MemoryFiles};

const BOT: &str = r#"format = 1
name = "shop"

[model]
use = "scripted"

[limits]
inbox = 8

[channels.twilio]
account_sid = "AC123"
from = "+15550100"
auth_token = "TWILIO_AUTH_TOKEN"
"#;

const LOOKUP: &str = r#"format = 1
description = "Looks up an order."
kind = "table"

[parameters]
type = "object"
required = ["order_id"]

[parameters.properties.order_id]
type = "string"
minLength = 4

[table]
file = "orders.csv"
match = ["order_id"]
"#;

const REFUND: &str = r#"format = 1
description = "Requests a refund."
kind = "record"
side_effect = "irreversible"
business_key = ["order_id"]

[parameters]
type = "object"
required = ["order_id"]

[parameters.properties.order_id]
type = "string"

[record]
collection = "refunds"
"#;

const TRACK: &str = r#"format = 1
description = "Tracks a parcel."
kind = "http"
side_effect = "pure"

[parameters]
type = "object"
required = ["tracking"]

[parameters.properties.tracking]
type = "string"

[parameters.properties.language]
type = "string"

[http]
method = "GET"
url = "https://api.example.com/parcels/{tracking}"
query = ["language"]

[http.headers]
Authorization = "Bearer {secret:CARRIER_KEY}"
"#;

const SKILL: &str = "---
name: returns
description: How returns go.
metadata:
  version: 1.0
allowed-tools: lookup refund
---

Ask for the order first.
";

/// A folder without a mistake.
fn shop() -> MemoryFiles {
    MemoryFiles::default()
        .with("bot.toml", BOT)
        .with("SOUL.md", "You are Juniper.\n")
        .with("AGENTS.md", "Be brief.\n")
        .with("script.toml", "format = 1\n")
        .with("orders.csv", "order_id,status\nA1001,shipped\n")
        .with("tools/lookup.toml", LOOKUP)
        .with("tools/refund.toml", REFUND)
        .with("tools/track.toml", TRACK)
        .with("skills/returns/SKILL.md", SKILL)
}

fn load(files: &MemoryFiles) -> Loaded {
    match Bot::load(files) {
        Ok(loaded) => loaded,
        Err(problems) => panic!("{problems}"),
    }
}

/// What is wrong with a folder, as it is displayed.
fn wrong(files: &MemoryFiles) -> String {
    match Bot::load(files) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}
