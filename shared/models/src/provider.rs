//! The providers and how each is reached.

use std::fmt;
use std::sync::Arc;

use engine::bot::host_of;
use engine::model::{ModelErrorKind, ModelRequest, Quote};
use futures::{StreamExt, TryStreamExt, stream};
use genai::adapter::AdapterKind;
use genai::chat::ChatOptions;
use genai::resolver::{AuthData, Endpoint};
use genai::{Client, ModelIden, ServiceTarget};
use reqwest::redirect;
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};

use crate::prices::Price;
use crate::reply::{Failure, Pieces, Source};

mod failure;
mod pieces;
mod request;
#[cfg(test)]
mod tests;

/// Who serves a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Provider {
    /// The Messages API.
    Anthropic,
    /// Chat Completions, by OpenAI or by any server that speaks it.
    OpenAi,
    /// The Gemini API.
    Gemini,
    /// Ollama's own API.
    Ollama,
    /// Bedrock's Converse API with a bearer key.
    Bedrock,
}

impl Provider {
    pub(crate) const ALL: [Self; 5] = [
        Self::Anthropic,
        Self::OpenAi,
        Self::Gemini,
        Self::Ollama,
        Self::Bedrock,
    ];

    /// The provider of that name in a bot file.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::Bedrock => "bedrock",
        }
    }

    /// The variable that holds the key; absent where none is needed.
    pub(crate) fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some("ANTHROPIC_API_KEY"),
            Self::OpenAi => Some("OPENAI_API_KEY"),
            Self::Gemini => Some("GEMINI_API_KEY"),
            Self::Ollama => None,
            Self::Bedrock => Some("AWS_BEARER_TOKEN_BEDROCK"),
        }
    }

    pub(crate) fn base_url_variable(self) -> &'static str {
        match self {
            Self::Anthropic => "ANTHROPIC_BASE_URL",
            Self::OpenAi => "OPENAI_BASE_URL",
            Self::Gemini => "GEMINI_BASE_URL",
            Self::Ollama => "OLLAMA_BASE_URL",
            Self::Bedrock => "BEDROCK_BASE_URL",
        }
    }

    /// Where the provider itself answers; absent where that depends on a region.
    pub(crate) fn home(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some("https://api.anthropic.com/v1/"),
            Self::OpenAi => Some("https://api.openai.com/v1/"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1beta/"),
            Self::Ollama => Some("http://localhost:11434/"),
            Self::Bedrock => None,
        }
    }

    /// Whether the provider itself answers at `host`.
    pub(crate) fn is_home(self, host: &str) -> bool {
        match self.home() {
            Some(home) => host_of(home).is_some_and(|home| home.eq_ignore_ascii_case(host)),
            None => host
                .strip_prefix("bedrock-runtime.")
                .and_then(|rest| rest.strip_suffix(".amazonaws.com"))
                .is_some_and(|region| {
                    // `s3` and other services' names stand there too.
                    region.split('-').count() >= 3 && !region.contains('.')
                }),
        }
    }

    /// `url` as this provider's requests extend it: versioned and ending in a slash.
    ///
    /// Addresses come in the form each provider's own tools take, with the version or without.
    pub(crate) fn base_url(self, url: &str) -> Option<String> {
        let parsed = reqwest::Url::parse(url).ok()?;
        if !matches!(parsed.scheme(), "http" | "https")
            || parsed.query().is_some()
            || parsed.fragment().is_some()
        {
            return None;
        }
        let path = parsed.path().trim_end_matches('/');
        let path = match self {
            Self::Anthropic if !path.ends_with("/v1") => format!("{path}/v1"),
            Self::OpenAi if path.is_empty() => "/v1".to_owned(),
            Self::Gemini if path.is_empty() => "/v1beta".to_owned(),
            Self::Ollama => path.strip_suffix("/v1").unwrap_or(path).to_owned(),
            _ => path.to_owned(),
        };
        let mut url = parsed;
        url.set_path(&format!("{path}/"));
        Some(url.to_string())
    }

    fn adapter(self) -> AdapterKind {
        match self {
            Self::Anthropic => AdapterKind::Anthropic,
            Self::OpenAi => AdapterKind::OpenAI,
            Self::Gemini => AdapterKind::Gemini,
            Self::Ollama => AdapterKind::Ollama,
            Self::Bedrock => AdapterKind::BedrockApi,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A model behind a provider's HTTP API.
pub(crate) struct Remote {
    pub(crate) name: String,
    pub(crate) provider: Provider,
    /// The model's name at the provider.
    pub(crate) model: String,
    pub(crate) base_url: String,
    pub(crate) key: Option<SecretString>,
    pub(crate) price: Price,
    pub(crate) temperature: Option<f64>,
    pub(crate) max_tokens: u32,
    pub(crate) client: Client,
}

impl Source for Remote {
    fn name(&self) -> &str {
        &self.name
    }

    fn quote(&self, request: &ModelRequest) -> Quote {
        let (input, output) = (request::most_tokens(request), u64::from(self.max_tokens));
        Quote {
            model: self.name.clone(),
            input_tokens: input,
            output_tokens: output,
            input_micro_dollars: self.price.usage(input, 0, 0).micro_dollars,
            output_micro_dollars: self.price.usage(0, 0, output).micro_dollars,
        }
    }

    fn ask<'a>(&'a self, request: &'a ModelRequest) -> Pieces<'a> {
        let opened = async move {
            let options = self.options();
            let chat = request::chat(request);
            self.client
                .exec_chat_stream(self.target(), chat, Some(&options))
                .await
                .map(|response| pieces::pieces(self.provider, self.price, response.stream))
                .map_err(|error| pieces::Broken::Genai(Box::new(error)))
        };
        stream::once(opened)
            .try_flatten()
            .map_err(|broken| self.failure(broken, request))
            .boxed()
    }
}

impl Remote {
    fn target(&self) -> ServiceTarget {
        // Servers of one's own often want no key, but the libraries insist on one.
        let key = self.key.as_ref().map_or("none", |key| key.expose_secret());
        ServiceTarget {
            endpoint: Endpoint::from_owned(Arc::from(self.base_url.as_str())),
            auth: AuthData::from_single(key),
            model: ModelIden::new(self.provider.adapter(), self.model.as_str()),
        }
    }

    fn options(&self) -> ChatOptions {
        let options = ChatOptions::default()
            .with_capture_usage(true)
            .with_max_tokens(self.max_tokens);
        match self.temperature {
            Some(temperature) => options.with_temperature(temperature),
            None => options,
        }
    }

    fn failure(&self, broken: pieces::Broken, request: &ModelRequest) -> Failure {
        let mut failure = match broken {
            pieces::Broken::Genai(error) => failure::classify(&error),
            pieces::Broken::Cut => Failure::new(
                ModelErrorKind::Cut,
                "the stream closed without the provider's last event",
            ),
        };
        let key = self.key.as_ref().map(ExposeSecret::expose_secret);
        failure.error.detail = failure::presentable(&failure.error.detail, key, request);
        failure
    }
}

/// The HTTP client of every provider. Follows no redirects: they could carry a key elsewhere.
///
/// # Errors
/// What is wrong with this machine's certificates, for the operator.
pub(crate) fn client() -> Result<Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| error.to_string())?
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .referer(false)
        .tcp_nodelay(true)
        .build()
        .map_err(|error| error.to_string())?;
    Client::builder()
        .with_reqwest(client)
        .build()
        .map_err(|error| error.to_string())
}
