//! Judges addresses where they are connected to: whatever a name led to when it was looked at before, this is where it
//! leads now.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use engine::http::Reach;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Resolves names, to addresses within a reach only.
pub(super) struct Guard {
    pub(super) reach: Reach,
    pub(super) names: Arc<dyn Resolve>,
}

/// The system's way of resolving names.
pub(super) struct System;

/// The address is beyond the reach.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Beyond(pub(super) String);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, host) = (self.reach, name.as_str().to_owned());
        let resolving = self.names.resolve(name);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = resolving.await?.collect();
            if addresses.iter().all(|address| reach.covers(address.ip())) {
                Ok(Box::new(addresses.into_iter()) as Addrs)
            } else {
                Err(Beyond(reach.refusal(&host)).into())
            }
        })
    }
}

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: io::Result<_> = tokio::net::lookup_host((name.as_str(), 0)).await;
            let addresses: Vec<SocketAddr> = found?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Refuses an address that stands in the URL itself, which is never resolved.
pub(super) fn check(url: &Url, reach: Reach) -> Result<(), Beyond> {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let beyond = bare
        .parse()
        .is_ok_and(|address: IpAddr| !reach.covers(address));
    if beyond {
        return Err(Beyond(reach.refusal(host)));
    }
    Ok(())
}
