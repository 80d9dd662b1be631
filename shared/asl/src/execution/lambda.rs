//! What `lambda:invoke` sends, and what it answers around a function's payload.

use engine::runtime::Entropy;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::uuid::uuid;

/// What the function is called with: nothing is an empty object, and a text is taken for JSON.
pub(super) fn payload(payload: Option<Value>) -> Result<Value, Failure> {
    match payload {
        None | Some(Value::Null) => Ok(Value::Object(Map::new())),
        Some(Value::String(text)) => serde_json::from_str(&text).map_err(|error| {
            Failure::new(
                "Lambda.InvalidRequestContentException",
                format!(
                    "Could not parse request body into json: {error} (Service: Lambda, Status Code: 400)"
                ),
            )
        }),
        Some(value) => Ok(value),
    }
}

/// The response of the Lambda API, as far as it means something on one machine.
pub(super) fn response(payload: Value, entropy: &dyn Entropy) -> Value {
    let mut response = json!({
        "ExecutedVersion": "$LATEST",
        "Payload": null,
        "SdkHttpMetadata": { "HttpStatusCode": 200 },
        "SdkResponseMetadata": { "RequestId": uuid(entropy) },
        "StatusCode": 200,
    });
    response["Payload"] = payload;
    response
}
