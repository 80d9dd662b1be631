//! The names in a path, and its query.

use engine::session::SessionKey;
use http::{StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::Problem;

/// The query of a request, when it can be read; `detail` says what it must be.
pub(crate) fn query<Q: DeserializeOwned>(uri: &Uri, detail: &str) -> Result<Q, Problem> {
    serde_urlencoded::from_str(uri.query().unwrap_or_default())
        .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "invalid_query", detail))
}

/// The session of a path such as [`MESSAGES`](crate::openapi::MESSAGES) or [`SESSION`](crate::openapi::SESSION).
pub(crate) fn session(uri: &Uri) -> Result<SessionKey, Problem> {
    let [tenant, bot, session] = match uri.path().split('/').count() {
        0..=6 => names(uri, "/v1/{tenant}/{bot}/sessions/{session}")?,
        7 => {
            let [tenant, bot, session, _] =
                names(uri, "/v1/{tenant}/{bot}/sessions/{session}/{what}")?;
            [tenant, bot, session]
        }
        _ => redrive(uri)?.0,
    };
    SessionKey::from_id(&tenant, &bot, &session).map_err(|bad| invalid(bad.to_string()))
}

/// The tenant of [`UNKNOWN`](crate::openapi::UNKNOWN).
pub(crate) fn unknown(uri: &Uri) -> Result<String, Problem> {
    let [tenant] = names(uri, "/v1/{tenant}/unknown")?;
    Ok(tenant)
}

/// The tenant and the name of [`ONE_UNKNOWN`](crate::openapi::ONE_UNKNOWN).
pub(crate) fn one_unknown(uri: &Uri) -> Result<[String; 2], Problem> {
    names(uri, "/v1/{tenant}/unknown/{id}")
}

/// The turn of a path such as [`REDRIVE`](crate::openapi::REDRIVE).
pub(crate) fn turn(uri: &Uri) -> Result<u64, Problem> {
    let (_, turn) = redrive(uri)?;
    turn.parse()
        .map_err(|_| invalid("the turn is not a number"))
}

fn redrive(uri: &Uri) -> Result<([String; 3], String), Problem> {
    let [tenant, bot, session, turn] = names(
        uri,
        "/v1/{tenant}/{bot}/sessions/{session}/turns/{turn}/redrive",
    )?;
    Ok(([tenant, bot, session], turn))
}

/// Tenant and bot of a webhook's path.
pub(crate) fn bot(uri: &Uri) -> Result<[String; 2], Problem> {
    let [_, tenant, bot] = names(uri, "/webhooks/{carrier}/{tenant}/{bot}")?;
    Ok([tenant, bot])
}

/// Tenant of the approvals' path.
pub(crate) fn approvals(uri: &Uri) -> Result<String, Problem> {
    let [tenant] = names(uri, "/v1/{tenant}/approvals")?;
    Ok(tenant)
}

/// Tenant and id of an approval's path.
pub(crate) fn approval(uri: &Uri) -> Result<[String; 2], Problem> {
    names(uri, "/v1/{tenant}/approvals/{approval}")
}

/// Tenant, id and what is decided, of a decision's path.
pub(crate) fn decision(uri: &Uri) -> Result<([String; 2], String), Problem> {
    let [tenant, id, verb] = names(uri, "/v1/{tenant}/approvals/{approval}/{verb}")?;
    Ok(([tenant, id], verb))
}

/// Tenant and id of a notice's path.
pub(crate) fn notice(uri: &Uri) -> Result<[String; 2], Problem> {
    names(uri, "/v1/{tenant}/notices/{notice}")
}

/// Tenant and id of the path where a notice is acknowledged.
pub(crate) fn acknowledge(uri: &Uri) -> Result<[String; 2], Problem> {
    names(uri, "/v1/{tenant}/notices/{notice}/acknowledge")
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
