//! Carriers' webhooks: verified on the raw body before anything is parsed.

use std::sync::Arc;

use channels::{Owner, Received, twilio as sms, whatsapp as wa};
use engine::bot::{Bot, TwilioSettings, WhatsappSettings};
use engine::goal::{self, Unreached};
use engine::message::{Arrival, Channel, DeliveryState, Reference};
use engine::tool::Secrets;
use engine::turn::{Bots, Intake};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};

use crate::body::{self, Body};
use crate::{Problem, Response, path, response};

/// Takes in what carriers deliver.
#[derive(Clone)]
pub struct Webhooks {
    /// Finds bots.
    pub bots: Arc<dyn Bots>,
    /// Gives what carriers sign with.
    pub secrets: Arc<dyn Secrets>,
    /// Takes messages and reports in.
    pub intake: Intake,
    /// Ends goals that nobody heard of.
    pub unreached: Unreached,
}

/// The bot that a webhook's path names.
struct Called {
    tenant: String,
    name: String,
    bot: Arc<Bot>,
}

impl Webhooks {
    /// `POST /webhooks/twilio/{tenant}/{bot}`
    pub async fn twilio(&self, request: http::Request<impl Body>) -> Response {
        let (head, body) = request.into_parts();
        response::answer(self.take_sms(&head, body).await)
    }

    /// `POST /webhooks/whatsapp/{tenant}/{bot}`, and `GET`, by which Meta makes sure that it is us.
    pub async fn whatsapp(&self, request: http::Request<impl Body>) -> Response {
        let (head, body) = request.into_parts();
        response::answer(match head.method {
            Method::GET | Method::HEAD => self.challenge(&head).await,
            Method::POST => self.take_whatsapp(&head, body).await,
            _ => Err(Problem::no_such_method()),
        })
    }

    async fn take_sms(&self, head: &Parts, body: impl Body) -> Result<Response, Problem> {
        let called = self.called(head).await?;
        let settings = called.bot.channels.twilio.as_ref();
        let settings = settings.ok_or_else(|| not_configured(Channel::Sms))?;
        let auth_token = self
            .secrets
            .secret(&called.tenant, &settings.auth_token)
            .await?;
        let body = body::read(&head.headers, body, sms::MAX_BODY).await?;
        let call = sms::Webhook {
            url: &signed_url(settings, head),
            signature: text(&head.headers, "x-twilio-signature"),
            body: &body,
        };
        let received = sms::receive(&call, called.owner(), auth_token.kept())?;
        self.take(&called, received).await?;
        Ok(response::of(StatusCode::OK, "text/xml", "<Response/>"))
    }

    async fn take_whatsapp(&self, head: &Parts, body: impl Body) -> Result<Response, Problem> {
        let called = self.called(head).await?;
        let settings = called.whatsapp()?;
        let app_secret = self
            .secrets
            .secret(&called.tenant, &settings.app_secret)
            .await?;
        let body = body::read(&head.headers, body, wa::MAX_BODY).await?;
        let call = wa::Webhook {
            signature: text(&head.headers, "x-hub-signature-256"),
            body: &body,
        };
        let number = &settings.phone_number_id;
        let received = wa::receive(&call, called.owner(), number, app_secret.kept())?;
        self.take(&called, received).await?;
        Ok(response::of(StatusCode::OK, PLAIN, ""))
    }

    async fn challenge(&self, head: &Parts) -> Result<Response, Problem> {
        let called = self.called(head).await?;
        let name = &called.whatsapp()?.verify_token;
        let verify_token = self.secrets.secret(&called.tenant, name).await?;
        let echo = wa::challenge(head.uri.query().unwrap_or_default(), verify_token.kept())?;
        Ok(response::of(StatusCode::OK, PLAIN, echo))
    }

    async fn called(&self, head: &Parts) -> Result<Called, Problem> {
        let [tenant, name] = path::bot(&head.uri)?;
        let bot = self.bots.find(&tenant, &name).await?;
        Ok(Called { tenant, name, bot })
    }

    async fn take(&self, called: &Called, received: Received) -> Result<(), Problem> {
        let Called { tenant, name, bot } = called;
        if received.skipped > 0 {
            tracing::warn!(
                tenant,
                bot = name,
                skipped = received.skipped,
                "a webhook held messages without id or sender"
            );
        }
        if goal::may_have(bot) {
            for arrival in &received.arrivals {
                self.hear(arrival).await?;
            }
        }
        Ok(self.intake.receive(tenant, name, received.arrivals).await?)
    }

    /// Takes note of words that came to nobody.
    async fn hear(&self, arrival: &Arrival) -> Result<(), Problem> {
        let Arrival::Status(status) = arrival else {
            return Ok(());
        };
        if status.state != DeliveryState::Failed {
            return Ok(());
        }
        let Reference { session, turn, .. } = &status.reference;
        let why = status.error.as_deref();
        let why = why.unwrap_or("the carrier gave no reason");
        Ok(self.unreached.note(session, *turn, why).await?)
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

impl Called {
    fn owner(&self) -> Owner<'_> {
        Owner {
            tenant: &self.tenant,
            bot: &self.name,
        }
    }

    fn whatsapp(&self) -> Result<&WhatsappSettings, Problem> {
        let settings = self.bot.channels.whatsapp.as_ref();
        settings.ok_or_else(|| not_configured(Channel::Whatsapp))
    }
}

fn not_configured(channel: Channel) -> Problem {
    let detail = format!("the bot has no account on {channel}; add [channels] to its bot.toml");
    Problem::new(StatusCode::NOT_FOUND, "channel_not_configured", detail)
}

/// The URL that Twilio called and signed.
fn signed_url(settings: &TwilioSettings, head: &Parts) -> String {
    let path = head.uri.path_and_query().map_or("", |path| path.as_str());
    match &settings.public_url {
        Some(public_url) => format!("{}{path}", public_url.trim_end_matches('/')),
        None => {
            let scheme = text(&head.headers, "x-forwarded-proto").unwrap_or("http");
            let host = text(&head.headers, header::HOST.as_str()).unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
