//! `POST …/token`: a site's back end gets a token for one session, to hand to a browser.

use std::sync::Arc;

use engine::runtime::Time;
use engine::turn::Bots;
use http::StatusCode;
use http::request::Parts;
use schemars::JsonSchema;
use serde::Serialize;

use crate::response::{answer, json};
use crate::{Access, Problem, Response, Right};

/// Gives tokens out.
#[derive(Clone)]
pub struct Granting {
    /// Who may have one, and what signs it.
    pub access: Arc<Access>,
    /// Finds bots.
    pub bots: Arc<dyn Bots>,
}

/// A token for one session.
#[derive(Serialize, JsonSchema)]
pub struct Granted {
    /// Sent like a key; lets its bearer write and read in this session, and nothing else.
    token: String,
    /// When it runs out.
    expires: Time,
}

impl Granting {
    /// `POST …/token`
    pub async fn post<B>(&self, request: http::Request<B>) -> Response {
        let (head, _) = request.into_parts();
        answer(self.grant(&head).await)
    }

    async fn grant(&self, head: &Parts) -> Result<Response, Problem> {
        let key = self
            .access
            .session(&*self.bots, &head.uri, &head.headers, Right::Grant)
            .await?;
        let (token, expires) = self.access.issue(&key);
        json(StatusCode::CREATED, &Granted { token, expires })
    }
}
