use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::model::{
    Deltas, Model, ModelAnswer, ModelCall, ModelError, ModelErrorKind, ModelRequest, Quote, Usage,
};
use engine::runtime::Runtime;
use engine::runtime::simulated::Simulation;
use futures::{StreamExt, stream};

use super::{Fallback, Link};
use crate::breaker::Breaker;
use crate::reply::{End, Failure, Piece, Pieces, Source};

/// A model that plays one act per try, the last for ever.
struct Actor {
    name: &'static str,
    acts: Mutex<VecDeque<Act>>,
}

#[derive(Clone)]
enum Act {
    Says(&'static str),
    Fails(ModelErrorKind),
    FailsMidway(&'static str, ModelErrorKind),
    AsksToWait(Duration),
    Hangs,
}

impl Source for Actor {
    fn name(&self) -> &str {
        self.name
    }

    /// A model costs as many micro-dollars as its name is long, and as much for every byte it writes.
    fn quote(&self, _: &ModelRequest) -> Quote {
        let price = self.name.len() as u64;
        Quote {
            model: self.name.to_owned(),
            input_micro_dollars: price,
            output_tokens: 100,
            output_micro_dollars: 100 * price,
            ..Quote::default()
        }
    }

    fn ask<'a>(&'a self, _: &'a ModelRequest) -> Pieces<'a> {
        let mut acts = self.acts.lock().unwrap();
        let act = if acts.len() > 1 {
            acts.pop_front().unwrap()
        } else {
            acts[0].clone()
        };
        let text = |text: &str| Ok(Piece::Text(text.to_owned()));
        let pieces = match act {
            Act::Says(words) => {
                let usage = Usage {
                    output_tokens: 7,
                    ..Usage::default()
                };
                let end = End {
                    usage,
                    reason: None,
                };
                vec![text(words), Ok(Piece::End(end))]
            }
            Act::Fails(kind) => vec![Err(Failure::new(kind, "as told"))],
            Act::FailsMidway(words, kind) => {
                vec![text(words), Err(Failure::new(kind, "as told"))]
            }
            Act::AsksToWait(wait) => vec![Err(Failure {
                retry_after: Some(wait),
                ..Failure::new(ModelErrorKind::RateLimited, "as told")
            })],
            Act::Hangs => return stream::pending().boxed(),
        };
        stream::iter(pieces).boxed()
    }
}

/// What the reader of the deltas saw, `|` for a restart.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<String>>);

impl Deltas for Screen {
    fn text(&mut self, delta: &str) {
        self.0.lock().unwrap().push_str(delta);
    }

    fn restart(&mut self) {
        self.0.lock().unwrap().push('|');
    }
}

fn actor(name: &'static str, acts: &[Act]) -> Link {
    Link {
        source: Arc::new(Actor {
            name,
            acts: Mutex::new(acts.iter().cloned().collect()),
        }),
        breaker: Some(Breaker::new()),
    }
}

fn chain(runtime: Runtime, links: Vec<Link>) -> Fallback {
    Fallback {
        runtime,
        links,
        timeout: Duration::from_secs(60),
        idle: Duration::from_secs(10),
    }
}

fn ask(links: Vec<Link>) -> (ModelAnswer, String) {
    let mut simulation = Simulation::new(7);
    let chain = chain(simulation.runtime(), links);
    let screen = Screen::default();
    let mut deltas = screen.clone();
    let answer = simulation
        .block_on(async move { chain.respond(&ModelRequest::default(), &mut deltas).await });
    let seen = screen.0.lock().unwrap().clone();
    (answer, seen)
}

fn tries(answer: &ModelAnswer) -> Vec<(&str, Option<ModelErrorKind>)> {
    answer
        .calls
        .iter()
        .map(|call| {
            (
                call.model.as_str(),
                call.error.as_ref().map(|error| error.kind),
            )
        })
        .collect()
}

#[test]
fn the_first_model_that_answers_is_the_last_asked() {
    let (answer, seen) = ask(vec![
        actor("a", &[Act::Says("hello")]),
        actor("b", &[Act::Says("never")]),
    ]);
    assert_eq!(answer.result.as_ref().unwrap().text, "hello");
    assert_eq!(tries(&answer), [("a", None)]);
    assert_eq!(answer.calls[0].usage.output_tokens, 7);
    assert_eq!(seen, "hello");
}

#[test]
fn every_retryable_failure_moves_on() {
    for kind in [
        ModelErrorKind::RateLimited,
        ModelErrorKind::Unavailable,
        ModelErrorKind::Timeout,
        ModelErrorKind::Cut,
        ModelErrorKind::Garbled,
    ] {
        let (answer, _) = ask(vec![
            actor("a", &[Act::Fails(kind)]),
            actor("b", &[Act::Says("hello")]),
        ]);
        assert_eq!(tries(&answer), [("a", Some(kind)), ("b", None)]);
        assert!(answer.result.is_ok());
    }
}

#[test]
fn authentication_invalid_request_and_length_do_not_move_on() {
    for kind in [
        ModelErrorKind::Authentication,
        ModelErrorKind::InvalidRequest,
        ModelErrorKind::ContextTooLong,
    ] {
        let (answer, _) = ask(vec![
            actor("a", &[Act::Fails(kind)]),
            actor("b", &[Act::Says("never")]),
        ]);
        assert_eq!(tries(&answer), [("a", Some(kind))]);
        assert_eq!(answer.result.unwrap_err().kind, kind);
    }
}

#[test]
fn a_failure_midway_takes_back_what_was_streamed() {
    let (answer, seen) = ask(vec![
        actor("a", &[Act::FailsMidway("Hel", ModelErrorKind::Cut)]),
        actor("b", &[Act::Says("Hello")]),
    ]);
    assert_eq!(answer.result.unwrap().text, "Hello");
    assert_eq!(seen, "Hel|Hello");
}

#[test]
fn a_failure_before_any_text_takes_nothing_back() {
    let (_, seen) = ask(vec![
        actor("a", &[Act::Fails(ModelErrorKind::Unavailable)]),
        actor("b", &[Act::Says("Hello")]),
    ]);
    assert_eq!(seen, "Hello");
}

#[test]
fn a_model_that_hangs_is_left_after_the_idle_timeout() {
    let (answer, _) = ask(vec![
        actor("a", &[Act::Hangs]),
        actor("b", &[Act::Says("Hello")]),
    ]);
    assert_eq!(answer.calls[0].millis, 10_000);
    assert_eq!(
        tries(&answer),
        [("a", Some(ModelErrorKind::Timeout)), ("b", None)]
    );
}

#[test]
fn a_chain_that_only_hangs_ends_at_the_bots_timeout() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let (answer, _) = ask(names
        .into_iter()
        .map(|name| actor(name, &[Act::Hangs]))
        .collect());
    let total: u64 = answer.calls.iter().map(|call| call.millis).sum();
    assert_eq!(total, 60_000);
    assert_eq!(answer.result.unwrap_err().kind, ModelErrorKind::Timeout);
}

#[test]
fn an_exhausted_chain_gives_the_last_error() {
    let (answer, _) = ask(vec![
        actor("a", &[Act::Fails(ModelErrorKind::Unavailable)]),
        actor("b", &[Act::Fails(ModelErrorKind::Garbled)]),
    ]);
    assert_eq!(answer.result.unwrap_err().kind, ModelErrorKind::Garbled);
}

#[test]
fn a_lone_model_is_asked_once_more_after_a_short_pause() {
    let (answer, _) = ask(vec![actor(
        "a",
        &[Act::Fails(ModelErrorKind::Unavailable), Act::Says("Hello")],
    )]);
    assert_eq!(
        tries(&answer),
        [("a", Some(ModelErrorKind::Unavailable)), ("a", None)]
    );
    let pause = answer.calls[1].at.since(answer.calls[0].at);
    assert!((250..750).contains(&pause.as_millis()), "{pause:?}");
}

#[test]
fn a_lone_model_is_not_asked_again_about_garble() {
    let (answer, _) = ask(vec![actor("a", &[Act::Fails(ModelErrorKind::Garbled)])]);
    assert_eq!(tries(&answer), [("a", Some(ModelErrorKind::Garbled))]);
}

#[test]
fn a_lone_model_is_given_the_time_it_asks_for_up_to_five_seconds() {
    let wait = |seconds| Act::AsksToWait(Duration::from_secs(seconds));
    let (answer, _) = ask(vec![actor("a", &[wait(3), Act::Says("Hello")])]);
    assert_eq!(
        answer.calls[1].at.since(answer.calls[0].at),
        Duration::from_secs(3)
    );
    let (answer, _) = ask(vec![actor("a", &[wait(6), Act::Says("Hello")])]);
    assert_eq!(tries(&answer), [("a", Some(ModelErrorKind::RateLimited))]);
}

#[test]
fn a_model_that_failed_three_times_rests_until_a_probe_succeeds() {
    let failed = Act::Fails(ModelErrorKind::Garbled);
    let mut simulation = Simulation::new(7);
    let runtime = simulation.runtime();
    let acts = [
        failed.clone(),
        failed.clone(),
        failed,
        Act::Says("back again"),
    ];
    let links = vec![actor("a", &acts), actor("b", &[Act::Says("instead")])];
    let chain = chain(runtime.clone(), links);
    simulation.block_on(async move {
        let mut screen = Screen::default();
        let request = ModelRequest::default();
        for _ in 0..3 {
            chain.respond(&request, &mut screen).await;
        }
        let answer = chain.respond(&request, &mut screen).await;
        assert_eq!(
            tries(&answer),
            [("a", Some(ModelErrorKind::Unavailable)), ("b", None)]
        );
        let detail = &answer.calls[0].error.as_ref().unwrap().detail;
        assert!(detail.contains("rests for another 30 s"), "{detail}");
        runtime.clock.sleep(Duration::from_secs(30)).await;
        let answer = chain.respond(&request, &mut screen).await;
        assert_eq!(answer.result.unwrap().text, "back again");
    });
}

#[test]
fn a_lone_model_that_rests_fails_at_once() {
    let mut simulation = Simulation::new(7);
    let runtime = simulation.runtime();
    let links = vec![actor("a", &[Act::Fails(ModelErrorKind::Cut)])];
    let chain = chain(runtime.clone(), links);
    simulation.block_on(async move {
        let request = ModelRequest::default();
        for _ in 0..3 {
            chain.respond(&request, &mut Screen::default()).await;
        }
        let before = runtime.now();
        let answer = chain.respond(&request, &mut Screen::default()).await;
        assert_eq!(tries(&answer), [("a", Some(ModelErrorKind::Unavailable))]);
        assert_eq!(runtime.now(), before);
    });
}

/// Lets no try cost more than `limit`, and keeps what was settled.
struct Tight {
    limit: u64,
    settled: Vec<ModelCall>,
    /// The tries that may still be made.
    announced: Vec<Quote>,
}

#[async_trait]
impl Deltas for Tight {
    fn text(&mut self, _: &str) {}

    fn restart(&mut self) {}

    fn may_make(&mut self, tries: &[Quote]) {
        self.announced.extend_from_slice(tries);
    }

    async fn reserve(&mut self, quote: &Quote) -> Result<(), ModelError> {
        let announced = self.announced.iter().position(|known| known == quote);
        self.announced
            .remove(announced.expect("a try that was not announced"));
        if quote.most().micro_dollars <= self.limit {
            return Ok(());
        }
        Err(ModelError {
            kind: ModelErrorKind::Budget,
            detail: "too dear".to_owned(),
        })
    }

    fn settle(&mut self, call: &ModelCall) {
        self.settled.push(call.clone());
    }
}

fn ask_within(limit: u64, links: Vec<Link>) -> (ModelAnswer, Vec<ModelCall>) {
    let mut simulation = Simulation::new(7);
    let chain = chain(simulation.runtime(), links);
    simulation.block_on(async move {
        let mut tight = Tight {
            limit,
            settled: Vec::new(),
            announced: Vec::new(),
        };
        let answer = chain.respond(&ModelRequest::default(), &mut tight).await;
        (answer, tight.settled)
    })
}

#[test]
fn a_model_that_the_budget_does_not_allow_is_not_asked_but_a_cheaper_one_is() {
    let says = |name| actor(name, &[Act::Says("hello")]);
    let (answer, settled) = ask_within(202, vec![says("dear"), says("ok")]);
    assert_eq!(
        tries(&answer),
        [("dear", Some(ModelErrorKind::Budget)), ("ok", None)]
    );
    assert!(answer.result.is_ok());
    assert_eq!(settled, answer.calls);
    let (answer, _) = ask_within(201, vec![says("dear"), says("ok")]);
    assert_eq!(answer.result.unwrap_err().kind, ModelErrorKind::Budget);
    let (answer, _) = ask_within(100, vec![says("ok")]);
    assert_eq!(tries(&answer), [("ok", Some(ModelErrorKind::Budget))]);
}

#[test]
fn what_a_provider_does_not_say_is_paid_for_at_its_most() {
    let cost = |act: Act| {
        let (answer, settled) = ask_within(u64::MAX, vec![actor("ab", &[act])]);
        assert_eq!(settled, answer.calls);
        answer.calls[0].usage.micro_dollars
    };
    // Two for the request, two for each of the five bytes.
    let midway = Act::FailsMidway("Hello", ModelErrorKind::Cut);
    assert_eq!(cost(midway), 12);
    assert_eq!(cost(Act::Hangs), 2);
    assert_eq!(cost(Act::Fails(ModelErrorKind::Unavailable)), 0);
    assert_eq!(cost(Act::Fails(ModelErrorKind::Authentication)), 0);
}
