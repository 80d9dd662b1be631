//! `confab sessions`: a bot's conversations.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use embedded::SessionSummary;
use engine::runtime::Time;
use engine::transcript::Transcripts;
use serde_json::{Value, json};

use super::Place;
use super::columns::Side;
use super::conversations::{Conversations, state};
use super::failure::Failure;
use super::screen::Screen;
use super::wording::{dollars, moment, plain};
use crate::assemble::Env;

/// List a bot's conversations
#[derive(Args)]
pub(super) struct Sessions {
    #[command(flatten)]
    place: Place,
    /// The most to list, newest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

struct Listed {
    summary: SessionSummary,
    last_activity: Option<Time>,
}

impl Sessions {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        super::on_tokio(self.list(screen, env))
    }

    async fn list(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let conversations = Conversations::open(&self.place, env)?;
        let mut listed = Vec::new();
        for summary in conversations.list(self.limit)? {
            let last_activity = last_activity(&conversations, &summary).await?;
            listed.push(Listed {
                summary,
                last_activity,
            });
        }
        if screen.is_json() {
            let sessions: Vec<Value> = listed.iter().map(document).collect();
            return Ok(screen.document(&sessions)?);
        }
        let titles = [
            ("SESSION", Side::Left),
            ("MESSAGES", Side::Right),
            ("TURNS", Side::Right),
            ("SPENT", Side::Right),
            ("STATE", Side::Left),
            ("LAST ACTIVITY", Side::Left),
        ];
        let bots: BTreeSet<(&str, &str)> = listed.iter().map(bot).collect();
        let rows = listed.iter().map(|session| row(session, bots.len()));
        Ok(screen.table(titles, rows)?)
    }
}

fn bot(session: &Listed) -> (&str, &str) {
    (session.summary.key.tenant(), session.summary.key.bot())
}

/// One bot's sessions are called by their short names.
fn row(listed: &Listed, bots: usize) -> [String; 6] {
    let SessionSummary { key, session } = &listed.summary;
    let name = if bots == 1 { key.id() } else { key.as_str() };
    [
        plain(name),
        session.arrivals.to_string(),
        session.delivered.to_string(),
        dollars(session.spent),
        state(session),
        listed.last_activity.map(moment).unwrap_or_default(),
    ]
}

fn document(listed: &Listed) -> Value {
    let SessionSummary { key, session } = &listed.summary;
    json!({
        "session": key,
        "tenant": key.tenant(),
        "bot": key.bot(),
        "channel": key.channel(),
        "contact": key.contact(),
        "messages": session.arrivals,
        "turns": session.delivered,
        "spent_micro_dollars": session.spent,
        "tokens": session.tokens,
        "pending": session.inbox.len(),
        "state": state(session),
        "last_activity": listed.last_activity.map(|time| time.to_string()),
    })
}

/// When the newest turn was decided or the newest message accepted, whichever is later.
async fn last_activity(
    conversations: &Conversations,
    summary: &SessionSummary,
) -> Result<Option<Time>, engine::error::Error> {
    let accepted = summary.session.inbox.iter().map(|message| message.at).max();
    let Some(newest) = summary.session.newest() else {
        return Ok(accepted);
    };
    let records = conversations
        .store()
        .since(&summary.key, newest.turn)
        .await?;
    let decided = records
        .iter()
        .map(|record| record.at.plus(Duration::from_millis(record.millis)))
        .max();
    Ok(accepted.max(decided))
}
