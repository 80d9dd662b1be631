//! The clients of the services, from the environment that Lambda gives a function.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use engine::runtime::Runtime;

use crate::approvals::ApprovalMachine;
use crate::bodies::Bodies;
use crate::call::{Bucket, Service};
use crate::events::EventBus;
use crate::machine::TurnMachine;
use crate::notices::NoticeMachine;
use crate::parked::Parked;
use crate::reminders::ReminderMachine;
use crate::runs::WorkflowMachines;
use crate::secrets::Vault;

/// Tries of one call, the first included.
const TRIES: u32 = 4;
/// The longest pause before the second try; each next one may be twice as long.
const PAUSE: Duration = Duration::from_millis(50);
/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// How long one try may take.
const TRY: Duration = Duration::from_secs(5);

/// A variable of the environment is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is not set")]
pub struct Unset(pub &'static str);

/// Where the services are and who asks.
#[derive(Clone, Debug)]
pub struct Cloud(SdkConfig);

impl Cloud {
    /// Reads `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and, for
    /// emulators, `AWS_ENDPOINT_URL` through `lookup`. Lambda sets all but the last, and starts a new
    /// process before they run out.
    ///
    /// # Errors
    /// [`Unset`] names the variable that is missing.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Unset> {
        let needed = |name: &'static str| lookup(name).ok_or(Unset(name));
        let credentials = Credentials::from_keys(
            needed("AWS_ACCESS_KEY_ID")?,
            needed("AWS_SECRET_ACCESS_KEY")?,
            lookup("AWS_SESSION_TOKEN"),
        );
        let http = Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(TRY)
            .build();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(needed("AWS_REGION")?))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .time_source(SharedTimeSource::new(SystemTimeSource::new()))
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(TRIES)
                    .with_initial_backoff(PAUSE),
            )
            .timeout_config(timeouts);
        config.set_endpoint_url(lookup("AWS_ENDPOINT_URL"));
        Ok(Self(config.build()))
    }

    /// Opens a connection to `DynamoDB`, for the first call to use. It asks something under a name that
    /// nobody has: the refusal costs nothing, needs no right and shows in nobody's logs.
    pub async fn connect(&self) {
        let stranger = Credentials::from_keys("stranger", "stranger", None);
        let config = aws_sdk_dynamodb::config::Builder::from(&self.0)
            .credentials_provider(stranger)
            .retry_config(RetryConfig::disabled());
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        // Whatever it answers, the connection is open, or the first call finds out why not.
        drop(client.describe_endpoints().send().await);
    }

    /// Speaks with `DynamoDB`.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.0)
    }

    /// Long bodies in the bucket `name`.
    #[must_use]
    pub fn bodies(&self, name: &str) -> Bodies {
        Bodies(Bucket::new(&self.0, name))
    }

    /// Parked turns in the queue with the URL `queue`.
    #[must_use]
    pub fn parked(&self, queue: String) -> Parked {
        let service = Service::new(&self.0, "sqs", "application/x-amz-json-1.0");
        Parked { service, queue }
    }

    /// Events on the bus `name`, of which workflows wait for those called as in `wanted`.
    #[must_use]
    pub fn events(&self, name: String, wanted: BTreeSet<String>) -> EventBus {
        let service = Service::new(&self.0, "events", "application/x-amz-json-1.1");
        EventBus {
            service,
            name,
            wanted,
        }
    }

    /// Turns as executions of the state machine `arn`.
    #[must_use]
    pub fn turns(&self, arn: String) -> TurnMachine {
        let service = Service::new(&self.0, "states", "application/x-amz-json-1.0");
        TurnMachine { service, arn }
    }

    /// Questions to people as executions of the state machine `arn`; without it they can only be answered.
    #[must_use]
    pub fn approvals(&self, arn: Option<String>) -> ApprovalMachine {
        let service = Service::new(&self.0, "states", "application/x-amz-json-1.0");
        ApprovalMachine { service, arn }
    }

    /// Notices that executions of the state machine `arn` see through.
    #[must_use]
    pub fn notices(&self, arn: String) -> NoticeMachine {
        let service = Service::new(&self.0, "states", "application/x-amz-json-1.0");
        NoticeMachine { service, arn }
    }

    /// Reminders whose time executions of the state machine `arn` wait for.
    #[must_use]
    pub fn reminders(&self, arn: String) -> ReminderMachine {
        let service = Service::new(&self.0, "states", "application/x-amz-json-1.0");
        ReminderMachine { service, arn }
    }

    /// Runs as executions of the state machines whose ARNs are `prefix` and a workflow's name.
    #[must_use]
    pub fn workflows(&self, prefix: String) -> WorkflowMachines {
        let service = Service::new(&self.0, "states", "application/x-amz-json-1.0");
        WorkflowMachines { service, prefix }
    }

    /// The secret `id`, by name or ARN.
    #[must_use]
    pub fn vault(&self, id: String, runtime: Runtime) -> Vault {
        let service = Service::new(&self.0, "secretsmanager", "application/x-amz-json-1.1");
        Vault::new(service, id, runtime)
    }

    /// Speaks with the connections of the WebSocket stage at `endpoint`.
    #[must_use]
    pub fn sockets(&self, endpoint: &str) -> aws_sdk_apigatewaymanagement::Client {
        let config = aws_sdk_apigatewaymanagement::config::Builder::from(&self.0);
        aws_sdk_apigatewaymanagement::Client::from_conf(config.endpoint_url(endpoint).build())
    }
}
