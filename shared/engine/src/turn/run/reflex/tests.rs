use super::*;
use crate::bot::MemoryFiles;
use crate::runtime::Time;
use crate::session::Origin;

const WORDS: &str = "stop = \"bye\"\nstart = \"welcome\"\nhelp = \"call us\"\n";

fn bot(words: &str) -> Bot {
    let settings = format!(
        "format = 1\nname = \"shop\"\n[model]\nuse = \"scripted\"\n[channels.twilio]\n\
         account_sid = \"AC00000000000000000000000000000000\"\nfrom = \"+15550100\"\nauth_token = \"TOKEN\"\n\
         [channels.twilio.words]\n{words}[channels.whatsapp]\nphone_number_id = \"1\"\naccess_token = \"A\"\n\
         app_secret = \"B\"\nverify_token = \"C\"\n"
    );
    let files = MemoryFiles::default()
        .with("bot.toml", settings)
        .with("script.toml", "format = 1\n")
        .with("SOUL.md", "You help.");
    let loaded = Bot::load(&files).unwrap_or_else(|problems| panic!("{problems}"));
    loaded.bot
}

fn pending(text: &str) -> Pending {
    Pending {
        id: text.to_owned(),
        text: text.to_owned(),
        at: Time(0),
        origin: Origin::Contact,
    }
}

/// Why the first of `waiting` is not the bot's, what the contact is told, and what they agreed to.
fn answer(
    words: &str,
    channel: Channel,
    opted_out: bool,
    waiting: &[Pending],
) -> Option<(Option<String>, Option<Consent>)> {
    let bot = bot(words);
    let key = SessionKey::new("local", "shop", channel, "+15550123").unwrap();
    let session = Session {
        inbox: waiting.to_vec(),
        opted_out,
        ..Session::default()
    };
    let first = Taken::of(&waiting[0], false);
    let answered = Reflex::new(&bot, &key).answer(&session, &first)?;
    Some((answered.text, answered.consent))
}

#[test]
fn words_are_told_by_the_whole_message_case_and_punctuation_aside() {
    let stops = |text| answer("", Channel::Sms, false, &[pending(text)]);
    let stopped = Some((None, Some(Consent::OptOut)));
    for text in [
        "STOP",
        "stop",
        " Stop. ",
        "\"stop\"!",
        "StopAll",
        "unsubscribe",
        "cancel",
        "End",
        "QUIT",
    ] {
        assert_eq!(stops(text), stopped, "{text}");
    }
    for text in [
        "stop it",
        "please stop",
        "st op",
        "ends",
        "nonstop",
        "cancel my order",
        "yes",
    ] {
        assert_eq!(stops(text), None, "{text}");
    }
    assert_eq!(answer("", Channel::Web, false, &[pending("STOP")]), None);
}

#[test]
fn one_confirmation_is_sent_where_one_is_written() {
    use Channel::{Sms, Whatsapp};
    let told = |text: &str| Some(text.to_owned());
    let stopped = Some(Consent::OptOut);
    let table = [
        (WORDS, Sms, false, "STOP", Some((told("bye"), stopped))),
        (WORDS, Sms, true, "STOP", Some((None, None))),
        (
            WORDS,
            Sms,
            true,
            "START",
            Some((told("welcome"), Some(Consent::OptIn))),
        ),
        (
            WORDS,
            Sms,
            true,
            "yes",
            Some((told("welcome"), Some(Consent::OptIn))),
        ),
        (WORDS, Sms, false, "yes", None),
        (WORDS, Sms, false, "HELP", Some((told("call us"), None))),
        ("", Sms, false, "info", Some((None, None))),
        (WORDS, Sms, true, "HELP", Some((None, None))),
        (WORDS, Sms, true, "Where is it?", Some((None, None))),
        ("", Whatsapp, false, "stop", Some((None, stopped))),
        // Nobody else would answer these.
        ("", Whatsapp, false, "help", None),
        ("", Whatsapp, false, "start", None),
        (
            "",
            Whatsapp,
            true,
            "unstop",
            Some((None, Some(Consent::OptIn))),
        ),
    ];
    for (words, channel, opted_out, text, expected) in table {
        let answered = answer(words, channel, opted_out, &[pending(text)]);
        assert_eq!(
            answered, expected,
            "{channel}, opted out {opted_out}: {text}"
        );
    }
}

#[test]
fn nothing_is_said_to_who_has_asked_to_stop_meanwhile() {
    let waiting = |texts: &[&str]| texts.iter().map(|text| pending(text)).collect::<Vec<_>>();
    let refused = Some((None, None));
    let sms = |texts: &[&str]| answer(WORDS, Channel::Sms, false, &waiting(texts));
    assert_eq!(sms(&["where is it?", "STOP"]), refused);
    assert_eq!(sms(&["where is it?", "STOP", "HELP"]), refused);
    assert_eq!(sms(&["where is it?", "STOP", "START"]), None);
    let mut reply = waiting(&["Ann here", "stop"]);
    reply[0].origin = Origin::Person {
        name: "ann".to_owned(),
    };
    assert_eq!(answer(WORDS, Channel::Sms, false, &reply), refused);
}
