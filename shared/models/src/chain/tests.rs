use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::bot::{ModelSettings, Script};
use engine::model::{ChatMessage, Deltas, ModelRequest};
use engine::runtime::simulated::Simulation;

use super::{Models, SettingsError};
use crate::environment::tests::environment;

struct Silence;

impl Deltas for Silence {
    fn text(&mut self, _: &str) {}
    fn restart(&mut self) {}
}

fn models(variables: &'static [(&'static str, &'static str)]) -> Models {
    Models::new(Simulation::new(1).runtime(), environment(variables))
}

fn settings(chain: &[&str]) -> ModelSettings {
    ModelSettings {
        chain: chain.iter().map(|entry| (*entry).to_owned()).collect(),
        base_urls: BTreeMap::new(),
        temperature: None,
        max_tokens: 1_024,
        timeout: Duration::from_secs(60),
        idle_timeout: Duration::from_secs(20),
        script: None,
    }
}

fn scripted(text: &str) -> ModelSettings {
    ModelSettings {
        script: Some(Script {
            path: PathBuf::from("bot/script.toml"),
            text: text.to_owned(),
        }),
        ..settings(&["scripted"])
    }
}

#[test]
fn a_missing_key_of_the_first_model_says_which_variable_to_set() {
    let error = models(&[])
        .chain(&settings(&["anthropic/claude-sonnet-4-5"]))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`anthropic/claude-sonnet-4-5` needs a key: set ANTHROPIC_API_KEY, or put `scripted` first in the bot's models to run without one"
    );
}

#[test]
fn a_fallback_without_its_key_is_left_out_with_a_warning() {
    let chain = models(&[("OPENAI_API_KEY", "k")])
        .chain(&settings(&[
            "openai/gpt-5-mini",
            "anthropic/claude-sonnet-4-5",
        ]))
        .unwrap();
    assert_eq!(chain.warnings.len(), 1);
    assert!(chain.warnings[0].contains("ANTHROPIC_API_KEY"));
}

#[test]
fn an_entry_that_is_no_model_is_refused_wherever_it_stands() {
    for entry in [
        "gpt-5",
        "openai/",
        "acme/gpt-5",
        "gemini/../files",
        "openai/a b",
        "",
    ] {
        let error = models(&[("OPENAI_API_KEY", "k")])
            .chain(&settings(&["openai/gpt-5-mini", entry]))
            .unwrap_err();
        assert_eq!(error, SettingsError::UnknownModel(entry.to_owned()));
    }
}

#[test]
fn an_empty_chain_is_refused() {
    assert_eq!(
        models(&[]).chain(&settings(&[])).unwrap_err(),
        SettingsError::NoModel
    );
}

#[test]
fn a_chat_completions_server_of_ones_own_needs_no_key() {
    let mut settings = settings(&["openai/llama"]);
    let url = "http://localhost:8000/v1".to_owned();
    settings.base_urls.insert("openai".to_owned(), url);
    let chain = models(&[]).chain(&settings).unwrap();
    assert!(
        chain.warnings[0].contains("price table"),
        "{:?}",
        chain.warnings
    );
}

#[test]
fn a_base_url_that_is_no_address_is_refused_without_showing_it() {
    let mut settings = settings(&["openai/gpt-5-mini"]);
    let url = "ftp://user:secret@host".to_owned();
    settings.base_urls.insert("openai".to_owned(), url);
    let error = models(&[("OPENAI_API_KEY", "k")])
        .chain(&settings)
        .unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn a_key_is_sent_to_its_provider_and_where_the_operator_says() {
    let key = |entry: &str, url: &str, variables| {
        let mut settings = settings(&[entry]);
        let (provider, _) = entry.split_once('/').unwrap();
        settings
            .base_urls
            .insert(provider.to_owned(), url.to_owned());
        let remote = models(variables).remote(entry, &settings, &mut Vec::new());
        remote.map(|remote| remote.key.is_some())
    };
    let claude = "anthropic/claude-sonnet-4-5";
    assert_eq!(
        key(
            claude,
            "https://evil.example",
            &[("ANTHROPIC_API_KEY", "k")]
        )
        .unwrap_err()
        .to_string(),
        "`anthropic/claude-sonnet-4-5` is at evil.example, which must not see ANTHROPIC_API_KEY: allow it in the \
         secrets file with `ANTHROPIC_API_KEY = [\"evil.example\"]` under [hosts], or beside the variable with \
         ANTHROPIC_API_KEY_HOSTS=evil.example, or give the address as the provider's base URL in the environment"
    );
    for (entry, url, variables, sent) in [
        (
            claude,
            "https://api.anthropic.com",
            &[("ANTHROPIC_API_KEY", "k")] as &'static [_],
            Ok(true),
        ),
        (
            claude,
            "https://gateway.example/v1",
            &[
                ("ANTHROPIC_API_KEY", "k"),
                ("ANTHROPIC_API_KEY_HOSTS", "x.example, gateway.example"),
            ],
            Ok(true),
        ),
        (
            claude,
            "https://gateway.example/v2",
            &[
                ("ANTHROPIC_API_KEY", "k"),
                ("ANTHROPIC_BASE_URL", "https://gateway.example"),
            ],
            Ok(true),
        ),
        (
            claude,
            "https://api.anthropic.com",
            &[
                ("ANTHROPIC_API_KEY", "k"),
                ("ANTHROPIC_API_KEY_HOSTS", "gateway.example"),
            ],
            Err(()),
        ),
        (
            claude,
            "https://api.anthropic.com.evil.example",
            &[("ANTHROPIC_API_KEY", "k")],
            Err(()),
        ),
        (
            "openai/llama",
            "http://localhost:8000/v1",
            &[("OPENAI_API_KEY", "k")],
            Ok(false),
        ),
        (
            "bedrock/m",
            "https://bedrock-runtime.eu-west-1.amazonaws.com",
            &[("AWS_BEARER_TOKEN_BEDROCK", "k")],
            Ok(true),
        ),
        (
            "bedrock/m",
            "https://bedrock-runtime.s3.amazonaws.com",
            &[("AWS_BEARER_TOKEN_BEDROCK", "k")],
            Err(()),
        ),
    ] {
        assert_eq!(
            key(entry, url, variables).map_err(drop),
            sent,
            "{entry} {url} {variables:?}"
        );
    }
}

#[test]
fn bedrock_needs_a_region_or_an_address() {
    let settings = settings(&["bedrock/amazon.nova-lite-v1:0"]);
    let error = models(&[("AWS_BEARER_TOKEN_BEDROCK", "k")])
        .chain(&settings)
        .unwrap_err();
    assert!(error.to_string().contains("AWS_REGION"));
    let region = models(&[
        ("AWS_BEARER_TOKEN_BEDROCK", "k"),
        ("AWS_REGION", "eu-west-1"),
    ]);
    assert!(region.chain(&settings).is_ok());
}

#[test]
fn chains_share_a_models_breaker_but_not_with_another_address() {
    let models = models(&[("OPENAI_API_KEY", "k")]);
    let here = settings(&["openai/gpt-5-mini"]);
    let mut there = here.clone();
    let url = "http://localhost:8000/v1".to_owned();
    there.base_urls.insert("openai".to_owned(), url);
    let breaker = |settings| {
        let remote = models
            .remote("openai/gpt-5-mini", settings, &mut Vec::new())
            .unwrap();
        models.breaker(&remote)
    };
    assert!(Arc::ptr_eq(&breaker(&here), &breaker(&here)));
    assert!(!Arc::ptr_eq(&breaker(&here), &breaker(&there)));
}

#[test]
fn the_scripted_model_answers_without_key_or_network() {
    let chain = models(&[])
        .chain(&scripted("format = 1\n[default]\ntext = \"Hello\""))
        .unwrap();
    let answer = Simulation::new(1).block_on(async move {
        let request = ModelRequest {
            messages: vec![ChatMessage::User {
                text: "hi".to_owned(),
            }],
            ..ModelRequest::default()
        };
        chain.model.respond(&request, &mut Silence).await
    });
    assert_eq!(answer.result.unwrap().text, "Hello");
    assert_eq!(answer.calls[0].model, "scripted");
}

#[test]
fn a_bad_script_is_reported_with_its_line() {
    let error = models(&[]).chain(&scripted("format = 2")).unwrap_err();
    assert!(error.to_string().starts_with("bot/script.toml:1: "));
    assert_eq!(
        models(&[]).chain(&settings(&["scripted"])).unwrap_err(),
        SettingsError::MissingScript
    );
}

/// `cargo test --release -p models -- --ignored --nocapture` prints replies per second.
#[test]
#[ignore = "a measurement"]
fn scripted_replies_per_second() {
    let script: String = (0..50)
        .map(|n| format!("[[reply]]\nmatch = 'never (\\w+) {n}'\ntext = 'a'\n"))
        .collect();
    let script = format!("format = 1\n{script}[default]\ntext = \"Hello\"");
    let chain = models(&[]).chain(&scripted(&script)).unwrap();
    let request = ModelRequest {
        system: "You are a shop's bot. ".repeat(100),
        messages: vec![ChatMessage::User {
            text: "Where is my order A-1001, please?".to_owned(),
        }],
        ..ModelRequest::default()
    };
    Simulation::new(1).block_on(async move {
        let begun = std::time::Instant::now();
        for _ in 0..100_000 {
            let answer = chain.model.respond(&request, &mut Silence).await;
            assert!(answer.result.is_ok());
        }
        println!("{:.0} replies/s", 1e5 / begun.elapsed().as_secs_f64());
    });
}
