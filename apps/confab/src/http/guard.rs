//! Who this host lets in: keys when the secrets file has some, else only this machine's own user.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, Uri, header};
use engine::bot::secrets::Secrets;
use engine::error::{Error, Kind};
use engine::runtime::Runtime;
use engine::session::SessionKey;
use surface::{Access, Problem, SigningKey};

use crate::assemble::LOCAL_TENANT;

/// What a request must pass.
pub struct Guard {
    pub(super) access: Arc<Access>,
    loopback: bool,
}

impl Guard {
    /// The guard of a host that listens on `bind`, with the keys of `secrets`. What signs tokens is kept in
    /// `data`, so that pages live through a restart.
    ///
    /// # Errors
    /// When `bind` is not loopback and no key is configured, or `data` cannot be used.
    pub fn new(
        secrets: Arc<Secrets>,
        bind: SocketAddr,
        runtime: Runtime,
        data: &Path,
    ) -> Result<Self, Error> {
        let loopback = bind.ip().is_loopback();
        let open = !secrets.has_keys();
        if open && !loopback {
            let message = format!(
                "{bind} can be reached from outside, so a key is needed: add [[keys]] to the secrets file, \
                 or listen on 127.0.0.1"
            );
            return Err(Error::new(Kind::Invalid, message));
        }
        let signing = signing_key(data).map_err(|error| {
            Error::new(
                Kind::Unavailable,
                format!("cannot keep a key in {}", data.display()),
            )
            .because(error)
        })?;
        let access = if open {
            Access::open(LOCAL_TENANT, signing, runtime)
        } else {
            Access::keyed(secrets, signing, runtime)
        };
        Ok(Self {
            access: Arc::new(access),
            loopback,
        })
    }

    /// Refuses a browser that was sent here by another site, and names that are not ours.
    ///
    /// Guards an open host on loopback against DNS rebinding and cross-site requests.
    pub(super) fn check_origin(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
        let host = text(header::HOST)
            .or_else(|| uri.authority().map(|authority| authority.as_str()))
            .unwrap_or("");
        if self.loopback && !is_local_name(host) {
            return Err(Problem::forbidden(
                "call this host by 127.0.0.1 or localhost",
            ));
        }
        if let Some(origin) = text(header::ORIGIN) {
            let same = origin
                .split_once("://")
                .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
            if !same {
                return Err(Problem::forbidden("requests from other sites are refused"));
            }
        }
        Ok(())
    }
}

/// Whether `host`, with or without a port, names this machine.
fn is_local_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

/// A token with which `person` operates `session` on the host that works in `data`: whoever can read that folder
/// is its operator.
///
/// # Errors
/// When the folder's key cannot be read.
pub fn vouch(
    data: &Path,
    session: &SessionKey,
    person: &str,
    runtime: Runtime,
) -> std::io::Result<String> {
    let access = Access::open(LOCAL_TENANT, signing_key(data)?, runtime);
    Ok(access.vouch(session, person))
}

/// The key kept in `data`, made at first use.
pub(crate) fn signing_key(data: &Path) -> std::io::Result<SigningKey> {
    let path = data.join("page.key");
    if let Ok(kept) = fs::read(&path)
        && let Ok(key) = kept.try_into()
    {
        return Ok(SigningKey::new(key));
    }
    let key: [u8; 64] = rand::random();
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path)?.write_all(&key)?;
    Ok(SigningKey::new(key))
}
