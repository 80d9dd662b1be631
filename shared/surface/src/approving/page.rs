//! The page behind a signed link: what is asked, and two buttons.

use engine::approval::{Approval, State};
use http::{HeaderValue, StatusCode, header};

use crate::{Response, response};

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem}\
dt{font-weight:600;margin-top:.75rem}dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}\
form{margin-top:1.5rem;display:flex;gap:.5rem;flex-wrap:wrap}input{flex:1 1 100%;font:inherit;padding:.4rem}\
button{font:inherit;padding:.4rem 1.2rem}";

/// The approval as a page; with a token it can be decided there.
pub(super) fn show(tenant: &str, approval: &Approval, token: Option<&str>) -> Response {
    let envelope = &approval.envelope;
    let mut rows = String::new();
    let mut row = |title: &str, words: &str| {
        rows.push_str(&format!(
            "<dt>{}</dt><dd>{}</dd>",
            escape(title),
            escape(words)
        ));
    };
    row("What", &envelope.intent);
    row("Conversation", approval.session.id());
    let inputs = envelope.inputs.as_object();
    for (name, value) in inputs.into_iter().flatten() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        row(name, &text);
    }
    row("Risk", &format!("{:?}", envelope.risk_level).to_lowercase());
    for (title, words) in [
        ("Leads to", &envelope.expected_output),
        ("To undo it", &envelope.rollback_plan),
    ] {
        if let Some(words) = words {
            row(title, words);
        }
    }
    row("Until", &approval.expires_at.to_string());
    for spoken in &approval.decisions {
        let reason = spoken.reason.as_deref().unwrap_or_default();
        row(
            &format!("{} said", spoken.person),
            &format!("{:?} {reason}", spoken.answer),
        );
    }
    row("State", approval.state.name());
    let form = token
        .filter(|_| approval.state == State::Pending)
        .map(|token| {
            let at = |verb: &str| {
                let (tenant, id, token) = (escape(tenant), escape(&approval.id), escape(token));
                format!("/v1/{tenant}/approvals/{id}/{verb}?token={token}")
            };
            format!(
                "<form method=post action=\"{}\"><input name=reason maxlength=500 placeholder=\"Why (optional)\" \
                 aria-label=\"Why\"><button>Yes, do it</button><button formaction=\"{}\">No</button></form>",
                at("approve"),
                at("deny")
            )
        });
    let title = escape(&envelope.tool_name);
    let form = form.unwrap_or_default();
    document(&title, &format!("<dl>{rows}</dl>{form}"))
}

/// A page of its own; neither part is escaped any more.
pub(crate) fn document(title: &str, body: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{body}</html>"
    );
    let mut answer = response::of(StatusCode::OK, "text/html; charset=utf-8", page);
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    );
    // A form posted from a page without referrer has the origin `null`, which hosts refuse.
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    answer
}

pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
