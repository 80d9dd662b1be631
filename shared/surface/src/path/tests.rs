use super::*;

fn read(path: &'static str) -> Result<String, &'static str> {
    let read = session(&Uri::from_static(path));
    read.map(|key| key.to_string())
        .map_err(|problem| problem.code())
}

#[test]
fn a_session_is_read_from_its_path_however_it_is_encoded() {
    for (path, expected) in [
        (
            "/v1/acme/support/sessions/ada/messages",
            "acme/support/web:ada",
        ),
        (
            "/v1/acme/support/sessions/sms:+1555/turns",
            "acme/support/sms:+1555",
        ),
        (
            "/v1/acme/support/sessions/sms%3A%2B1555/turns?x=/",
            "acme/support/sms:+1555",
        ),
        (
            "/v1/acme/support/sessions/a%2Fb%20%C3%A9/token",
            "acme/support/web:a/b é",
        ),
        (
            "https://bots.example/v1/acme/support/sessions/ada/events",
            "acme/support/web:ada",
        ),
        ("/v1/acme/support/sessions/ada", "acme/support/web:ada"),
        (
            "/v1/acme/support/sessions/ada/turns/7/redrive",
            "acme/support/web:ada",
        ),
    ] {
        assert_eq!(read(path), Ok(expected.to_owned()), "{path}");
    }
}

#[test]
fn a_path_that_names_no_session_is_refused() {
    for (path, code) in [
        ("/v1/acme/support/sessions", "no_such_path"),
        ("/v1/acme/support/sessions/", "no_such_path"),
        ("/v1/acme/support/sessions/ada/turns/1", "no_such_path"),
        ("/v1/acme/support/sessions/ada/messages/1", "no_such_path"),
        ("/v1/acme/support/sessions//messages", "no_such_path"),
        ("/v2/acme/support/sessions/ada/messages", "no_such_path"),
        ("/", "no_such_path"),
        ("/v1/Acme/support/sessions/ada/messages", "invalid_path"),
        ("/v1/acme/support/sessions/%FF/messages", "invalid_path"),
        ("/v1/acme/support/sessions/fax:ada/messages", "invalid_path"),
        ("/v1/acme/sup%2Fport/sessions/ada/messages", "invalid_path"),
    ] {
        assert_eq!(read(path), Err(code), "{path}");
    }
}
