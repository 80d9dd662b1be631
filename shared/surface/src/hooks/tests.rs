use engine::runtime::Time;
use http::HeaderMap;
use secrecy::SecretString;

use super::signature::{Signed, Unsigned};

/// The example of the specification of Standard Webhooks.
const STANDARD: [(&str, &str); 3] = [
    ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
    ("webhook-timestamp", "1614265330"),
    (
        "webhook-signature",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
];
const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const STANDARD_BODY: &str = r#"{"test": 2432232314}"#;

/// The example of GitHub's documentation.
const GITHUB: [(&str, &str); 2] = [
    (
        "x-hub-signature-256",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    ),
    ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
];
const GITHUB_SECRET: &str = "It's a Secret to Everybody";

/// Whose delivery a request is that comes `late` seconds after it was signed.
fn delivery(
    headers: &[(&'static str, &str)],
    body: &str,
    late: i64,
    secret: &str,
) -> Result<String, Unsigned> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    let signed = Signed {
        headers: &map,
        body: body.as_bytes(),
        now: Time((1_614_265_330 + late) * 1000),
    };
    signed.delivery(&SecretString::from(secret))
}

#[test]
fn a_delivery_is_known_by_its_id_once_its_signature_is_good() {
    for late in [-300, 0, 300] {
        let id = delivery(&STANDARD, STANDARD_BODY, late, STANDARD_SECRET);
        assert_eq!(id.as_deref(), Ok("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    }
    let id = delivery(&GITHUB, "Hello, World!", 0, GITHUB_SECRET);
    assert_eq!(id.as_deref(), Ok("72d3162e-cc78-11e3-81ab-4c9367dc0958"));
    // While a secret is changed, a sender signs with the old one and the new one.
    let mut both = STANDARD;
    let two = format!("v1,AAAA v1a,BBBB {}", both[2].1);
    both[2].1 = &two;
    assert!(delivery(&both, STANDARD_BODY, 0, STANDARD_SECRET).is_ok());
}

#[test]
fn what_is_changed_stale_or_signed_with_nothing_is_refused() {
    let standard = |headers: &[_], body, late, secret| delivery(headers, body, late, secret);
    let other_id = [("webhook-id", "msg_2"), STANDARD[1], STANDARD[2]];
    let later = [
        STANDARD[0],
        ("webhook-timestamp", "1614265331"),
        STANDARD[2],
    ];
    let other_scheme = [
        STANDARD[0],
        STANDARD[1],
        (
            "webhook-signature",
            "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ];
    for headers in [other_id, later, other_scheme] {
        let refused = standard(&headers, STANDARD_BODY, 0, STANDARD_SECRET);
        assert_eq!(refused, Err(Unsigned::Otherwise), "{headers:?}");
    }
    let refused = [
        standard(&STANDARD, "{}", 0, STANDARD_SECRET),
        standard(&STANDARD, STANDARD_BODY, 0, "whsec_AAAA"),
        standard(&STANDARD, STANDARD_BODY, 0, ""),
        delivery(&GITHUB, "Hello, World?", 0, GITHUB_SECRET),
        delivery(&GITHUB, "Hello, World!", 0, ""),
    ];
    for refused in refused {
        assert_eq!(refused, Err(Unsigned::Otherwise));
    }
    for late in [-301, 301] {
        let refused = standard(&STANDARD, STANDARD_BODY, late, STANDARD_SECRET);
        assert_eq!(refused, Err(Unsigned::Stale));
    }
    for headers in [&[][..], &STANDARD[1..], &GITHUB[..1]] {
        let refused = delivery(headers, "Hello, World!", 0, GITHUB_SECRET);
        assert_eq!(refused, Err(Unsigned::Missing), "{headers:?}");
    }
}
