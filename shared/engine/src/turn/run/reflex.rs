//! Words by which a contact opts out, in, or asks for help on a carrier. They are honoured before the bot.

use crate::bot::{Bot, Words};
use crate::message::Channel;
use crate::session::{Consent, Pending, Session, SessionKey};
use crate::transcript::Taken;

#[cfg(test)]
mod tests;

/// What a contact asks for with a word that is a whole message, letter case and punctuation around it aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// Messages again, from who has opted out; else an answer to the bot.
    Yes,
    /// Who writes here, and how to make it stop.
    Help,
}

/// What one session makes of such words.
#[derive(Clone, Copy)]
pub(super) struct Reflex<'a> {
    channel: Channel,
    words: Option<&'a Words>,
}

/// How a turn ends without asking the bot.
#[derive(Debug, PartialEq)]
pub(super) struct Answered {
    /// Why, for the operator.
    pub(super) reason: String,
    /// What the contact is told.
    pub(super) text: Option<String>,
    /// What the contact agrees to from now on.
    pub(super) consent: Option<Consent>,
}

impl<'a> Reflex<'a> {
    pub(super) fn new(bot: &'a Bot, key: &SessionKey) -> Self {
        let channel = key.channel();
        let words = match channel {
            Channel::Web | Channel::Run => None,
            Channel::Sms => bot.channels.twilio.as_ref().map(|twilio| &twilio.words),
            Channel::Whatsapp => bot.channels.whatsapp.as_ref().map(|meta| &meta.words),
        };
        Self { channel, words }
    }

    /// Whether a waiting message is such a word, and so is taken alone.
    pub(super) fn is_word(self, session: &Session, message: &Pending) -> bool {
        match self.asked(message) {
            Some(Word::Yes) => {
                let mut waiting = session.inbox.iter();
                session.opted_out || waiting.any(|other| self.asked(other) == Some(Word::Stop))
            }
            word => word.is_some(),
        }
    }

    /// How a turn that begins with `first` ends without asking the bot, if it does.
    pub(super) fn answer(self, session: &Session, first: &Taken) -> Option<Answered> {
        if self.channel == Channel::Web {
            return None;
        }
        let word = self
            .word(&first.text)
            .filter(|_| first.origin.is_contact() && !first.repeat);
        let say =
            |text: fn(&Words) -> &Option<String>| self.words.and_then(|all| text(all).clone());
        let answered = |reason: &str, text, consent| {
            Some(Answered {
                reason: reason.to_owned(),
                text,
                consent,
            })
        };
        match word {
            Some(Word::Stop) if !session.opted_out => answered(
                "the contact opted out",
                say(|words| &words.stop),
                Some(Consent::OptOut),
            ),
            Some(Word::Start | Word::Yes) if session.opted_out => answered(
                "the contact opted in again",
                say(|words| &words.start),
                Some(Consent::OptIn),
            ),
            _ if session.opted_out => answered(
                "the contact has opted out; nothing is sent until they write START",
                None,
                None,
            ),
            Some(Word::Help) if self.is_carriers(say(|words| &words.help).as_deref()) => {
                answered("the contact asked for help", say(|words| &words.help), None)
            }
            Some(Word::Start) if self.is_carriers(say(|words| &words.start).as_deref()) => {
                answered(
                    "the contact opted in",
                    say(|words| &words.start),
                    Some(Consent::OptIn),
                )
            }
            _ if self.stops(session) => {
                answered("the contact opted out before this was answered", None, None)
            }
            _ => None,
        }
    }

    /// Whether a word that changes nothing is answered here or by the carrier; else it is the bot's.
    fn is_carriers(self, text: Option<&str>) -> bool {
        self.channel == Channel::Sms || text.is_some()
    }

    /// Whether the last that waiting messages say of it is to stop.
    fn stops(self, session: &Session) -> bool {
        let waiting = session.inbox.iter().rev();
        let mut words = waiting.filter_map(|message| self.asked(message));
        words.find(|word| *word != Word::Help) == Some(Word::Stop)
    }

    fn asked(self, message: &Pending) -> Option<Word> {
        let text = message.origin.is_contact().then_some(&message.text);
        text.and_then(|text| self.word(text))
    }

    fn word(self, text: &str) -> Option<Word> {
        if self.channel == Channel::Web {
            return None;
        }
        let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
        match bare.to_ascii_uppercase().as_str() {
            "STOP" | "STOPALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" => Some(Word::Stop),
            "START" | "UNSTOP" => Some(Word::Start),
            "YES" => Some(Word::Yes),
            "HELP" | "INFO" => Some(Word::Help),
            _ => None,
        }
    }
}
