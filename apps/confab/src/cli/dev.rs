//! `confab dev`: the local host.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;

use super::Place;
use super::failure::Failure;
use super::screen::Screen;
use super::{logs, warnings};
use crate::assemble::reload::{self, Reload};
use crate::assemble::{Assembly, Env, Versions};
use crate::host::Host;
use crate::http::{Guard, serve};

mod banner;
mod edits;
mod stop;

use banner::Banner;
use stop::Stop;

/// How long requests and turns may take to end after the host was asked to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serve a bot on this machine: web page, HTTP, webhooks; picks up edits of its folder
#[derive(Args)]
pub(super) struct Dev {
    #[command(flatten)]
    place: Place,
    /// The port to listen on; 0 takes any that is free
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The address to listen on; other than this machine's own it needs a key in the secrets file
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
}

impl Dev {
    pub(super) fn run(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        logs::start(screen, env)?;
        super::on_tokio(self.serve(screen, env))
    }

    async fn serve(&self, screen: &Screen, env: &Env) -> Result<(), Failure> {
        let mut assembly = Assembly::open(&self.place.options("dev"), env)?;
        warnings::tell(screen, &assembly);
        let bind = SocketAddr::new(self.bind, self.port);
        let guard = guard(&assembly, bind)?;
        let listener = listen(bind).await?;
        let address = listener.local_addr()?;
        let holder = format!("confab dev at {}", banner::url(address));
        assembly.data.name_holder(&holder)?;
        let host = &assembly.host;
        let unfinished = host.recover().await?;
        let stop = Stop::listen(*screen);
        let serving = tokio::spawn(serve(listener, host.clone(), guard, stop.clone().asked()));
        Banner {
            bot: &host.shelf().current().bot,
            data: assembly.data.path(),
            address,
            unfinished,
        }
        .show(screen)?;
        let (folder, models) = (assembly.folder.clone(), assembly.models.clone());
        let versions = Versions::new(assembly.data.path());
        let files = folder.files().clone();
        let edits = reload::watch(folder, host.clone(), models, |edit| {
            if let Reload::Replaced(ready) = &edit
                && let Err(error) = versions.keep_all(&files, &ready.library)
            {
                tracing::error!(%error, "the versions of the workflows could not be kept");
            }
            edits::tell(screen, &edit);
        });
        tokio::select! {
            () = edits => {}
            served = finish(serving, stop) => served?,
        }
        settle(host).await;
        Ok(())
    }
}

fn guard(assembly: &Assembly, bind: SocketAddr) -> Result<Guard, Failure> {
    let secrets = assembly.vault.file().clone();
    let runtime = assembly.runtime.clone();
    Ok(Guard::new(secrets, bind, runtime, assembly.data.path())?)
}

async fn listen(bind: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(bind).await.map_err(|error| {
        let (what, help) = match error.kind() {
            io::ErrorKind::AddrInUse => (
                format!("port {} is in use by another process", bind.port()),
                format!(
                    "stop that process, or choose another port, such as `--port {}`, or any with `--port 0`",
                    bind.port().checked_add(1).unwrap_or(8787)
                ),
            ),
            io::ErrorKind::PermissionDenied => (
                format!("this user may not listen on port {}", bind.port()),
                "choose a port above 1023 with --port".to_owned(),
            ),
            _ => (
                format!("cannot listen on {bind}: {error}"),
                "choose an address of this machine with --bind and a free port with --port".to_owned(),
            ),
        };
        Failure::cannot_run(what, Some(help))
    })
}

/// Waits until the host is asked to stop and its requests are answered, but not for ever.
async fn finish(
    serving: tokio::task::JoinHandle<io::Result<()>>,
    stop: Stop,
) -> Result<(), Failure> {
    let abort = serving.abort_handle();
    let patience = async {
        stop.asked().await;
        tokio::time::sleep(PATIENCE).await;
    };
    let served = tokio::select! {
        served = serving => served,
        () = patience => {
            abort.abort();
            return Ok(());
        }
    };
    let failed = |error: &dyn std::fmt::Display| {
        Failure::cannot_run(format!("the server stopped: {error}"), None)
    };
    served
        .map_err(|error| failed(&error))?
        .map_err(|error| failed(&error))
}

/// Lets the turns that run come to their end; those that do not are taken up at the next start.
async fn settle(host: &Arc<Host>) {
    let left = tokio::time::timeout(PATIENCE, host.idle()).await.is_err();
    if left {
        tracing::info!(turns = host.running(), "turns were left to the next start");
    }
    if let Err(error) = engine::session::Sessions::durable(&**host.store()).await {
        tracing::error!(error = %error.chain(), "the last writes may be lost");
    }
}
