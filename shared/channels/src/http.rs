//! The engine's HTTP port on reqwest.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::http::{Http, HttpAnswer, HttpFailure, HttpRequest, Reach};
use reqwest::dns::Resolve;
use reqwest::redirect::Policy;
use reqwest::{Method, Response};
use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls_platform_verifier::BuilderVerifierExt as _;

mod guard;

use guard::{Beyond, Guard, System};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes requests over pooled connections. Follows no redirects; verifies TLS against the
/// system's roots. A request with a bounded [`Reach`] goes past any proxy, straight to an address within it.
#[derive(Clone, Debug)]
pub struct Client {
    public: reqwest::Client,
    private: reqwest::Client,
    anywhere: reqwest::Client,
}

/// The client cannot be built: the system has no usable TLS roots or name resolution.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up HTTPS: install the system's CA certificates ({0})")]
pub struct NoClient(String);

impl Client {
    /// A client with an empty pool.
    ///
    /// # Errors
    /// [`NoClient`] when TLS cannot be set up.
    pub fn new() -> Result<Self, NoClient> {
        Self::resolving(Arc::new(System))
    }

    /// A client to which `names` say where hosts are.
    fn resolving(names: Arc<dyn Resolve>) -> Result<Self, NoClient> {
        if CryptoProvider::get_default().is_none() {
            // Fails only when another thread was quicker; either way a provider is there.
            let _: Result<(), _> = ring::default_provider().install_default();
        }
        let tls = ClientConfig::builder().with_platform_verifier();
        // Reading the system's roots takes long, so they are read once.
        let mut tls = tls
            .map_err(|error| NoClient(error.to_string()))?
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let client = |reach| {
            let names = Arc::clone(&names);
            let client = reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .user_agent(concat!("confab/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(Guard { reach, names }));
            // A proxy would connect to where nobody here looks.
            let client = match reach {
                Reach::Public | Reach::Private => client.no_proxy(),
                Reach::Anywhere => client,
            };
            client.build().map_err(|error| NoClient(describe(error)))
        };
        Ok(Self {
            public: client(Reach::Public)?,
            private: client(Reach::Private)?,
            anywhere: client(Reach::Anywhere)?,
        })
    }

    fn reaching(&self, reach: Reach) -> &reqwest::Client {
        match reach {
            Reach::Public => &self.public,
            Reach::Private => &self.private,
            Reach::Anywhere => &self.anywhere,
        }
    }

    fn build(&self, request: HttpRequest) -> Result<reqwest::Request, HttpFailure> {
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| HttpFailure::NotSent("the method is not a token".to_owned()))?;
        let mut builder = self
            .reaching(request.reach)
            .request(method, &request.url)
            .timeout(request.timeout);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let built = builder
            .build()
            .map_err(|error| HttpFailure::NotSent(describe(error)))?;
        guard::check(built.url(), request.reach)
            .map_err(|Beyond(why)| HttpFailure::OffLimits(why))?;
        Ok(built)
    }
}

#[async_trait]
impl Http for Client {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        let (max_answer, reach) = (request.max_answer, request.reach);
        let request = self.build(request)?;
        let response = self.reaching(reach).execute(request).await;
        let response = response.map_err(failure)?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), value.into_owned())
            })
            .collect();
        let body = read_body(response, max_answer).await?;
        Ok(HttpAnswer {
            status,
            headers,
            body,
        })
    }
}

async fn read_body(mut response: Response, max: usize) -> Result<Vec<u8>, HttpFailure> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| HttpFailure::Unknown(describe(error)))?
    {
        if body.len() + chunk.len() > max {
            return Err(HttpFailure::Unknown(format!(
                "the answer is longer than {max} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failure(error: reqwest::Error) -> HttpFailure {
    let mut cause = error.source();
    while let Some(found) = cause {
        if let Some(Beyond(why)) = found.downcast_ref() {
            return HttpFailure::OffLimits(why.clone());
        }
        cause = found.source();
    }
    if error.is_connect() || error.is_builder() {
        HttpFailure::NotSent(describe(error))
    } else {
        HttpFailure::Unknown(describe(error))
    }
}

/// The error and its causes, without the URL: its query may hold a secret.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        let _: std::fmt::Result = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
