//! Signed requests to services of which one or two operations are needed, tried again like those of the SDK's
//! clients. Those bring a hundred operations' worth of endpoints, checksums and error types along.

use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::endpoints::StaticUriEndpointResolver;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime::client::retries::strategy::StandardRetryStrategy;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::endpoint::EndpointResolverParams;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{FrozenLayer, Layer};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::region::SigningRegion;
use aws_types::{SdkConfig, SigningName};
use serde::Serialize;
use serde::de::DeserializeOwned;

mod refused;
#[cfg(test)]
pub(crate) mod tests;

use refused::Refused;

/// Whether the service refused with the error `name`, whatever wraps that.
pub(crate) fn refused_as(error: &BoxError, name: &str) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&**error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return refused.code() == Some(name);
        }
        cause = error.source();
    }
    false
}

/// A request in, the body of its answer out.
type Call = Operation<HttpRequest, Vec<u8>, Refused>;

/// A bucket of S3, where objects lie under their keys.
#[derive(Clone, Debug)]
pub(crate) struct Bucket(Call);

impl Bucket {
    /// The bucket `name`. Emulators serve buckets by path.
    pub(crate) fn new(config: &SdkConfig, name: &str) -> Self {
        let url = match config.endpoint_url() {
            Some(url) => format!("{}/{name}", url.trim_end_matches('/')),
            None => address(config, &format!("{name}.s3")),
        };
        let mut signing = SigningOptions::default();
        signing.content_sha256_header = true;
        signing.double_uri_encode = false;
        signing.normalize_uri_path = false;
        Self(call(config, "s3", &url, signing))
    }

    /// Keeps `body` at `key`, which needs no escapes.
    pub(crate) async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), BoxError> {
        self.ask("PUT", key, body.into()).await.map(drop)
    }

    /// The body at `key`, which needs no escapes.
    pub(crate) async fn get(&self, key: &str) -> Result<Vec<u8>, BoxError> {
        self.ask("GET", key, SdkBody::empty()).await
    }

    async fn ask(&self, method: &str, key: &str, body: SdkBody) -> Result<Vec<u8>, BoxError> {
        let mut request = HttpRequest::new(body);
        request.set_method(method)?;
        request.set_uri(format!("/{key}"))?;
        Ok(self.0.invoke(request).await?)
    }
}

/// A service whose operations take and give JSON.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    call: Call,
    content: &'static str,
}

impl Service {
    /// The service at the host `name.region…`, which also signs under that name. `content` is the version of
    /// the protocol that it speaks.
    pub(crate) fn new(config: &SdkConfig, name: &'static str, content: &'static str) -> Self {
        let url = match config.endpoint_url() {
            Some(url) => url.to_owned(),
            None => address(config, name),
        };
        let call = call(config, name, &url, SigningOptions::default());
        Self { call, content }
    }

    /// Asks for `target`, such as `AmazonSQS.SendMessage`.
    pub(crate) async fn ask<O: DeserializeOwned>(
        &self,
        target: &'static str,
        input: &impl Serialize,
    ) -> Result<O, BoxError> {
        let mut request = HttpRequest::new(serde_json::to_vec(input)?.into());
        request.set_method("POST")?;
        request.set_uri("/")?;
        request.headers_mut().insert("content-type", self.content);
        request.headers_mut().insert("x-amz-target", target);
        let answer = self.call.invoke(request).await?;
        Ok(serde_json::from_slice(&answer)?)
    }
}

fn address(config: &SdkConfig, host: &str) -> String {
    let region = config.region().map_or("", AsRef::as_ref);
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://{host}.{region}.amazonaws.com{suffix}")
}

/// Calls of the service at `url`, by whom and with the timeouts and retries that `config` says. The body is
/// part of the signature, so one that changed on the way is refused.
fn call(config: &SdkConfig, name: &'static str, url: &str, signing: SigningOptions) -> Call {
    let plugin = StaticRuntimePlugin::new()
        .with_config(settings(config, name, signing))
        .with_runtime_components(components(config, url));
    Operation::builder()
        .service_name(name)
        .operation_name("call")
        .runtime_plugin(plugin)
        .with_connection_poisoning()
        .serializer(Ok)
        .deserializer(answer)
        .build()
}

fn answer(response: &HttpResponse) -> Result<Vec<u8>, OrchestratorError<Refused>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        return Ok(body.to_vec());
    }
    let refused = Refused::new(response.status().as_u16(), body);
    Err(OrchestratorError::operation(refused))
}

fn settings(config: &SdkConfig, name: &'static str, signing: SigningOptions) -> FrozenLayer {
    let mut layer = Layer::new(name);
    layer.store_put(SigV4OperationSigningConfig {
        name: Some(SigningName::from_static(name)),
        region: config.region().cloned().map(SigningRegion::from),
        signing_options: signing,
        ..SigV4OperationSigningConfig::default()
    });
    layer.store_put(EndpointResolverParams::new(()));
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_or_unset(config.retry_config().cloned());
    layer.store_or_unset(config.timeout_config().cloned());
    layer.freeze()
}

fn components(config: &SdkConfig, url: &str) -> RuntimeComponentsBuilder {
    let by_signature = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let components = RuntimeComponentsBuilder::new("call")
        .with_http_client(config.http_client())
        .with_sleep_impl(config.sleep_impl())
        .with_time_source(config.time_source())
        .with_endpoint_resolver(Some(StaticUriEndpointResolver::uri(url)))
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(by_signature))
        .with_retry_strategy(Some(StandardRetryStrategy::new()))
        .with_retry_classifier(HttpStatusCodeClassifier::default())
        .with_retry_classifier(TransientErrorClassifier::<Refused>::new())
        .with_retry_classifier(AwsErrorCodeClassifier::<Refused>::new());
    match config.credentials_provider() {
        Some(who) => components.with_identity_resolver(SCHEME_ID, who),
        None => components,
    }
}
