//! Reads `Retry` and `Catch`.

use super::{result, transition};
use crate::machine::fields::Fields;
use crate::machine::flow::{Flow, QueryLanguage};
use crate::machine::{Catcher, Exit, Jitter, Retrier};

const MAX_SECONDS: u64 = 99_999_999;

/// The retriers of a state, in order.
pub(super) fn retriers(fields: &Fields<'_>) -> Vec<Retrier> {
    let retriers = fields.objects("Retry");
    let last = retriers.len().saturating_sub(1);
    let read = |(at, retrier): (usize, &Fields<'_>)| {
        retrier.allow(&[&[
            "ErrorEquals",
            "IntervalSeconds",
            "MaxAttempts",
            "BackoffRate",
            "MaxDelaySeconds",
            "JitterStrategy",
            "Comment",
        ]]);
        Some(Retrier {
            errors: errors(retrier, at == last)?,
            interval_seconds: retrier
                .integer("IntervalSeconds", 1, MAX_SECONDS)
                .unwrap_or(1),
            max_attempts: attempts(retrier),
            backoff_rate: backoff_rate(retrier),
            max_delay_seconds: retrier.integer("MaxDelaySeconds", 1, 31_622_400),
            jitter: jitter(retrier),
        })
    };
    retriers.iter().enumerate().filter_map(read).collect()
}

/// The catchers of a state, in order.
pub(super) fn catchers(flow: &mut Flow, fields: &Fields<'_>) -> Vec<Catcher> {
    let catchers = fields.objects("Catch");
    let last = catchers.len().saturating_sub(1);
    let read = |(at, catcher): (usize, &Fields<'_>)| {
        let own: &[_] = match catcher.language {
            QueryLanguage::Jsonata => &["Output"],
            QueryLanguage::JsonPath => &["ResultPath"],
        };
        catcher.allow(&[own, &["ErrorEquals", "Next", "Assign", "Comment"]]);
        catcher.require(&["Next"]);
        let errors = errors(catcher, at == last);
        let next = catcher.text("Next");
        let next = next.and_then(|target| transition(flow, catcher, "Next", target));
        Some(Catcher {
            errors: errors?,
            exit: Exit {
                next,
                ..result(catcher)
            },
        })
    };
    catchers.iter().enumerate().filter_map(read).collect()
}

/// `ErrorEquals`, in which `States.ALL` stands alone and last.
fn errors(fields: &Fields<'_>, is_last: bool) -> Option<Vec<String>> {
    fields.require(&["ErrorEquals"]);
    let names = fields.list("ErrorEquals")?;
    let texts: Option<Vec<_>> = names
        .iter()
        .map(|name| name.as_str().map(str::to_owned))
        .collect();
    let place = fields.at("ErrorEquals");
    let Some(texts) = texts.filter(|texts| !texts.is_empty()) else {
        fields
            .report
            .schema("Expected a list of at least one String", &place);
        return None;
    };
    if texts.iter().any(|name| name == "States.ALL") && (texts.len() > 1 || !is_last) {
        let message = "\"States.ALL\" must appear alone and only as the last item in the list";
        fields.report.schema(message, &place);
    }
    Some(texts)
}

fn attempts(fields: &Fields<'_>) -> u32 {
    let attempts = fields.integer("MaxAttempts", 0, MAX_SECONDS).unwrap_or(3);
    u32::try_from(attempts).unwrap_or(u32::MAX)
}

fn backoff_rate(fields: &Fields<'_>) -> f64 {
    let Some(value) = fields.get("BackoffRate") else {
        return 2.0;
    };
    let rate = value
        .as_f64()
        .filter(|rate| *rate >= 1.0 && rate.is_finite());
    if rate.is_none() {
        let message = "Expected a Number of at least 1.0";
        fields.report.schema(message, &fields.at("BackoffRate"));
    }
    rate.unwrap_or(2.0)
}

fn jitter(fields: &Fields<'_>) -> Jitter {
    match fields.text("JitterStrategy") {
        Some("FULL") => Jitter::Full,
        Some("NONE") | None => Jitter::None,
        Some(_) => {
            let message = "Value must be one of the following: [\"FULL\", \"NONE\"]";
            fields.report.schema(message, &fields.at("JitterStrategy"));
            Jitter::None
        }
    }
}
