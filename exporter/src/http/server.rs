//! From sockets that listen to requests. axum's own server has no limit on connections and none on the time a client
//! takes to say what it wants, so that a few hundred silent clients would keep every scrape out.

use std::{
    convert::Infallible,
    io::{self, ErrorKind},
    net,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{Router, response::Response};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;
use tracing::{debug, warn};

use super::{
    connections::{Connections, Place, Victim},
    seldom::Seldom,
};
use crate::pulse::Pulse;

/// Most bytes of a request's first line and headers together. Prometheus sends some 500.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// The first and the longest pause after a failed accept.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long a client that was let in has for its first request when the server ends.
const FIRST_REQUEST: Duration = Duration::from_millis(500);

/// What clients may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that may be open at once.
    pub max_connections: u16,
    /// How long a client may take for the headers of a request, the time before their first byte included.
    pub header_timeout: Duration,
    /// How long answers may take that are under way when the server ends.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 256,
            header_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(5),
        }
    }
}

/// A socket that listens, and whether clients are still let in there.
#[derive(Debug)]
pub struct Listener {
    socket: net::TcpListener,
    asked: Arc<Notify>,
    pulse: Arc<Pulse>,
}

impl Listener {
    /// Where it listens.
    ///
    /// # Errors
    /// If the kernel does not say.
    pub fn address(&self) -> io::Result<net::SocketAddr> {
        self.socket.local_addr()
    }

    /// It takes a turn when it is woken, unless it cannot let a client in.
    #[must_use]
    pub fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }
}

impl From<net::TcpListener> for Listener {
    fn from(socket: net::TcpListener) -> Self {
        let asked = Arc::new(Notify::new());
        let wake = Arc::clone(&asked);
        Self { socket, asked, pulse: Arc::new(Pulse::new(move || wake.notify_one())) }
    }
}

/// What all connections share.
struct Server {
    router: Router,
    limits: Limits,
    connections: Arc<Connections>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
    failures: Seldom,
}

/// Serves until `shutdown`, then waits for the answers that are under way, but no longer than the limits say.
///
/// # Errors
/// If a listener cannot be used at all. What goes wrong with a connection ends that connection alone.
pub async fn serve(
    listeners: Vec<Listener>,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let connections = Connections::new(limits.max_connections);
    let server = Arc::new(Server {
        router,
        limits,
        connections,
        tasks: TaskTracker::new(),
        shutdown,
        failures: Seldom::default(),
    });
    let mut loops = JoinSet::new();
    for Listener { socket, asked, pulse } in listeners {
        socket.set_nonblocking(true)?;
        let socket = TcpListener::from_std(socket)?;
        let server = Arc::clone(&server);
        loops.spawn(async move {
            let accept = || async {
                loop {
                    select! {
                        accepted = socket.accept() => return accepted.map(|(stream, _)| stream),
                        () = asked.notified() => pulse.turn(),
                    }
                }
            };
            server.accept_all(accept).await;
        });
    }
    while let Some(ended) = loops.join_next().await {
        ended.map_err(io::Error::other)?;
    }
    server.drain().await;
    Ok(())
}

impl Server {
    /// Takes connections until the end. Whatever `accept` says, it is asked again.
    async fn accept_all<F: Future<Output = io::Result<TcpStream>>>(self: &Arc<Self>, accept: impl Fn() -> F) {
        let mut pause = FIRST_PAUSE;
        loop {
            let accepted = select! {
                accepted = accept() => accepted,
                () = self.shutdown.cancelled() => return,
            };
            match accepted {
                Ok(stream) => {
                    pause = FIRST_PAUSE;
                    self.admit(stream).await;
                }
                Err(error) if is_of_the_client(&error) => {
                    debug!("a client left before it was served: {error}");
                }
                Err(error) => {
                    if self.failures.is_due() {
                        warn!("cannot accept connections, will try again: {error}");
                    }
                    // Most likely there are no more file descriptors. Here is one that can be spared.
                    self.connections.close_one(Victim::Waiting);
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn admit(self: &Arc<Self>, stream: TcpStream) {
        let place = Arc::new(self.connections.enter().await);
        let server = Arc::clone(self);
        self.tasks.spawn(async move { server.converse(stream, place).await });
    }

    /// Serves one connection until its client leaves, is too slow, must make room, or the server ends.
    async fn converse(&self, stream: TcpStream, place: Arc<Place>) {
        if let Err(error) = stream.set_nodelay(true) {
            debug!("cannot send small answers at once: {error}");
        }
        let service = service_fn(|request| self.answer(request, &place));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_buf_size(MAX_HEADER_BYTES);
        let mut conversation = pin!(http.serve_connection(TokioIo::new(stream), service));
        let ended = select! {
            ended = conversation.as_mut() => ended,
            () = place.closed() => return,
            () = self.shutdown.cancelled() => {
                conversation.as_mut().graceful_shutdown();
                select! {
                    ended = conversation => ended,
                    () = place.closed() => return,
                    () = says_nothing(&place) => return,
                }
            }
        };
        if let Err(error) = ended {
            debug!("a connection ended early: {error}");
        }
    }

    async fn answer(&self, request: Request<Incoming>, place: &Arc<Place>) -> Result<Response, Infallible> {
        let _answer = place.answer();
        self.router.clone().oneshot(request).await
    }

    async fn drain(&self) {
        self.tasks.close();
        if timeout(self.limits.drain_timeout, self.tasks.wait()).await.is_err() {
            self.connections.close_all();
            self.tasks.wait().await;
        }
    }
}

/// Returns if a client sends no request that was on its way when the server began to end; hyper would wait for it without end.
async fn says_nothing(place: &Place) {
    sleep(FIRST_REQUEST).await;
    if place.has_served() {
        std::future::pending::<()>().await;
    }
}

/// Whether it is one client's fault, and says nothing about the next one.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use std::{
        io::Error,
        sync::atomic::{AtomicUsize, Ordering::Relaxed},
    };

    use nix::errno::Errno;

    use super::*;

    #[tokio::test]
    async fn a_failed_accept_frees_a_descriptor_and_is_tried_again() {
        let server = Arc::new(Server {
            router: Router::new(),
            limits: Limits::default(),
            connections: Connections::new(2),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            failures: Seldom::default(),
        });
        let spare = server.connections.enter().await;
        let n_tries = AtomicUsize::new(0);
        let accept = || async {
            match n_tries.fetch_add(1, Relaxed) {
                0 => Err(Errno::ECONNABORTED.into()),
                1 | 2 => Err(Error::from(Errno::EMFILE)),
                _ => {
                    server.shutdown.cancel();
                    std::future::pending().await
                }
            }
        };
        server.accept_all(accept).await;
        spare.closed().await;
        assert_eq!(n_tries.into_inner(), 4);
    }
}
