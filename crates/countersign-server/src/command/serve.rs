//! `countersign serve`: the server, until it is told to stop.

mod banner;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use clap::{ArgMatches, Command};
use countersign::store::AuditStore;
use countersign::trail::Trail;
use countersign_axum::Clock;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::command::output::print;
use crate::command::serve::banner::{Addresses, banner};
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::log::{self, Log};
use crate::metrics;
use crate::process;
use crate::settings::{self, Configuration, Settings};
use crate::traces::Traces;
use crate::transport::{self, Door, Limits, Presentation, RequestCounts, Stopped};
use crate::wiring;

/// How long the last records of the audit log may take to be written.
const LAST_RECORDS: Duration = Duration::from_secs(3);
/// How long threads that still work may hold up the end of the process.
const LAST_WAIT: Duration = Duration::from_secs(1);

pub(super) fn declare() -> Command {
    Command::new("serve").about("Run the server").args(settings::flags(|_| true))
}

/// `program`: how this program was called, for the commands that the banner shows.
pub(super) fn run(matches: &ArgMatches, program: &str) -> Result<(), Failure> {
    let settings = Configuration::load(&settings::given(matches))?.settings;
    let trail = Trail::new(Clock::system());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let start = |collector| Traces::start(collector, settings.traces_one_of, runtime.handle());
    let traces = settings.traces.as_ref().map(start).transpose().context("cannot send traces")?;
    let _log = Log::start(settings.log, &trail, traces.as_ref()).context("cannot start the log")?;
    log::log_panics();
    process::leave_no_core();
    let ended = runtime.block_on(serve(&settings, program, &trail));
    if let Some(traces) = traces {
        traces.finish();
    }
    runtime.shutdown_timeout(LAST_WAIT);
    ended
}

async fn serve(settings: &Settings, program: &str, trail: &Trail) -> Result<(), Failure> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    // Taken now, since it would end the process until then.
    let hangup = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    let certificate = tls::certificate(settings)?;
    let directory = DataDirectory::of(settings);
    let store = directory.open().await?;
    let listener = listen(settings.listen).map_err(|error| cannot_listen(settings.listen, "--listen", &error))?;
    let address = listener.local_addr().context("cannot listen")?;
    let metrics = settings.metrics.map(listen_for_metrics).transpose()?;
    let issuer = settings.issuer_at(address);
    let (router, sources) = wiring::router(settings, &directory, store.clone(), &issuer, trail).await?;
    let limits =
        Limits { connections: process::connections_within_descriptors(settings.max_connections), ..Limits::default() };
    let presentation = presentation(settings, &issuer, sources.requests.clone());
    let addresses = Addresses { public: address, metrics: metrics.as_ref().map(|(_, address)| *address) };
    print(&banner(settings, program, addresses, &issuer))?;
    for warning in banner::warnings(settings, address, &issuer) {
        tracing::warn!("{warning}");
    }
    tracing::info!(%address, issuer, "listening");
    if let Some((listener, _)) = metrics {
        let forever = std::future::pending();
        tokio::spawn(transport::serve(
            listener,
            metrics::router(sources),
            Presentation { counts: RequestCounts::default(), is_traced: false, ..presentation.clone() },
            limits.clone(),
            forever,
        ));
    }

    let door = if let Some(certificate) = certificate {
        Door::encrypted(listener, tls::kept_fresh(certificate, hangup))
    } else {
        tokio::spawn(survive(hangup));
        Door::from(listener)
    };
    let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
    let serving = transport::serve(door, router, presentation, limits, async {
        let _ = stopping.await;
    });
    let hurried = async {
        signals.next().await;
        tracing::info!("stopping: requests in flight are answered first; a second signal stops at once");
        let _ = stop.send(());
        signals.next().await;
    };
    tokio::select! {
        () = async { finish(serving.await, trail, store.as_ref()).await } => Ok(()),
        () = hurried => Err(Failure::work(
            "stopped at once by a second signal: requests in flight were not answered, or the last records of the audit log not \
             written",
        )),
    }
}

/// Operators tell a service by this signal that something is to be read anew.
async fn survive(mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        tracing::info!("SIGHUP: there is nothing to read anew; settings are read when the server starts");
    }
}

fn presentation(settings: &Settings, issuer: &str, counts: RequestCounts) -> Presentation {
    Presentation {
        is_https: issuer.starts_with("https://"),
        error_style: settings.error_style,
        proxies: settings.trusted_proxies.clone(),
        is_traced: settings.traces.is_some(),
        counts,
    }
}

/// Writes what the audit log does not have yet.
async fn finish<S: AuditStore + ?Sized>(stopped: Stopped, trail: &Trail, store: &S) {
    if stopped == Stopped::CutOff {
        tracing::warn!("requests that took too long were cut off");
    }
    let flushed = tokio::time::timeout(LAST_RECORDS, trail.flush(store)).await;
    if !matches!(flushed, Ok(Ok(()))) {
        tracing::error!(waiting = trail.stats().waiting, "the last records of the audit log were not written");
    }
    tracing::info!("stopped");
}

/// Connections that may wait to be accepted. The usual 128 overflow in a storm of logins, and who is then passed over tries again
/// after seconds, where a refusal would have come at once.
const BACKLOG: u32 = 4096;

fn listen(address: std::net::SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn listen_for_metrics(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = listen(address).map_err(|error| cannot_listen(address, "--metrics", &error))?;
    let address = listener.local_addr().context("cannot listen for metrics")?;
    Ok((listener, address))
}

fn cannot_listen(address: SocketAddr, flag: &str, error: &io::Error) -> Failure {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "another program listens there: stop it, or choose another port by",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose another by",
        _ => "choose another address by",
    };
    Failure::work(format!("cannot listen on {address}: {error}: {remedy} {flag}"))
}

/// The signals that stop the server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
