//! HTTP tools: a request with holes, filled and sent.

use std::fmt::Write as _;

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::{Call, Evidence, ToolOutcome, Toolbox};
use crate::bot::{HttpTool, Lookup, host_of};
use crate::http::{HttpAnswer, HttpFailure, HttpRequest, Reach};
use crate::secret::ChosenBy;
use crate::session::hash64;

impl Toolbox {
    pub(super) async fn request(&self, tool: &HttpTool, call: Call<'_>) -> ToolOutcome {
        let filled = fill(&tool.url, call.arguments);
        let headers = self.headers(tool, &call).await;
        let (url, headers) = match (filled, headers) {
            (Ok(url), Ok(headers)) => (with_query(url, tool, call.arguments), headers),
            (Err(message), _) | (_, Err(message)) => return ToolOutcome::failed(message),
        };
        let request = HttpRequest {
            method: tool.method.clone(),
            url,
            headers,
            body: body(tool, call.arguments),
            reach: tool.reach,
            timeout: call.limit,
            max_answer: call.max_answer,
        };
        let repeatable = call.tool.side_effect.is_repeatable();
        match self.http.send(request).await {
            Ok(answer) if (200..300).contains(&answer.status) => ToolOutcome {
                status: crate::transcript::ToolStatus::Succeeded,
                content: content(&answer),
            },
            Ok(answer) if answer.status < 500 || repeatable => ToolOutcome {
                status: crate::transcript::ToolStatus::Failed,
                content: content(&answer),
            },
            Err(HttpFailure::OffLimits(why)) => ToolOutcome::failed(why),
            Err(HttpFailure::NotSent(_)) => ToolOutcome::failed("the service cannot be reached"),
            Err(HttpFailure::Unknown(_)) if repeatable => {
                ToolOutcome::failed("the service did not answer")
            }
            Ok(_) | Err(HttpFailure::Unknown(_)) => ToolOutcome::unknown(),
        }
    }

    /// Asks the other side whether an effect took place of which nobody saw the end.
    pub(super) async fn look_up(&self, lookup: &Lookup, reach: Reach, call: &Call<'_>) -> Evidence {
        let url = lookup
            .url
            .replace("{idempotency_key}", &idempotency_key(call));
        let filled = fill(&url, call.arguments);
        let Ok(host) = host(&lookup.url) else {
            return Evidence::None;
        };
        let mut headers = Vec::with_capacity(lookup.headers.len());
        for (name, template) in &lookup.headers {
            match self.with_secrets(template, host, call).await {
                Ok(value) => headers.push((name.clone(), value)),
                Err(_) => return Evidence::None,
            }
        }
        let Ok(url) = filled else {
            return Evidence::None;
        };
        let request = HttpRequest {
            method: "GET".to_owned(),
            url,
            headers,
            body: None,
            reach,
            timeout: call.limit,
            max_answer: call.max_answer,
        };
        match self.http.send(request).await {
            Ok(answer) if (200..300).contains(&answer.status) => {
                Evidence::Happened(content(&answer))
            }
            Ok(answer) if answer.status == 404 => Evidence::DidNot,
            Ok(_) | Err(_) => Evidence::None,
        }
    }

    async fn headers(
        &self,
        tool: &HttpTool,
        call: &Call<'_>,
    ) -> Result<Vec<(String, String)>, String> {
        let mut headers = Vec::with_capacity(tool.headers.len() + 2);
        let host = host(&tool.url)?;
        for (name, template) in &tool.headers {
            headers.push((name.clone(), self.with_secrets(template, host, call).await?));
        }
        if let Some(name) = &tool.idempotency_header {
            headers.push((name.clone(), idempotency_key(call)));
        }
        if tool.json_body {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        Ok(headers)
    }

    /// `template` with each `{secret:NAME}` replaced by a secret that may be sent to `host`.
    async fn with_secrets(
        &self,
        template: &str,
        host: &str,
        call: &Call<'_>,
    ) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{secret:") {
            let Some((name, tail)) = after.split_once('}') else {
                break;
            };
            let secret = self.secrets.secret(call.session.tenant(), name).await;
            let secret =
                secret.map_err(|_| format!("the secret {name} of this tool is not set"))?;
            let value = secret.for_host(host, ChosenBy::Bot);
            let value =
                value.map_err(|refused| format!("the secret {name} of this tool: {refused}"))?;
            filled.push_str(before);
            filled.push_str(value.expose_secret());
            rest = tail;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// Where a request goes; no argument has a say in it.
fn host(url: &str) -> Result<&str, String> {
    host_of(url).ok_or_else(|| "the address of this tool has no host".to_owned())
}

/// Names that stand in the URL's path or query rather than the body.
fn in_url(tool: &HttpTool, name: &str) -> bool {
    tool.query.iter().any(|query| query == name) || tool.url.contains(&format!("{{{name}}}"))
}

/// The key that tells the service which calls are one. It tells nothing else: the session names a person.
fn idempotency_key(call: &Call<'_>) -> String {
    let parts = [call.session.as_str(), call.intent];
    format!(
        "{:016x}{:016x}",
        hash64(&["key", parts[0], parts[1]]),
        hash64(&parts)
    )
}

/// `url` with each `{argument}` replaced.
fn fill(url: &str, arguments: &Value) -> Result<String, String> {
    let mut url = url.to_owned();
    for (name, value) in arguments.as_object().into_iter().flatten() {
        let hole = format!("{{{name}}}");
        if !url.contains(&hole) {
            continue;
        }
        let text = text(value);
        // However it is encoded, a segment of dots is a step up the path.
        if text.bytes().all(|byte| byte == b'.') {
            return Err(format!("{name} cannot be empty or only dots"));
        }
        url = url.replace(&hole, &encode(&text));
    }
    Ok(url)
}

fn with_query(mut url: String, tool: &HttpTool, arguments: &Value) -> String {
    let mut separator = if url.contains('?') { '&' } else { '?' };
    for name in &tool.query {
        if let Some(value) = arguments.get(name) {
            write!(url, "{separator}{}={}", encode(name), encode(&text(value))).unwrap_or_default();
            separator = '&';
        }
    }
    url
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~.".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").unwrap_or_default();
        }
    }
    encoded
}

fn body(tool: &HttpTool, arguments: &Value) -> Option<Vec<u8>> {
    if !tool.json_body {
        return None;
    }
    let members: Map<String, Value> = arguments
        .as_object()?
        .iter()
        .filter(|(name, _)| !in_url(tool, name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Some(Value::Object(members).to_string().into_bytes())
}

/// The answer as JSON when it is JSON, as text when it is text.
fn content(answer: &HttpAnswer) -> Value {
    let body = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&answer.body).into_owned()));
    json!({ "status": answer.status, "body": body })
}
