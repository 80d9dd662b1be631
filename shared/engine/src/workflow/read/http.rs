//! Reads a request: where it goes, what it carries, and whether it may be repeated.

use serde_json::Value;

use super::fields::{Fields, Source};
use crate::bot::{Address, Fault, looks_like_secret, strays};
use crate::http::Reach;
use crate::tool::SideEffectPolicy;
use crate::workflow::plan::Action;
use crate::workflow::template::{Part, Template};
use crate::yaml::Node;

pub(super) fn http(source: &mut Source<'_>, node: &Node) -> Option<Action> {
    let fields = source.table(node, "`http`")?;
    fields.allow(
        source,
        &[
            "method",
            "url",
            "headers",
            "body",
            "side_effect",
            "idempotency_header",
            "allow_private",
        ],
    );
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"].map(|method| (method, method));
    let method = fields
        .get("method")
        .and_then(|node| source.choice(node, "`method`", &methods));
    let method = method.unwrap_or("GET");
    let url = fields.need(
        source,
        "url",
        "say where the request goes, such as `https://api.example.com/notes`",
    )?;
    let template = source.template(url);
    let allow_private = fields.flag(source, "allow_private").unwrap_or(false);
    if let Err((what, hint)) = check_url(&template, allow_private) {
        source.wrong(url.place, format!("`url` {what}"), hint.unwrap_or_default());
    }
    let policies = [
        ("pure", SideEffectPolicy::Pure),
        ("idempotent", SideEffectPolicy::Idempotent),
        ("irreversible", SideEffectPolicy::Irreversible),
    ];
    let side_effect = fields
        .get("side_effect")
        .and_then(|node| source.choice(node, "`side_effect`", &policies));
    if side_effect.is_none() && method != "GET" {
        let what = format!("`side_effect` is missing: may this {method} be repeated?");
        source.wrong(
            fields.place,
            what,
            "write `idempotent` if it may, `irreversible` if it may not",
        );
    }
    Some(Action::Http {
        method: method.to_owned(),
        url: template,
        headers: headers(source, &fields),
        body: fields.get("body").map(|node| source.template(node)),
        side_effect: side_effect.unwrap_or(SideEffectPolicy::Pure),
        idempotency_header: fields.text(source, "idempotency_header"),
        allow_private,
    })
}

fn headers(source: &mut Source<'_>, fields: &Fields<'_>) -> Vec<(String, String)> {
    let Some(table) = fields.table(source, "headers") else {
        return Vec::new();
    };
    let mut headers = Vec::new();
    for entry in table.entries {
        if let Some(value) = source.text(&entry.value, "a header") {
            if value.split_whitespace().any(looks_like_secret) {
                let hint =
                    "put it into the secrets file and write its name here: `Bearer {secret:NAME}`";
                source.wrong(
                    entry.value.place,
                    format!("`{}` looks like a secret", entry.key),
                    hint,
                );
            }
            headers.push((entry.key.clone(), value.to_owned()));
        }
    }
    headers
}

/// Whether a request may go to `url`, whose host no expression may choose.
fn check_url(url: &Template, allow_private: bool) -> Result<(), Fault> {
    let fault = |what: &str, hint: &str| Err((what.to_owned(), Some(hint.to_owned())));
    let (start, goes_on) = match url {
        Template::Constant(Value::String(text)) => (text.as_str(), false),
        Template::Text(parts) => match parts.first() {
            Some(Part::Literal(text)) => (text.as_str(), true),
            _ => ("", true),
        },
        _ => ("", true),
    };
    let after_scheme = start.split_once("://").map_or("", |(_, after)| after);
    if goes_on && !after_scheme.contains(['/', '?']) {
        return fault(
            "must have its host written out",
            "begin with `https://host/`; expressions may follow",
        );
    }
    Address::parse(start)?;
    let reach = if allow_private {
        Reach::Private
    } else {
        Reach::Public
    };
    match strays(start, reach) {
        false => Ok(()),
        true if allow_private => fault(
            "leads to an address that no step may reach",
            "write the service's own address",
        ),
        true => fault(
            "leads to this machine or a private network",
            "add `allow_private: true` if it is meant to",
        ),
    }
}
