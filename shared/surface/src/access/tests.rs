use engine::message::Channel;
use engine::runtime::simulated::Simulation;
use http::HeaderValue;

use super::*;

const KEYS: &str = r#"
format = 1
[[keys]]
key = "client-0123456789"
tenant = "acme"
person = "the website"
role = "client"
"#;

fn session(contact: &str) -> SessionKey {
    SessionKey::new("acme", "support", Channel::Web, contact).unwrap()
}

fn parse(text: &str, simulation: &Simulation) -> Access {
    let secrets = Arc::new(Secrets::parse("access", text).unwrap());
    let signing = SigningKey::derived(&SecretString::from(text));
    Access::keyed(secrets, signing, simulation.runtime())
}

fn code(answer: Result<(), Problem>) -> &'static str {
    answer.map_or_else(|problem| problem.code(), |()| "allowed")
}

#[test]
fn a_token_runs_out_and_may_be_exchanged_for_a_day_more() {
    let mut simulation = Simulation::new(1);
    let access = parse(KEYS, &simulation);
    let (token, expires) = access.issue(&session("ada"));
    let may = |right| code(access.allow_bearer(Some(&token), &session("ada"), right));
    assert_eq!(expires, simulation.runtime().now().plus(TOKEN_LIFE));
    assert_eq!(
        [Right::Talk, Right::Grant, Right::Trace].map(may),
        ["allowed", "forbidden", "forbidden"]
    );
    let eve = access.allow_bearer(Some(&token), &session("eve"), Right::Talk);
    assert_eq!(code(eve), "forbidden");
    wait(&mut simulation, TOKEN_LIFE);
    assert_eq!(may(Right::Talk), "unauthenticated");
    assert_eq!(access.renewable(&token), Some(session("ada")));
    wait(&mut simulation, RENEWAL);
    assert_eq!(access.renewable(&token), None);
}

fn wait(simulation: &mut Simulation, duration: Duration) {
    let sleep = simulation.runtime().clock.sleep(duration);
    simulation.block_on(sleep);
}

#[test]
fn a_token_ends_with_any_change_of_the_keys() {
    let simulation = Simulation::new(1);
    let (token, _) = parse(KEYS, &simulation).issue(&session("ada"));
    let changed = parse(&KEYS.replace("client-", "tneilc-"), &simulation);
    let answer = changed.allow_bearer(Some(&token), &session("ada"), Right::Talk);
    assert_eq!(code(answer), "unauthenticated");
}

#[test]
fn without_any_key_nobody_can_make_a_token() {
    let simulation = Simulation::new(1);
    let access = parse("format = 1\n", &simulation);
    let (token, _) = access.issue(&session("ada"));
    for presented in [None, Some(token.as_str()), Some("client-0123456789")] {
        let answer = access.allow_bearer(presented, &session("ada"), Right::Talk);
        assert_eq!(code(answer), "unauthenticated");
    }
    assert_eq!(access.renewable(&token), None);
}

#[test]
fn an_open_tenant_needs_no_key_and_is_the_only_one() {
    let simulation = Simulation::new(1);
    let signing = SigningKey::new([7; 64]);
    let access = Access::open("acme", signing, simulation.runtime());
    let other = SessionKey::new("other", "support", Channel::Web, "ada").unwrap();
    for right in [Right::Talk, Right::Grant, Right::Trace] {
        let answer = |session| code(access.allow_bearer(None, &session, right));
        assert_eq!(answer(session("ada")), "allowed");
        assert_eq!(answer(other.clone()), "forbidden");
    }
}

#[test]
fn a_key_comes_as_a_bearer() {
    let simulation = Simulation::new(1);
    let access = parse(KEYS, &simulation);
    for (header, expected) in [
        ("Bearer client-0123456789", "allowed"),
        ("bearer  client-0123456789 ", "allowed"),
        ("Bearer ", "unauthenticated"),
        ("client-0123456789", "unauthenticated"),
        ("Basic client-0123456789", "unauthenticated"),
    ] {
        let value = HeaderValue::from_static(header);
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        let answer = access.allow(&headers, &session("ada"), Right::Talk);
        assert_eq!(code(answer), expected, "{header}");
    }
}
