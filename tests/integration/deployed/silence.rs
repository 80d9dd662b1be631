//! Time that passes for a session in which nothing is heard.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use engine::message::Channel;
use engine::session::SessionKey;
use serde_json::json;
use tokio::task::spawn_blocking;

use super::stack::Stack;
use crate::kill::people::Silence;

/// After so long without a silence something was heard.
const BREAK: Duration = Duration::from_secs(8);

/// How long a session has been silent, in silences one after the other.
struct Silent {
    last: Instant,
    count: u32,
    /// How many of them end the lease.
    enough: u32,
}

impl Silent {
    /// Another silence; whether it was the last that a hold may keep. Each hold may keep twice as many as the one
    /// before it, so that a slow machine gets somewhere.
    fn is_enough(&mut self) -> bool {
        if self.last.elapsed() > BREAK {
            (self.count, self.enough) = (0, 1);
        }
        self.last = Instant::now();
        self.count += 1;
        let is_enough = self.count >= self.enough;
        if is_enough {
            (self.count, self.enough) = (0, self.enough * 2);
        }
        is_enough
    }
}

/// The lease of a silent session ends, as if its 75 seconds were over: whoever held it was killed, and if not, it finds
/// that it holds it no more.
pub(super) fn time_passes(stack: &Arc<Stack>, bot: &'static str) -> Silence {
    let stack = Arc::clone(stack);
    let silent: Mutex<HashMap<String, Silent>> = Mutex::default();
    Arc::new(move |name: &str| {
        let is_enough = {
            let mut silent = silent.lock().unwrap();
            let fresh = || Silent {
                last: Instant::now(),
                count: 0,
                enough: 1,
            };
            let silent = silent.entry(name.to_owned()).or_insert_with(fresh);
            silent.is_enough()
        };
        if !is_enough {
            return Box::pin(std::future::ready(()));
        }
        let key = match name.strip_prefix("sms:%2B") {
            Some(number) => SessionKey::new("acme", bot, Channel::Sms, &format!("+{number}")),
            None => SessionKey::new("acme", bot, Channel::Web, name),
        };
        let update = json!({
            "TableName": stack.output("Table"),
            "Key": { "pk": { "S": format!("session/{}", key.unwrap()) }, "sk": { "S": "turns" } },
            "UpdateExpression": "SET lease = :past",
            "ConditionExpression": "attribute_exists(#owner)",
            "ExpressionAttributeNames": { "#owner": "owner" },
            "ExpressionAttributeValues": { ":past": { "N": "1" } },
        });
        let stack = Arc::clone(&stack);
        // Refused where nobody holds it.
        let update = spawn_blocking(move || stack.ministack.dynamodb("UpdateItem", &update));
        Box::pin(async move { drop(update.await) })
    })
}
