//! What the host's environment says about providers: keys, addresses, a region.

use std::collections::BTreeMap;

use engine::secret::Secret;
use secrecy::ExposeSecret;

use crate::provider::Provider;

#[cfg(test)]
pub(crate) mod tests;

/// Keys and addresses of the providers, read once when the host starts.
#[derive(Debug, Default)]
pub struct Environment {
    keys: BTreeMap<Provider, Secret>,
    base_urls: BTreeMap<Provider, String>,
    aws_region: Option<String>,
}

impl Environment {
    /// Reads keys through `secret`, and through `address` what says where they are sent: the variable's name and the
    /// key's. What both give is the operator's word, not a bot's.
    ///
    /// Keys are `ANTHROPIC_API_KEY`, `OPENAI_API_KEY`, `GEMINI_API_KEY`,
    /// `AWS_BEARER_TOKEN_BEDROCK`; variables `ANTHROPIC_BASE_URL`, `OPENAI_BASE_URL`, `GEMINI_BASE_URL`,
    /// `OLLAMA_BASE_URL`, `BEDROCK_BASE_URL`; `AWS_REGION`, else `AWS_DEFAULT_REGION`. An empty
    /// one counts as absent.
    pub fn from_lookup(
        secret: impl Fn(&str) -> Option<Secret>,
        address: impl Fn(&str, Option<&str>) -> Option<String>,
    ) -> Self {
        let read = |name: &str, key: Option<&str>| {
            address(name, key)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let key = |name: &str| {
            let key = secret(name)?.map(|value| value.trim().to_owned());
            (!key.kept().expose_secret().is_empty()).then_some(key)
        };
        let mut environment = Self::default();
        for provider in Provider::ALL {
            if let Some(key) = provider.key_variable().and_then(key) {
                environment.keys.insert(provider, key);
            }
            if let Some(url) = read(provider.base_url_variable(), provider.key_variable()) {
                environment.base_urls.insert(provider, url);
            }
        }
        let region = |name| read(name, Provider::Bedrock.key_variable());
        environment.aws_region = region("AWS_REGION").or_else(|| region("AWS_DEFAULT_REGION"));
        environment
    }

    pub(crate) fn key(&self, provider: Provider) -> Option<&Secret> {
        self.keys.get(&provider)
    }

    pub(crate) fn base_url(&self, provider: Provider) -> Option<&str> {
        self.base_urls.get(&provider).map(String::as_str)
    }

    pub(crate) fn aws_region(&self) -> Option<&str> {
        self.aws_region.as_deref()
    }
}
