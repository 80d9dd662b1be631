//! Where a bot reaches people.

use crate::bot::{Bot, ChannelSettings, Person};
use crate::message::Channel;

impl ChannelSettings {
    /// Whether the bot answers on `channel`.
    #[must_use]
    pub fn has(&self, channel: Channel) -> bool {
        match channel {
            Channel::Web => true,
            Channel::Sms => self.twilio.is_some(),
            Channel::Whatsapp => self.whatsapp.is_some(),
            Channel::Run => false,
        }
    }
}

impl Bot {
    /// Where the bot speaks to a person: as they prefer, then on a phone, then on the web.
    #[must_use]
    pub fn way_to<'p>(&self, person: &'p Person) -> Option<(Channel, &'p str)> {
        let usual = [Channel::Sms, Channel::Whatsapp, Channel::Web];
        let mut channels = person.prefer.iter().copied().chain(usual);
        channels.find_map(|channel| {
            let contact = person.contacts.get(&channel)?;
            self.channels
                .has(channel)
                .then_some((channel, contact.as_str()))
        })
    }
}

/// What is wrong with a contact of a channel, if it can be nobody's.
#[must_use]
pub fn misfit(channel: Channel, contact: &str) -> Option<String> {
    if !matches!(channel, Channel::Sms | Channel::Whatsapp) {
        return None;
    }
    let digits = contact.strip_prefix('+').unwrap_or_default();
    let is_phone = (6..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    (!is_phone).then(|| {
        format!("a contact on {channel} is a phone number with its country code, such as +15550100")
    })
}
