//! The names in a path.

use engine::session::SessionKey;
use http::{StatusCode, Uri};
use percent_encoding::percent_decode_str;

use crate::Problem;

/// The session of a path such as [`MESSAGES`](crate::openapi::MESSAGES).
pub(crate) fn session(uri: &Uri) -> Result<SessionKey, Problem> {
    let [tenant, bot, session, _] = names(uri, "/v1/{tenant}/{bot}/sessions/{session}/{what}")?;
    SessionKey::from_id(&tenant, &bot, &session).map_err(|bad| invalid(bad.to_string()))
}

/// Tenant and bot of a webhook's path.
pub(crate) fn bot(uri: &Uri) -> Result<[String; 2], Problem> {
    let [_, tenant, bot] = names(uri, "/webhooks/{carrier}/{tenant}/{bot}")?;
    Ok([tenant, bot])
}

/// What stands in a path for the names in braces of `template`, of which there are `N`.
pub(crate) fn names<const N: usize>(uri: &Uri, template: &str) -> Result<[String; N], Problem> {
    let mut names = Vec::with_capacity(N);
    let mut words = uri.path().split('/');
    for expected in template.split('/') {
        let word = words.next().ok_or_else(Problem::no_such_path)?;
        if !expected.starts_with('{') {
            if word != expected {
                return Err(Problem::no_such_path());
            }
        } else if word.is_empty() {
            return Err(Problem::no_such_path());
        } else {
            let name = percent_decode_str(word).decode_utf8();
            names.push(
                name.map_err(|_| invalid("the path is not UTF-8"))?
                    .into_owned(),
            );
        }
    }
    match words.next() {
        None => names.try_into().map_err(|_| Problem::no_such_path()),
        Some(_) => Err(Problem::no_such_path()),
    }
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_path", detail)
}

#[cfg(test)]
mod tests;
