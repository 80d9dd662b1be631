//! `[http]`: a request with holes.

use std::collections::{BTreeMap, BTreeSet};

use crate::bot::HttpTool;
use crate::bot::address::{Address, Fault, holes, strays};
use crate::bot::document::Document;
use crate::bot::format::HttpTable;
use crate::bot::lookup;
use crate::bot::method::{Body, Method};
use crate::bot::names;
use crate::bot::parameters::Parameters;
use crate::bot::problem::listed;
use crate::bot::reader::Reader;
use crate::bot::wording::escape;
use crate::http::Reach;
use crate::tool::SideEffectPolicy;

/// Headers that the transport writes itself.
const OWN_HEADERS: [&str; 7] = [
    "connection",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Parts of the names of headers that carry credentials.
const CREDENTIAL_HEADERS: [&str; 6] = [
    "authorization",
    "cookie",
    "key",
    "password",
    "secret",
    "token",
];

/// Checks a request and the use it makes of the arguments.
pub(super) fn read(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    parameters: &Parameters,
    http: HttpTable,
    side_effect: Option<SideEffectPolicy>,
) -> Option<HttpTool> {
    let before = reader.problems.len();
    let reach = if http.allow_private {
        Reach::Private
    } else {
        Reach::Public
    };
    check_reach(reader, document, "/http/url", &http.url, reach);
    if let Some(lookup) = &http.lookup {
        check_reach(reader, document, lookup::URL, &lookup.url, reach);
    }
    let mut used = url_arguments(reader, document, parameters, "/http/url", &http.url);
    for (index, name) in http.query.iter().enumerate() {
        let pointer = format!("/http/query/{index}");
        parameters.expect_scalar(reader, document, &pointer, "query", name);
        used.insert(name.clone());
    }
    check_headers(reader, document, "/http/headers", &http.headers);
    if let Some(name) = &http.idempotency_header
        && (!is_header_name(name) || is_own(name))
    {
        let what = "`idempotency_header` cannot be this header";
        let problem = document.problem("/http/idempotency_header", what);
        reader
            .problems
            .push(problem.hint("write for example `Idempotency-Key`"));
    }
    let lookup = http.lookup.as_ref();
    let lookup = lookup.map(|asked| lookup::read(reader, document, parameters, asked));
    let json_body = json_body(reader, document, &http);
    warn(
        reader,
        document,
        parameters,
        &http,
        side_effect,
        &used,
        json_body,
    );
    (reader.problems.len() == before).then(|| HttpTool {
        method: http.method.name().to_owned(),
        url: http.url,
        query: http.query,
        headers: http.headers,
        json_body,
        idempotency_header: http.idempotency_header,
        reach,
        lookup,
    })
}

/// Checks the headers at `pointer`.
pub(super) fn check_headers(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    pointer: &str,
    headers: &BTreeMap<String, String>,
) {
    for (name, value) in headers {
        if let Err((what, hint)) = check_header(name, value) {
            let pointer = format!("{pointer}/{}", escape(name));
            let problem = document.problem(&pointer, format!("header `{name}` {what}"));
            reader.problems.push(problem.perhaps(hint));
        }
    }
}

/// Tells of an address that is beyond `reach`.
fn check_reach(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    pointer: &str,
    url: &str,
    reach: Reach,
) {
    if strays(url, reach) {
        let (what, hint) = match reach {
            Reach::Public => (
                "leads to this machine or a private network",
                "set `allow_private = true` under [http] if it is meant to",
            ),
            Reach::Private | Reach::Anywhere => (
                "leads to an address that no tool may reach",
                "write the service's own address",
            ),
        };
        let problem = document.problem(pointer, format!("`url` {what}"));
        reader.problems.push(problem.hint(hint));
    }
}

/// The arguments that stand in the address at `pointer`, checked with it.
pub(super) fn url_arguments(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    parameters: &Parameters,
    pointer: &str,
    url: &str,
) -> BTreeSet<String> {
    let found = Address::parse(url).and_then(|address| holes(address.rest));
    let names = match found {
        Ok(names) => names,
        Err((what, hint)) => {
            let problem = document.problem(pointer, format!("`url` {what}"));
            reader.problems.push(problem.perhaps(hint));
            return BTreeSet::new();
        }
    };
    for name in &names {
        if *name == lookup::KEY && pointer == lookup::URL {
            continue;
        }
        if name.starts_with("secret:") {
            let problem = document
                .problem(
                    pointer,
                    "a secret must not stand in an address, which is logged on its way",
                )
                .hint("send it in a header: `Authorization = \"Bearer {secret:NAME}\"`");
            reader.problems.push(problem);
        } else if parameters.expect_scalar(reader, document, pointer, "url", name)
            && !parameters.is_required(name)
        {
            let problem = document
                .problem(
                    pointer,
                    format!("`{name}` stands in the address but may be absent"),
                )
                .hint("name it in `required` under `[parameters]`, or send it in `query`");
            reader.problems.push(problem);
        }
    }
    names.into_iter().map(str::to_owned).collect()
}

fn is_own(name: &str) -> bool {
    OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn is_header_name(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token)
}

fn check_header(name: &str, value: &str) -> Result<(), Fault> {
    let fault = |what: &str, hint: &str| Err((what.to_owned(), Some(hint.to_owned())));
    if !is_header_name(name) {
        return fault("has no valid name", "use letters, digits and -");
    }
    if is_own(name) {
        return fault("is written by Confab itself", "remove it");
    }
    if !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        return fault(
            "holds something else than printable ASCII",
            "write it on one line, without accents",
        );
    }
    let holes = holes(value)?;
    for hole in &holes {
        match hole.strip_prefix("secret:") {
            None => {
                return fault(
                    "has a hole for an argument",
                    "send arguments in the address, the query or the body",
                );
            }
            Some(secret) if !names::is_secret(secret) => {
                let (rule, hint) = names::rule(names::SECRET, secret);
                return Err((format!("must have {rule} in `{{secret:…}}`"), hint));
            }
            Some(_) => {}
        }
    }
    let lower = name.to_ascii_lowercase();
    let credential = CREDENTIAL_HEADERS.iter().any(|part| lower.contains(part));
    let mut words = value.split_whitespace();
    if credential && holes.is_empty() && words.any(names::looks_like_secret) {
        return fault(
            "holds what looks like a secret itself",
            "put it into the secrets file and write `{secret:NAME}` here",
        );
    }
    Ok(())
}

fn json_body(reader: &mut Reader<'_>, document: &Document<'_>, http: &HttpTable) -> bool {
    match (http.body, http.method) {
        (Some(Body::Json), Method::Get | Method::Head) => {
            let problem = document
                .problem(
                    "/http/body",
                    format!("a {} has no body", http.method.name()),
                )
                .hint("name the arguments in `query`, or use `method = \"POST\"`");
            reader.problems.push(problem);
            false
        }
        (Some(body), _) => body == Body::Json,
        (None, method) => method.has_body(),
    }
}

fn warn(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    parameters: &Parameters,
    http: &HttpTable,
    side_effect: Option<SideEffectPolicy>,
    used: &BTreeSet<String>,
    json_body: bool,
) {
    let unused: Vec<&str> = parameters
        .names()
        .filter(|name| !used.contains(*name))
        .collect();
    if !json_body && !unused.is_empty() {
        let warning = document
            .problem(
                "/http",
                format!("the request does not send {}", listed(unused)),
            )
            .hint("use the argument in `url`, name it in `query`, or set `body = \"json\"`");
        reader.warnings.push(warning);
    }
    let repeats = side_effect == Some(SideEffectPolicy::Idempotent);
    let keyless = matches!(http.method, Method::Post | Method::Patch);
    if repeats && keyless && http.idempotency_header.is_none() {
        let what =
            "this is declared `idempotent`, but nothing tells the other side of a repetition";
        let warning = document
            .problem("/http/method", what)
            .hint("set `idempotency_header`, or make sure that the service recognises repeats");
        reader.warnings.push(warning);
    }
    let changes = matches!(http.method, Method::Put | Method::Patch | Method::Delete);
    if side_effect == Some(SideEffectPolicy::Pure) && changes {
        let what = format!(
            "a {} usually changes something, but this is declared `pure`",
            http.method.name()
        );
        let warning = document.problem("/side_effect", what);
        reader
            .warnings
            .push(warning.hint("a `pure` tool may be called any number of times"));
    }
}

/// The names of the secrets in a header's value.
pub(super) fn secrets(value: &str) -> Vec<String> {
    holes(value)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|hole| hole.strip_prefix("secret:"))
        .map(str::to_owned)
        .collect()
}
