use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region;

use super::*;

/// Answers each request with the next of these, and keeps what was asked.
#[derive(Clone, Debug)]
struct Script {
    answers: Arc<Mutex<Vec<(u16, &'static str)>>>,
    asked: Arc<Mutex<Vec<HttpRequest>>>,
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.asked.lock().unwrap().push(request);
        let (status, body) = self.answers.lock().unwrap().remove(0);
        let status = status.try_into().unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}

impl HttpClient for Script {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn bodies(region: &'static str, answers: &[(u16, &'static str)]) -> (Script, Bodies) {
    let script = Script {
        answers: Arc::new(Mutex::new(answers.to_vec())),
        asked: Arc::default(),
    };
    let who = Credentials::from_keys("key", "secret", Some("session".to_owned()));
    let config = SdkConfig::builder()
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(who))
        .http_client(script.clone())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .timeout_config(TimeoutConfig::builder().build())
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(2)
                .with_initial_backoff(Duration::from_millis(1)),
        )
        .build();
    (script, Bodies::new(&config, "bucket"))
}

fn key() -> BodyKey {
    "bodies/items/1/2".parse().unwrap()
}

#[tokio::test]
async fn a_body_is_sent_signed_and_tried_again() {
    let (script, bodies) = bodies("eu-central-1", &[(503, "SlowDown"), (200, "")]);
    bodies.put(&key(), b"text".to_vec()).await.unwrap();
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    let again = asked.last().unwrap();
    assert_eq!(again.method(), "PUT");
    let url = "https://bucket.s3.eu-central-1.amazonaws.com/bodies/items/1/2";
    assert_eq!(again.uri(), url);
    assert_eq!(again.body().bytes(), Some(b"text".as_slice()));
    let header = |name| again.headers().get(name).unwrap();
    let sha256_of_text = "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1";
    assert_eq!(header("x-amz-content-sha256"), sha256_of_text);
    assert_eq!(header("x-amz-security-token"), "session");
    let signature = header("authorization");
    assert!(signature.contains("/eu-central-1/s3/aws4_request"));
    assert!(signature.contains("x-amz-content-sha256"));
}

#[tokio::test]
async fn a_body_is_read() {
    let (script, bodies) = bodies("cn-north-1", &[(200, "text")]);
    assert_eq!(bodies.get(&key()).await.unwrap(), b"text");
    let asked = script.asked.lock().unwrap();
    let host = "https://bucket.s3.cn-north-1.amazonaws.com.cn/";
    assert!(asked[0].uri().starts_with(host));
}

#[tokio::test]
async fn a_refusal_says_what_s3_said() {
    let refusal = "<Error><Code>NoSuchKey</Code></Error>";
    let (_, bodies) = bodies("eu-central-1", &[(404, refusal)]);
    let error = bodies.get(&key()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    let chain = error.chain().to_string();
    assert!(chain.contains("S3 answered 404"), "{chain}");
    assert!(chain.contains("NoSuchKey"), "{chain}");
}
