//! What models cost here, and what the bot may spend.

use engine::model::{ModelCall, Quote, Usage};
use engine::runtime::Runtime;

use crate::outside::Outside;

/// What reading a request costs, and what writing the answer costs at most, in micro-dollars.
const INPUT: u64 = 5_000;
const OUTPUT: u64 = 20_000;

const DAY: i64 = 24 * 3600 * 1000;

/// What the bot may spend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Terms {
    Free,
    /// A session and each of its turns are bounded.
    Session,
    /// The bot's day is.
    Day,
}

const SESSION: u64 = 120_000;
const BOTS_DAY: u64 = 300_000;

impl Terms {
    pub(crate) fn draw(runtime: &Runtime) -> Self {
        match runtime.entropy.next_u64() % 6 {
            0 => Self::Session,
            1 => Self::Day,
            _ => Self::Free,
        }
    }

    /// The lines of `bot.toml`.
    pub(crate) fn settings(self) -> &'static str {
        match self {
            Self::Free => "",
            Self::Session => "[budget]\nturn_dollars = 0.05\nsession_dollars = 0.12\n",
            Self::Day => "[budget]\nday_dollars = 0.3\n",
        }
    }
}

pub(crate) fn quote() -> Quote {
    Quote {
        model: "dear".to_owned(),
        input_tokens: 1000,
        output_tokens: 1000,
        input_micro_dollars: INPUT,
        output_micro_dollars: OUTPUT,
    }
}

/// A model is asked: that costs something at once, whatever comes of it.
pub(crate) fn ask(outside: &Outside, session: Option<usize>) -> ModelCall {
    spend(outside, session, INPUT);
    ModelCall {
        model: "dear".to_owned(),
        at: outside.runtime.now(),
        millis: 0,
        usage: Usage {
            input_tokens: 1000,
            micro_dollars: INPUT,
            ..Usage::default()
        },
        error: None,
    }
}

/// A model has answered, and that costs more.
pub(crate) fn answered(outside: &Outside, session: Option<usize>, call: &mut ModelCall) {
    let cost = outside.draw(OUTPUT + 1);
    spend(outside, session, cost);
    call.usage.output_tokens = cost / 20;
    call.usage.micro_dollars += cost;
}

/// Notes what is really spent, and whether that was allowed.
fn spend(outside: &Outside, session: Option<usize>, cost: u64) {
    let day = outside.runtime.now().0.div_euclid(DAY);
    let session = session.map(|session| (format!("session {session}"), Terms::Session, SESSION));
    let day = (format!("day {day}"), Terms::Day, BOTS_DAY);
    let mut books = outside.books();
    for (whose, terms, limit) in session.into_iter().chain([day]) {
        let spent = books.spent.entry(whose.clone()).or_default();
        *spent += cost;
        if outside.terms == terms && *spent > limit {
            let spent = *spent;
            books.breaks(format!("{whose} may cost {limit} and has cost {spent}"));
        }
    }
}
