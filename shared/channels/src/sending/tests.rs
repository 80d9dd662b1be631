use super::*;

use std::sync::Arc;

use engine::http::{HttpFailure, Reach};
use engine::message::Channel;
use engine::runtime::simulated::Simulation;
use proptest::prelude::*;

use crate::testing::{Scripted, answer, not_sent, reference, unknown};

/// A provider that answers with nothing but a status.
struct Bare;

impl Api for Bare {
    const NAME: &'static str = "Bare";

    fn request(&self, reference: &Reference, part: &str) -> HttpRequest {
        HttpRequest {
            method: "POST".to_owned(),
            url: reference.to_string(),
            headers: Vec::new(),
            body: Some(part.as_bytes().to_vec()),
            reach: Reach::Anywhere,
            timeout: TIMEOUT,
            max_answer: MAX_ANSWER,
        }
    }

    fn answer(&self, answer: &HttpAnswer) -> Answer {
        Answer {
            busy: answer.body == b"busy",
            ..Answer::default()
        }
    }
}

/// The report on `parts` parts, the requests made and the seconds it took.
fn send(
    parts: usize,
    answers: Vec<Result<HttpAnswer, HttpFailure>>,
) -> (SendReport, Vec<HttpRequest>, u64) {
    let mut simulation = Simulation::new(1);
    let runtime = simulation.runtime();
    let http = Scripted::new(answers);
    let asked = Arc::clone(&http);
    let report = simulation.block_on(async move {
        let parts: Vec<String> = (0..parts).map(|part| format!("part {part}")).collect();
        send_parts(&Bare, &*asked, &runtime, &reference(Channel::Sms), &parts).await
    });
    let seconds = simulation.runtime().clock.monotonic().as_secs();
    (report, http.requests(), seconds)
}

fn states(report: &SendReport) -> Vec<DeliveryState> {
    report.iter().map(|delivery| delivery.state).collect()
}

#[test]
fn parts_go_out_in_order_each_with_its_reference() {
    let (report, requests, _) = send(3, vec![answer(200, ""), answer(201, ""), answer(202, "")]);
    assert_eq!(states(&report), [DeliveryState::Sent; 3]);
    for (part, request) in requests.iter().enumerate() {
        assert_eq!(
            request.url,
            format!("acme/support/sms:+14155551234#7.{part}")
        );
        assert_eq!(
            request.body.as_deref(),
            Some(format!("part {part}").as_bytes())
        );
    }
}

#[test]
fn nothing_follows_a_part_that_was_not_sent() {
    for (second, state) in [
        (answer(400, ""), DeliveryState::Failed),
        (answer(503, ""), DeliveryState::Unconfirmed),
        (unknown(), DeliveryState::Unconfirmed),
    ] {
        let (report, requests, _) = send(3, vec![answer(200, ""), second]);
        assert_eq!(states(&report), [DeliveryState::Sent, state]);
        assert_eq!(report[1].part, 1);
        assert_eq!(requests.len(), 2);
    }
}

#[test]
fn a_send_that_nobody_saw_finish_is_not_repeated() {
    for status in [408, 500, 502, 503, 504] {
        let (report, requests, seconds) = send(1, vec![answer(status, "busy")]);
        assert_eq!(states(&report), [DeliveryState::Unconfirmed]);
        assert_eq!((requests.len(), seconds), (1, 0));
    }
    let (report, requests, _) = send(1, vec![unknown()]);
    assert_eq!(requests.len(), 1);
    assert_eq!(
        report[0].error.as_deref(),
        Some("Bare gave no answer: connection reset")
    );
}

#[test]
fn what_surely_did_not_leave_is_tried_again_twice() {
    let (report, requests, seconds) = send(1, vec![not_sent(), answer(429, ""), answer(200, "")]);
    assert_eq!(states(&report), [DeliveryState::Sent]);
    assert_eq!((requests.len(), seconds), (3, 3));

    let (report, requests, _) = send(2, vec![not_sent(), answer(400, "busy"), not_sent()]);
    assert_eq!(states(&report), [DeliveryState::Failed]);
    assert_eq!(requests.len(), 3);
    assert_eq!(
        report[0].error.as_deref(),
        Some("Bare was not reached, not sent: connection refused")
    );
}

#[test]
fn a_retry_whose_end_nobody_saw_is_the_last() {
    let (report, requests, _) = send(1, vec![not_sent(), unknown()]);
    assert_eq!(states(&report), [DeliveryState::Unconfirmed]);
    assert_eq!(requests.len(), 2);
}

#[test]
fn a_reply_without_parts_asks_for_nothing() {
    let (report, requests, _) = send(0, vec![]);
    assert_eq!((report.len(), requests.len()), (0, 0));
}

#[test]
fn an_error_record_is_one_line_of_bounded_length() {
    let long = Value::from("x\ny".repeat(1000));
    let text = describe(&Value::from(7), &[&long, &Value::Null, &Value::from("")]).unwrap();
    assert!(text.starts_with("7: x yx y"));
    assert_eq!(text.chars().count(), MAX_ERROR);
    assert_eq!(describe(&Value::Null, &[&Value::Null]), None);
}

proptest! {
    #[test]
    fn only_a_2xx_counts_as_sent(status in 100u16..600) {
        let answers = vec![answer(status, ""), answer(status, ""), answer(status, "")];
        let (report, requests, _) = send(1, answers);
        let sent = report[0].state == DeliveryState::Sent;
        prop_assert_eq!(sent, (200..300).contains(&status));
        prop_assert_eq!(requests.len() > 1, status == 429);
    }
}
