//! The server: bound to an address, run until it is told to stop.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use linprobe::Surroundings;

use crate::{
    guard::{Guard, Hosts, Tokens, random_name},
    router::router,
    served::{Served, Shared},
    workspace::Workspace,
};

/// How long requests may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// How long somebody may leave records open without an answer, where nothing else is said.
pub const PATIENCE: Duration = Duration::from_mins(30);

/// How long a connection may take to send the head of a request, the wait for it included.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// What to serve, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folders of projects, and folders that hold such folders.
    pub projects: Vec<PathBuf>,
    /// The name or address to bind.
    pub host: String,
    /// The port; 0 for any that is free.
    pub port: u16,
    /// The token to ask for. One is made where it is needed and not given.
    pub token: Option<String>,
    /// Further names by which this server may be asked.
    pub allowed_hosts: Vec<String>,
    /// Folders that datasets may be indexed from.
    pub data_roots: Vec<PathBuf>,
    /// How long somebody may leave records open without an answer before others get them.
    pub patience: Duration,
    /// Where models come from, and the time.
    pub surroundings: Surroundings,
}

/// A server that is bound to its address and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    token: Option<String>,
    served: Shared,
    head_time: Duration,
}

impl Server {
    /// Binds the address. Anybody on this machine may ask a server on a loopback address; any other
    /// one needs a token.
    ///
    /// # Errors
    /// [`ServeError`] when the address cannot be had, or a folder is not there.
    pub fn bind(settings: &Settings) -> Result<Self, ServeError> {
        let refused = |source| ServeError::Address {
            address: format!("{}:{}", settings.host, settings.port),
            source,
        };
        let mut addresses =
            (settings.host.as_str(), settings.port).to_socket_addrs().map_err(refused)?;
        let wanted = addresses.next();
        let wanted = wanted.ok_or_else(|| refused(io::ErrorKind::AddrNotAvailable.into()))?;
        let listener = TcpListener::bind(wanted).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let token = needed_token(settings, address.ip())?;
        let served = Arc::new(served(settings, address, token.clone())?);
        Ok(Self { listener, address, token, served, head_time: HEAD_TIME })
    }

    /// Closes connections that take longer than this to send the head of a request, in the place of
    /// 30 seconds.
    #[must_use]
    pub fn with_head_time(self, head_time: Duration) -> Self {
        Self { head_time, ..self }
    }

    /// Where the page is.
    pub fn url(&self) -> String {
        let address = match self.address.ip() {
            ip if ip.is_unspecified() => {
                SocketAddr::new([127, 0, 0, 1].into(), self.address.port())
            }
            _ => self.address,
        };
        format!("http://{address}/")
    }

    /// The token that it asks for, if it does.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The names of the projects in addresses.
    pub fn slugs(&self) -> Vec<String> {
        self.served.workspace.entries().into_iter().map(|entry| entry.slug).collect()
    }

    /// Everything that it answers, for those who bring a server of their own.
    pub fn router(&self) -> Router {
        router(Arc::clone(&self.served))
    }

    /// Answers until the process is told to stop: by ctrl-c, or by SIGTERM. Requests that are being
    /// answered then have some seconds to end.
    ///
    /// # Errors
    /// [`ServeError::Runtime`] when the system gives no threads.
    pub fn run(self) -> Result<(), ServeError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(ServeError::Runtime)?;
        let served = runtime.block_on(self.serve());
        runtime.shutdown_timeout(GRACE);
        served.map_err(ServeError::Runtime)
    }

    async fn serve(self) -> io::Result<()> {
        let router = self.router();
        let handle = Handle::new();
        let mut server = axum_server::from_tcp(self.listener)?.handle(handle.clone());
        let mut http = server.http_builder().http1();
        http.timer(TokioTimer::new()).header_read_timeout(self.head_time);
        let serving = tokio::spawn(server.serve(router.into_make_service()));
        told_to_stop().await?;
        // Whoever still listens to a job's progress is left when the time is over.
        handle.graceful_shutdown(Some(GRACE));
        serving.await.unwrap_or(Ok(()))
    }
}

/// Waits for ctrl-c or SIGTERM.
#[cfg(unix)]
async fn told_to_stop() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    std::future::poll_fn(|context| {
        let first = interrupted.poll_recv(context);
        if first.is_ready() { first } else { terminated.poll_recv(context) }
    })
    .await;
    Ok(())
}

/// Waits for ctrl-c.
#[cfg(not(unix))]
async fn told_to_stop() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

fn needed_token(settings: &Settings, bound: IpAddr) -> Result<Option<String>, ServeError> {
    match &settings.token {
        Some(token) if token.is_empty() => Err(ServeError::EmptyToken),
        Some(token) => Ok(Some(token.clone())),
        None if bound.is_loopback() => Ok(None),
        None => random_name().map(Some).map_err(|_system| ServeError::NoRandomness),
    }
}

fn served(
    settings: &Settings,
    address: SocketAddr,
    token: Option<String>,
) -> Result<Served, ServeError> {
    let found = |folder: &PathBuf| {
        folder.canonicalize().map_err(|source| ServeError::Folder { path: folder.clone(), source })
    };
    let projects = settings.projects.iter().map(found).collect::<Result<Vec<_>, _>>()?;
    let data_roots = settings.data_roots.iter().map(found).collect::<Result<_, _>>()?;
    let tokens = token.map(|token| Tokens::new(token, address.port())).transpose();
    let tokens = tokens.map_err(|_system| ServeError::NoRandomness)?;
    let hosts = Hosts::new(address.ip(), &settings.allowed_hosts);
    let workspace = Workspace::new(&projects, settings.surroundings.clone());
    let guard = Guard::new(hosts, tokens);
    Ok(Served { workspace, data_roots, patience: settings.patience, guard })
}

/// Why a server cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Take another address or port.
    #[error(
        "cannot serve at {address}\nhint: another server may be there; --port 0 takes any port"
    )]
    Address {
        /// The address asked for.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// Give a folder that is there.
    #[error("cannot serve {path}", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Give a token, or none.
    #[error("the token is empty")]
    EmptyToken,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// The system gives no threads, or no signals.
    #[error("cannot run the server")]
    Runtime(#[source] io::Error),
}
