//! Web addresses and the holes in them.

use std::net::{IpAddr, Ipv4Addr};

use crate::http::Reach;

/// A mistake and what to do about it.
pub(crate) type Fault = (String, Option<String>);

/// The parts of an absolute `http` or `https` address that matter for where it leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    /// `host` or `host:port`.
    pub(super) authority: &'a str,
    /// Everything after the host.
    pub(crate) rest: &'a str,
}

impl<'a> Address<'a> {
    /// Parses an address: `https`, or `http` to this machine.
    pub(crate) fn parse(url: &'a str) -> Result<Self, Fault> {
        let fault = |what: &str, hint: &str| (what.to_owned(), Some(hint.to_owned()));
        let (scheme, after) = url.split_once("://").ok_or_else(|| {
            fault(
                "is not an absolute address",
                "write it as `https://host/path`",
            )
        })?;
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        if authority.contains(['{', '}']) {
            return Err(fault(
                "has a hole in its host",
                "write the host out: an argument must not decide where a request goes",
            ));
        }
        if authority.contains('@') {
            return Err(fault(
                "carries a user or password",
                "send credentials in a header with `{secret:NAME}`",
            ));
        }
        let host = host(authority)
            .ok_or_else(|| fault("has no valid host", "write it as `https://host/path`"))?;
        match scheme {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => {
                return Err(fault(
                    "is not encrypted",
                    "use `https`; plain `http` is for `localhost` and `127.0.0.1` only",
                ));
            }
            _ => return Err(fault("is neither `https` nor `http`", "use `https`")),
        }
        if rest.contains('#') {
            return Err(fault("has a fragment", "remove `#` and what follows it"));
        }
        if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(fault("holds a space", "write a space as `%20`"));
        }
        Ok(Self { authority, rest })
    }
}

/// Whether `url` leads to an address that is beyond `reach`. Where a name leads is found out when it is used.
pub(crate) fn strays(url: &str, reach: Reach) -> bool {
    let address = match host_of(url) {
        Some("localhost") => Ok(IpAddr::from(Ipv4Addr::LOCALHOST)),
        host => host.unwrap_or_default().parse(),
    };
    address.is_ok_and(|address| !reach.covers(address))
}

/// Looks whether a secret may be sent to `url`: it is absolute, `https` (or `http` to this machine), and names no user.
///
/// # Errors
/// What is wrong with it, such as `is not encrypted`.
pub fn check_address(url: &str) -> Result<(), String> {
    Address::parse(url).map(drop).map_err(|(what, _)| what)
}

/// The host of an absolute address that names no user: without its port, an IPv6 address without its brackets.
#[must_use]
pub fn host_of(url: &str) -> Option<&str> {
    let (_, after) = url.split_once("://")?;
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    host(&after[..end])
}

fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(after) => {
            let (inner, rest) = after.split_once(']')?;
            inner.parse::<std::net::Ipv6Addr>().ok()?;
            match rest {
                "" => (inner, None),
                _ => (inner, Some(rest.strip_prefix(':')?)),
            }
        }
        None => match authority.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (authority, None),
        },
    };
    if let Some(port) = port {
        port.parse::<u16>().ok().filter(|port| *port > 0)?;
    }
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let numbered = host.parse::<IpAddr>().is_ok();
    (numbered || (!host.is_empty() && host.chars().all(named))).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The names in `{…}`, in order.
pub(super) fn holes(template: &str) -> Result<Vec<&str>, Fault> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find(['{', '}']) {
        let after = &rest[open + 1..];
        let close = after.find(['{', '}']);
        match close {
            Some(close) if rest[open..].starts_with('{') && after[close..].starts_with('}') => {
                names.push(&after[..close]);
                rest = &after[close + 1..];
            }
            _ => {
                return Err((
                    "has a brace without its partner".to_owned(),
                    Some(
                        "write a hole as `{name}`, and a literal brace as `%7B` or `%7D`"
                            .to_owned(),
                    ),
                ));
            }
        }
    }
    Ok(names)
}
