//! One signed request to S3, tried again like those of the SDK's own clients.

use std::fmt;

use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_smithy_runtime::client::orchestrator::endpoints::StaticUriEndpointResolver;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime::client::retries::strategy::StandardRetryStrategy;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::endpoint::EndpointResolverParams;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::config_bag::{FrozenLayer, Layer};
use aws_types::region::SigningRegion;
use aws_types::{SdkConfig, SigningName};

/// A request in, the body of its answer out.
pub(super) type Call = Operation<HttpRequest, Vec<u8>, Refused>;

/// S3 answered with this status and these first characters of a body, in which it names the error.
#[derive(Debug)]
pub(super) struct Refused(u16, String);

/// How much of S3's answer an error quotes, in characters.
const QUOTED: usize = 300;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(status, body) = self;
        write!(f, "S3 answered {status}: {body}")
    }
}

impl std::error::Error for Refused {}

/// Calls of the bucket at `url`, by whom and with the timeouts and retries that `config` says. The body is
/// part of the signature, so one that changed on the way is refused.
pub(super) fn call(config: &SdkConfig, url: &str) -> Call {
    let plugin = StaticRuntimePlugin::new()
        .with_config(settings(config))
        .with_runtime_components(components(config, url));
    Operation::builder()
        .service_name("s3")
        .operation_name("object")
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
    let said = String::from_utf8_lossy(body).chars().take(QUOTED).collect();
    let refused = Refused(response.status().as_u16(), said);
    Err(OrchestratorError::operation(refused))
}

fn settings(config: &SdkConfig) -> FrozenLayer {
    let mut options = SigningOptions::default();
    options.content_sha256_header = true;
    options.double_uri_encode = false;
    options.normalize_uri_path = false;
    let signing = SigV4OperationSigningConfig {
        name: Some(SigningName::from_static("s3")),
        region: config.region().cloned().map(SigningRegion::from),
        signing_options: options,
        ..SigV4OperationSigningConfig::default()
    };
    let mut layer = Layer::new("s3");
    layer.store_put(signing);
    layer.store_put(EndpointResolverParams::new(()));
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_or_unset(config.retry_config().cloned());
    layer.store_or_unset(config.timeout_config().cloned());
    layer.freeze()
}

fn components(config: &SdkConfig, url: &str) -> RuntimeComponentsBuilder {
    let by_signature = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let components = RuntimeComponentsBuilder::new("s3")
        .with_http_client(config.http_client())
        .with_sleep_impl(config.sleep_impl())
        .with_time_source(config.time_source())
        .with_endpoint_resolver(Some(StaticUriEndpointResolver::uri(url)))
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(by_signature))
        .with_retry_strategy(Some(StandardRetryStrategy::new()))
        .with_retry_classifier(HttpStatusCodeClassifier::default())
        .with_retry_classifier(TransientErrorClassifier::<Refused>::new());
    match config.credentials_provider() {
        Some(who) => components.with_identity_resolver(SCHEME_ID, who),
        None => components,
    }
}
