//! Signs of people that they know what they were told: any message in the session where they were.

use super::{Round, Run};
use crate::error::Error;
use crate::notify::{Notices, sign};
use crate::session::SessionKey;
use crate::transcript::{Decision, Taken};

impl Run {
    /// Takes the round's messages for signs, where the person behind the session was told something; gives what they
    /// are answered who wrote nothing but `ok 4821`.
    pub(super) async fn signs(
        &self,
        key: &SessionKey,
        round: &Round,
    ) -> Result<Option<Decision>, Error> {
        let said: Vec<&Taken> = round
            .messages
            .iter()
            .filter(|message| message.origin.is_contact() && !message.repeat)
            .collect();
        if said.is_empty() {
            return Ok(None);
        }
        let bot = self.crew.staff(key.tenant(), key.bot()).await?.bot;
        let Some((person, _)) = bot.people.behind(key) else {
            return Ok(None);
        };
        let notices = Notices::from(&self.desk);
        let awaited = notices.awaited(key.tenant(), key.bot(), person).await?;
        let mut known = Vec::new();
        for waiting in awaited {
            let meant = said.iter().any(|message| match sign(&message.text) {
                Some(code) => code == waiting.code,
                None => waiting.channel == key.channel() && message.at >= waiting.at,
            });
            if meant && !known.contains(&waiting.code) {
                let tenant = key.tenant();
                notices.acknowledge(tenant, &waiting.notice, person).await?;
                known.push(waiting.code);
            }
        }
        let only_signs = said.iter().all(|message| {
            sign(&message.text).is_some_and(|code| known.iter().any(|known| known == code))
        });
        Ok(only_signs.then(|| Decision::Reply {
            text: "Thank you, noted.".to_owned(),
            by: None,
        }))
    }
}
