//! Each provider against a server on this machine that plays a recorded body.

use std::sync::Arc;
use std::time::Duration;

use engine::bot::ModelSettings;
use engine::model::{
    ChatMessage, Deltas, ModelAnswer, ModelErrorKind, ModelReply, ModelRequest, ToolOffer,
};
use engine::secret::Secret;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Provider;
use crate::{Environment, Models};

mod recorded;
mod server;

use server::{Play, Server, Then, refusal, runtime, serve, stream};

const KEY: &str = "the-key-of-the-test";

#[derive(Default)]
struct Heard(String);

impl Deltas for Heard {
    fn text(&mut self, delta: &str) {
        self.0.push_str(delta);
        self.0.push('/');
    }

    fn restart(&mut self) {
        self.0.push('|');
    }
}

fn request() -> ModelRequest {
    ModelRequest {
        system: "You are a shop's bot.".to_owned(),
        messages: vec![ChatMessage::User {
            text: "Where is A-1001?".to_owned(),
        }],
        tools: vec![ToolOffer {
            name: "lookup_order".to_owned(),
            description: "Finds an order.".to_owned(),
            parameters: json!({
                "type": "object",
                "properties": { "order_id": { "type": "string" } },
                "required": ["order_id"]
            }),
        }],
    }
}

fn model(provider: Provider) -> &'static str {
    match provider {
        Provider::Anthropic => "anthropic/claude-sonnet-4-5",
        Provider::OpenAi => "openai/gpt-5-mini",
        Provider::Gemini => "gemini/gemini-2.5-flash",
        Provider::Ollama => "ollama/llama3.2",
        Provider::Bedrock => "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    }
}

async fn ask_at(server: &Server, provider: Provider) -> (ModelAnswer, String) {
    let environment = Environment::from_lookup(
        |name| (Some(name) == provider.key_variable()).then(|| Secret::new(KEY)),
        |name, _| (name == provider.base_url_variable()).then(|| server.url.clone()),
    );
    let settings = ModelSettings {
        chain: vec![model(provider).to_owned()],
        base_urls: std::collections::BTreeMap::new(),
        temperature: None,
        max_tokens: 1_024,
        timeout: Duration::from_secs(20),
        idle_timeout: server.patience,
        script: None,
    };
    let chain = Models::new(runtime(), environment)
        .chain(&settings)
        .unwrap();
    assert_eq!(chain.warnings, Vec::<String>::new());
    let mut heard = Heard::default();
    let answer = chain.model.respond(&request(), &mut heard).await;
    (answer, heard.0)
}

async fn ask(provider: Provider, play: Play) -> (ModelAnswer, String) {
    ask_at(&serve(play).await, provider).await
}

async fn failure(provider: Provider, play: Play) -> (ModelErrorKind, String) {
    let (answer, _) = ask(provider, play).await;
    let error = answer.result.unwrap_err();
    assert!(!error.detail.contains(KEY), "{}", error.detail);
    assert!(!error.detail.contains("A-1001"), "{}", error.detail);
    (error.kind, error.detail)
}

fn call(reply: &ModelReply) -> (&str, &Value) {
    assert_eq!(reply.calls.len(), 1, "{reply:?}");
    (&reply.calls[0].name, &reply.calls[0].arguments)
}

#[tokio::test]
async fn each_provider_streams_text_and_reports_its_tokens() {
    for provider in Provider::ALL {
        let (answer, heard) = ask(provider, stream(recorded::text(provider))).await;
        let reply = answer
            .result
            .unwrap_or_else(|error| panic!("{provider}: {error}"));
        assert_eq!(reply.text, "Hello there", "{provider}");
        assert_eq!(reply.calls, [], "{provider}");
        assert_eq!(heard, "Hello/ there/", "{provider}");
        let usage = answer.calls[0].usage;
        assert_eq!(
            (usage.input_tokens, usage.output_tokens),
            (20, 5),
            "{provider}"
        );
        assert_eq!(
            usage.micro_dollars == 0,
            provider == Provider::Ollama,
            "{provider}"
        );
    }
}

#[tokio::test]
async fn each_provider_streams_a_tool_call() {
    for provider in Provider::ALL {
        let (answer, _) = ask(provider, stream(recorded::call(provider))).await;
        let reply = answer
            .result
            .unwrap_or_else(|error| panic!("{provider}: {error}"));
        let (name, arguments) = call(&reply);
        assert_eq!(name, "lookup_order", "{provider}");
        assert_eq!(arguments, &json!({ "order_id": "A-1001" }), "{provider}");
    }
}

#[tokio::test]
async fn each_provider_is_sent_the_key_the_tool_and_the_conversation() {
    for provider in Provider::ALL {
        let server = serve(stream(recorded::text(provider))).await;
        ask_at(&server, provider).await.0.result.unwrap();
        let request = server.requests.lock().unwrap()[0].clone();
        let (path, key) = match provider {
            Provider::Anthropic => ("/v1/messages", true),
            Provider::OpenAi => ("/v1/chat/completions", true),
            Provider::Gemini => (
                "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
                true,
            ),
            Provider::Ollama => ("/api/chat", false),
            Provider::Bedrock => (
                "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
                true,
            ),
        };
        assert!(request.starts_with(&format!("POST {path}")), "{request}");
        assert_eq!(request.contains(KEY), key, "{provider}");
        for part in ["shop's bot", "Where is A-1001?", "lookup_order", "order_id"] {
            assert!(request.contains(part), "{provider} lacks {part}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_closes_early_was_cut() {
    for provider in Provider::ALL {
        for then in [Then::End, Then::Break] {
            let play = Play {
                then,
                ..stream(recorded::beginning(provider))
            };
            let (answer, heard) = ask(provider, play).await;
            let error = answer.result.unwrap_err();
            assert_eq!(error.kind, ModelErrorKind::Cut, "{provider}: {error}");
            assert_eq!(heard, "Hello/", "{provider}");
        }
    }
}

#[tokio::test]
async fn a_tool_call_that_is_cut_is_not_made() {
    for provider in [Provider::Anthropic, Provider::OpenAi, Provider::Bedrock] {
        let mut body = recorded::call(provider);
        body.truncate(body.len() * 2 / 3);
        let (kind, detail) = failure(provider, stream(body)).await;
        assert!(
            matches!(kind, ModelErrorKind::Cut | ModelErrorKind::Garbled),
            "{provider}: {detail}"
        );
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_times_out() {
    for provider in Provider::ALL {
        let play = Play {
            then: Then::Hang,
            ..stream(recorded::beginning(provider))
        };
        let (kind, detail) = failure(provider, play).await;
        assert_eq!(kind, ModelErrorKind::Timeout, "{provider}: {detail}");
    }
}

#[tokio::test]
async fn a_refused_key_is_told_from_a_refused_request() {
    for provider in Provider::ALL {
        let (status, body) = recorded::refused_key(provider);
        let (kind, detail) = failure(provider, refusal(status, body)).await;
        assert_eq!(kind, ModelErrorKind::Authentication, "{provider}: {detail}");
        let body = recorded::refused_request(provider);
        let (kind, detail) = failure(provider, refusal(400, body)).await;
        assert_eq!(kind, ModelErrorKind::InvalidRequest, "{provider}: {detail}");
        assert!(detail.starts_with("status 400"), "{detail}");
    }
}

#[tokio::test]
async fn a_busy_provider_is_asked_once_more() {
    for provider in Provider::ALL {
        for (status, expected) in [
            (429, ModelErrorKind::RateLimited),
            (503, ModelErrorKind::Unavailable),
            (529, ModelErrorKind::Unavailable),
        ] {
            let (answer, _) = ask(provider, refusal(status, "{}")).await;
            assert_eq!(answer.result.unwrap_err().kind, expected, "{provider}");
            assert_eq!(answer.calls.len(), 2, "{provider} {status}");
        }
    }
}

#[tokio::test]
async fn garbage_is_garbled_or_cut_but_never_a_reply() {
    for provider in Provider::ALL {
        for body in [
            "event: message_start\ndata: {\"what\": [\n\ndata: }}}\n\n",
            "<html><body>Welcome to the hotel's network</body></html>",
            "{\"half\": ",
            "",
        ] {
            let (kind, detail) = failure(provider, stream(body)).await;
            assert!(
                matches!(kind, ModelErrorKind::Garbled | ModelErrorKind::Cut),
                "{provider} {body:?}: {kind:?} {detail}"
            );
        }
        let (kind, _) = failure(
            provider,
            stream([b"data: \xff\xfe\n\n".as_slice(), &[0xff; 64]].concat()),
        )
        .await;
        assert!(kind.is_retryable(), "{provider}");
    }
}

#[tokio::test]
async fn an_error_within_the_stream_is_told() {
    let overloaded = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let mut body = recorded::beginning(Provider::Anthropic);
    body.extend_from_slice(overloaded.as_bytes());
    let (kind, detail) = failure(Provider::Anthropic, stream(body)).await;
    assert_eq!(kind, ModelErrorKind::Unavailable);
    assert_eq!(
        detail,
        "error within the stream: overloaded_error: Overloaded"
    );
}

#[tokio::test]
async fn a_model_that_only_sends_pings_counts_as_silent() {
    let play = Play {
        then: Then::Repeat("event: ping\ndata: {\"type\": \"ping\"}\n\n"),
        ..stream(recorded::beginning(Provider::Anthropic))
    };
    let (kind, _) = failure(Provider::Anthropic, play).await;
    assert_eq!(kind, ModelErrorKind::Timeout);
}

#[tokio::test]
async fn parallel_calls_of_chat_completions_are_put_together() {
    let (answer, _) = ask(Provider::OpenAi, stream(recorded::parallel_calls())).await;
    let calls = answer.result.unwrap().calls;
    let calls: Vec<_> = calls
        .iter()
        .map(|call| (call.id.as_str(), call.arguments["order_id"].as_str()))
        .collect();
    assert_eq!(calls, [("call_a", Some("A-1")), ("call_b", Some("A-2"))]);
}

#[tokio::test]
async fn a_call_numbered_beyond_reason_does_no_harm() {
    let body = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":4294967295,\"id\":\"x\",\"function\":{\"name\":\"t\",\"arguments\":\"[1\"}}]}}]}\n\ndata: [DONE]\n\n";
    let (answer, _) = ask(Provider::OpenAi, stream(body)).await;
    let reply = answer.result.unwrap();
    assert_eq!(call(&reply), ("t", &json!("[1")));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = serve(stream(recorded::text(Provider::OpenAi))).await;
    let location: &'static str = Box::leak(format!("location: {}/\r\n", elsewhere.url).into());
    let play = Play {
        status: 307,
        headers: location,
        ..stream("")
    };
    let (kind, detail) = failure(Provider::OpenAi, play).await;
    assert_eq!(kind, ModelErrorKind::InvalidRequest);
    assert!(detail.contains("redirects are not followed"), "{detail}");
    assert!(elsewhere.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let server = Server {
        url,
        patience: Duration::from_secs(15),
        requests: Arc::default(),
    };
    let (answer, _) = ask_at(&server, Provider::Ollama).await;
    let error = answer.result.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Unavailable);
    assert!(error.detail.contains("refused"), "{error}");
}

#[test]
fn base_urls_are_taken_in_the_form_each_providers_tools_take() {
    for (provider, given, expected) in [
        (
            Provider::Anthropic,
            "https://api.anthropic.com",
            "https://api.anthropic.com/v1/",
        ),
        (
            Provider::Anthropic,
            "http://h:1/proxy/v1/",
            "http://h:1/proxy/v1/",
        ),
        (Provider::OpenAi, "http://h:1", "http://h:1/v1/"),
        (Provider::OpenAi, "http://h:1/api", "http://h:1/api/"),
        (Provider::Gemini, "http://h:1/", "http://h:1/v1beta/"),
        (Provider::Ollama, "http://h:1/v1", "http://h:1/"),
        (Provider::Ollama, "http://h:1", "http://h:1/"),
        (Provider::Bedrock, "http://h:1", "http://h:1/"),
    ] {
        assert_eq!(
            provider.base_url(given).as_deref(),
            Some(expected),
            "{provider} {given}"
        );
    }
    for bad in ["h:1", "ftp://h", "http://h?q=1", "/v1", ""] {
        assert_eq!(Provider::OpenAi.base_url(bad), None, "{bad}");
    }
}
