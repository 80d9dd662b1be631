//! A reply's markdown in the form a channel shows, cut into messages the channel takes.

use engine::bot::ChannelSettings;
use engine::message::Channel;

mod markup;
mod split;

pub use markup::Markdown;

/// How a channel wants its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelStyle {
    /// The longest message, in UTF-16 code units: the strictest of the ways providers count
    /// characters. At least 2, so that any character fits.
    pub max_length: usize,
    /// What becomes of markdown.
    pub markdown: Markdown,
}

impl ChannelStyle {
    /// The channel's own limits: 10,000 on the web; 1,600 for SMS, the most Twilio's Messages API
    /// takes in one call; 4,096 on WhatsApp.
    #[must_use]
    pub fn of(channel: Channel) -> Self {
        let (max_length, markdown) = match channel {
            Channel::Web | Channel::Run => (10_000, Markdown::Kept),
            Channel::Sms => (1_600, Markdown::Plain),
            Channel::Whatsapp => (4_096, Markdown::Whatsapp),
        };
        Self {
            max_length,
            markdown,
        }
    }

    /// The channel's own limits, tightened by the bot's. A bot cannot widen a carrier's limit.
    #[must_use]
    pub fn configured(channel: Channel, settings: &ChannelSettings) -> Self {
        let own = Self::of(channel);
        let asked = settings.max_length.get(&channel).copied();
        let max_length = match (channel, asked) {
            (_, None) => own.max_length,
            (Channel::Web, Some(asked)) => asked,
            (_, Some(asked)) => asked.min(own.max_length),
        };
        Self { max_length, ..own }
    }
}

/// `text` in the channel's style, as one or more non-empty parts; none for blank text.
///
/// A part ends at a paragraph's or sentence's end past half the limit, else between words, else
/// anywhere but inside a character. Only whitespace is lost between parts.
#[must_use]
pub fn render(text: &str, style: &ChannelStyle) -> Vec<String> {
    let text = markup::convert(text, style.markdown);
    split::split(&text, style.max_length.max(2))
}

#[cfg(test)]
mod tests;
