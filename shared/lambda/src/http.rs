//! HTTP requests as API Gateway hands them over, in payload format 2.0.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::error::Error;
use http::{HeaderValue, StatusCode, Uri, header};
use lambda_http::Body;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use surface::{Problem, Request, Response};

use crate::failure::parse;
use crate::invoke::serve_raw;

/// Serves requests of an HTTP API until Lambda ends the process.
///
/// # Errors
/// When the runtime API fails.
pub async fn serve_http(
    handle: impl AsyncFn(Request) -> Result<Response, Error>,
) -> Result<(), crate::Error> {
    serve_raw(async |payload: &str| {
        let answer = match request(parse(payload)?) {
            // An engine's failure is logged where it becomes a problem document.
            Ok(request) => handle(request)
                .await
                .unwrap_or_else(|error| Problem::from(error).response()),
            Err(problem) => problem.response(),
        };
        Ok(response(answer))
    })
    .await
}

fn request(event: ApiGatewayV2httpRequest) -> Result<Request, Problem> {
    let malformed = |code, detail| Problem::new(StatusCode::BAD_REQUEST, code, detail);
    let mut target = event.raw_path.unwrap_or_default();
    if let Some(query) = event.raw_query_string.filter(|query| !query.is_empty()) {
        target = format!("{target}?{query}");
    }
    let uri: Uri = target
        .parse()
        .map_err(|_| malformed("invalid_path", "the path is not a URL's"))?;
    let body = match event.body {
        Some(body) if event.is_base64_encoded => BASE64_STANDARD
            .decode(body)
            .map_err(|_| malformed("body_cut", "the body is not whole"))?,
        body => body.unwrap_or_default().into_bytes(),
    };
    let mut request = Request::new(body);
    *request.uri_mut() = uri;
    *request.method_mut() = event.request_context.http.method;
    *request.headers_mut() = event.headers;
    let name = event.request_context.domain_name;
    if let Some(name) = name.and_then(|name| HeaderValue::try_from(name).ok()) {
        request.headers_mut().entry(header::HOST).or_insert(name);
    }
    Ok(request)
}

fn response(response: Response) -> ApiGatewayV2httpResponse {
    let (head, body) = response.into_parts();
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = head.status.as_u16().into();
    answer.headers = head.headers;
    match String::from_utf8(body) {
        Ok(text) => answer.body = Some(Body::Text(text)),
        Err(binary) => {
            answer.is_base64_encoded = true;
            answer.body = Some(Body::Binary(binary.into_bytes()));
        }
    }
    answer
}
