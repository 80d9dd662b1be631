use engine::message::Channel;

use super::*;

fn token() -> Token {
    Token {
        session: SessionKey::new("acme", "support", Channel::Web, "ada lovelace/1").unwrap(),
        expires: Time(1_767_225_600_000),
        person: None,
    }
}

#[test]
fn a_signed_token_is_read_back() {
    let key = SigningKey::new([7; 64]);
    let text = key.sign(&token());
    assert_eq!(key.read(&text), Some(token()));
    // It travels in headers, queries and subprotocols as it is.
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    assert!(text.chars().all(plain), "{text}");
    let of_ann = Token {
        person: Some("Ann of the desk".to_owned()),
        ..token()
    };
    assert_eq!(key.read(&key.sign(&of_ann)), Some(of_ann));
}

#[test]
fn a_changed_token_is_no_token() {
    let key = SigningKey::new([7; 64]);
    let text = key.sign(&token());
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(key.read(&changed), None, "{changed}");
    }
    for cut in ["", ".", &text[1..], &text[..text.len() - 1]] {
        assert_eq!(key.read(cut), None, "{cut}");
    }
}

#[test]
fn every_secret_makes_a_key_of_its_own() {
    let derived = |secret: &str| SigningKey::derived(&SecretString::from(secret));
    let text = derived("one").sign(&token());
    assert_eq!(derived("one").read(&text), Some(token()));
    assert_eq!(derived("two").read(&text), None);
}
