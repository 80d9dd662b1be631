use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region;
use serde_json::{Value, json};

use super::*;

/// Answers each request with the next of these, and keeps what was asked.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    answers: Arc<Mutex<Vec<(u16, &'static str)>>>,
    pub(crate) asked: Arc<Mutex<Vec<HttpRequest>>>,
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

pub(crate) fn config(region: &'static str, answers: &[(u16, &'static str)]) -> (Script, SdkConfig) {
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
    (script, config)
}

const KEY: &str = "bodies/items/1/2";

#[tokio::test]
async fn a_body_is_sent_signed_and_tried_again() {
    let (script, config) = config("eu-central-1", &[(503, "SlowDown"), (200, "")]);
    let bucket = Bucket::new(&config, "bucket");
    bucket.put(KEY, b"text".to_vec()).await.unwrap();
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
    let (script, config) = config("cn-north-1", &[(200, "text")]);
    let bucket = Bucket::new(&config, "bucket");
    assert_eq!(bucket.get(KEY).await.unwrap(), b"text");
    let asked = script.asked.lock().unwrap();
    let host = "https://bucket.s3.cn-north-1.amazonaws.com.cn/";
    assert!(asked[0].uri().starts_with(host));
}

#[tokio::test]
async fn a_refusal_says_what_the_service_said() {
    let refusal = "<Error><Code>NoSuchKey</Code></Error>";
    let (_, config) = config("eu-central-1", &[(404, refusal)]);
    let error = Bucket::new(&config, "bucket").get(KEY).await.unwrap_err();
    let chain = format!("{}", DisplayErrorContext(&*error));
    assert!(chain.contains("status 404"), "{chain}");
    assert!(chain.contains("NoSuchKey"), "{chain}");
}

#[tokio::test]
async fn an_operation_is_named_by_a_header_and_tried_again_when_throttled() {
    let throttled = r#"{"__type":"com.amazonaws.sqs#ThrottlingException","message":"slower"}"#;
    let (script, config) = config(
        "us-east-1",
        &[(400, throttled), (200, r#"{"MessageId":"1"}"#)],
    );
    let queues = Service::new(&config, "sqs", "application/x-amz-json-1.0");
    let input = json!({"MessageBody": "text"});
    let answer: Value = queues.ask("AmazonSQS.SendMessage", &input).await.unwrap();
    assert_eq!(answer, json!({"MessageId": "1"}));
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    let again = asked.last().unwrap();
    assert_eq!(
        (again.method(), again.uri()),
        ("POST", "https://sqs.us-east-1.amazonaws.com/")
    );
    let header = |name| again.headers().get(name).unwrap();
    assert_eq!(header("x-amz-target"), "AmazonSQS.SendMessage");
    assert_eq!(header("content-type"), "application/x-amz-json-1.0");
    assert!(header("authorization").contains("/us-east-1/sqs/aws4_request"));
    assert_eq!(
        again.body().bytes(),
        Some(br#"{"MessageBody":"text"}"#.as_slice())
    );
}

#[tokio::test]
async fn what_another_try_cannot_help_is_not_tried_again() {
    let refusal = r#"{"__type":"ResourceNotFoundException"}"#;
    let (script, config) = config("us-east-1", &[(400, refusal)]);
    let secrets = Service::new(&config, "secretsmanager", "application/x-amz-json-1.1");
    let target = "secretsmanager.GetSecretValue";
    assert!(secrets.ask::<Value>(target, &json!({})).await.is_err());
    assert_eq!(script.asked.lock().unwrap().len(), 1);
}
