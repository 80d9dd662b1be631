//! Carriers' webhooks: verified on the raw body before anything is parsed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::IntoResponse;
use channels::{Owner, Received, WebhookError, twilio as sms, whatsapp as wa};
use engine::bot::{Bot, TwilioSettings, WhatsappSettings};
use engine::message::Channel;
use engine::turn::Bots as _;

use super::problem::Problem;
use super::{App, body};

type BotPath = Result<Path<(String, String)>, PathRejection>;

pub(super) async fn twilio(
    State(app): State<App>,
    path: BotPath,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let (tenant, name, bot) = app.bot(path).await?;
    let settings = bot
        .channels
        .twilio
        .as_ref()
        .ok_or_else(|| not_configured(Channel::Sms))?;
    let auth_token = app.host.secret(&tenant, &settings.auth_token).await?;
    let url = called(settings, &headers, &uri);
    let body = body::read(&headers, body, sms::MAX_BODY).await?;
    let signature = headers
        .get("x-twilio-signature")
        .and_then(|signature| signature.to_str().ok());
    let call = sms::Webhook {
        url: &url,
        signature,
        body: &body,
    };
    let received = sms::receive(
        &call,
        Owner {
            tenant: &tenant,
            bot: &name,
        },
        &auth_token,
    )?;
    app.take(&tenant, &name, received).await?;
    Ok(([(header::CONTENT_TYPE, "text/xml")], "<Response/>"))
}

pub(super) async fn whatsapp(
    State(app): State<App>,
    path: BotPath,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let (tenant, name, bot) = app.bot(path).await?;
    let settings = whatsapp_settings(&bot)?;
    let app_secret = app.host.secret(&tenant, &settings.app_secret).await?;
    let body = body::read(&headers, body, wa::MAX_BODY).await?;
    let signature = headers
        .get("x-hub-signature-256")
        .and_then(|signature| signature.to_str().ok());
    let call = wa::Webhook {
        signature,
        body: &body,
    };
    let received = wa::receive(
        &call,
        Owner {
            tenant: &tenant,
            bot: &name,
        },
        &settings.phone_number_id,
        &app_secret,
    )?;
    app.take(&tenant, &name, received).await?;
    Ok(StatusCode::OK)
}

pub(super) async fn whatsapp_challenge(
    State(app): State<App>,
    path: BotPath,
    RawQuery(query): RawQuery,
) -> Result<String, Problem> {
    let (tenant, _, bot) = app.bot(path).await?;
    let verify_token = app
        .host
        .secret(&tenant, &whatsapp_settings(&bot)?.verify_token)
        .await?;
    Ok(wa::challenge(&query.unwrap_or_default(), &verify_token)?)
}

impl App {
    async fn bot(&self, path: BotPath) -> Result<(String, String, Arc<Bot>), Problem> {
        let bad_path = |_| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_path",
                "the path is not UTF-8",
            )
        };
        let Path((tenant, name)) = path.map_err(bad_path)?;
        let bot = self.host.shelf().find(&tenant, &name).await?;
        Ok((tenant, name, bot))
    }

    async fn take(&self, tenant: &str, bot: &str, received: Received) -> Result<(), Problem> {
        if received.skipped > 0 {
            tracing::warn!(
                tenant,
                bot,
                skipped = received.skipped,
                "a webhook held messages without id or sender"
            );
        }
        Ok(self
            .host
            .intake()
            .receive(tenant, bot, received.arrivals)
            .await?)
    }
}

fn whatsapp_settings(bot: &Bot) -> Result<&WhatsappSettings, Problem> {
    bot.channels
        .whatsapp
        .as_ref()
        .ok_or_else(|| not_configured(Channel::Whatsapp))
}

fn not_configured(channel: Channel) -> Problem {
    let detail = format!("the bot has no account on {channel}; add [channels] to its bot.toml");
    Problem::new(StatusCode::NOT_FOUND, "channel_not_configured", detail)
}

/// The URL that Twilio called and signed.
fn called(settings: &TwilioSettings, headers: &HeaderMap, uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    match &settings.public_url {
        Some(public_url) => format!("{}{path}", public_url.trim_end_matches('/')),
        None => {
            let host = headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok())
                .unwrap_or_default();
            format!("http://{host}{path}")
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let (status, code) = match error {
            WebhookError::BadSignature(_) => (StatusCode::UNAUTHORIZED, "bad_signature"),
            WebhookError::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed_webhook"),
            WebhookError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
        };
        tracing::warn!(%error, "a webhook was refused");
        Self::new(status, code, error.to_string())
    }
}
