use super::*;

fn url(public_url: Option<&str>, uri: &str, headers: &[(&str, &str)]) -> String {
    let settings = TwilioSettings {
        account_sid: "AC1".to_owned(),
        from: "+15550100".to_owned(),
        auth_token: "TWILIO_AUTH_TOKEN".to_owned(),
        public_url: public_url.map(str::to_owned),
        words: engine::bot::Words::default(),
    };
    let mut request = http::Request::post(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    signed_url(&settings, &request.body(()).unwrap().into_parts().0)
}

#[test]
fn the_url_that_twilio_signed_is_found_behind_a_tunnel_a_gateway_or_nothing() {
    const PATH: &str =
        "/webhooks/twilio/acme/support?reference=acme%2Fsupport%2Fsms%3A%2B1555%237.0";
    let gateway = format!("https://abc.execute-api.eu-west-1.amazonaws.com{PATH}");
    let host = ("host", "abc.execute-api.eu-west-1.amazonaws.com");
    assert_eq!(
        url(None, &gateway, &[host, ("x-forwarded-proto", "https")]),
        gateway
    );
    assert_eq!(
        url(Some("https://bots.example/"), &gateway, &[host]),
        format!("https://bots.example{PATH}")
    );
    assert_eq!(
        url(None, PATH, &[("host", "127.0.0.1:8787")]),
        format!("http://127.0.0.1:8787{PATH}")
    );
}
