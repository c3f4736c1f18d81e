//! The ends of what collectors send: a log store that takes all and keeps what it is told to, and a relay that counts bytes.

use std::{
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{Router, body::Bytes, extract::DefaultBodyLimit, http::header::CONTENT_TYPE, routing::any};
use killsnoop_exporter::http::{Limits, serve};
use tokio::{
    io::{self, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
};
use tokio_util::sync::CancellationToken;

/// Whatever takes OTLP over HTTP, at any path.
pub(crate) struct Store {
    pub(crate) address: String,
    took: Arc<Took>,
    _runtime: Runtime,
}

/// What it was sent.
#[derive(Default)]
struct Took {
    bytes: AtomicU64,
    requests: AtomicU64,
    bodies: Option<Mutex<Vec<Bytes>>>,
}

impl Store {
    /// One that keeps bodies.
    pub(crate) fn keeping() -> Self {
        Self::start(Took { bodies: Some(Mutex::default()), ..Took::default() })
    }

    /// One that counts alone.
    pub(crate) fn counting() -> Self {
        Self::start(Took::default())
    }

    fn start(took: Took) -> Self {
        let took = Arc::new(took);
        let taking = Arc::clone(&took);
        // An empty body is a message in which nothing was rejected.
        let take = async move |body: Bytes| {
            taking.take(body);
            ([(CONTENT_TYPE, "application/x-protobuf")], "")
        };
        let (listener, address) = listener();
        let router = Router::new().fallback(any(take)).layer(DefaultBodyLimit::disable());
        let runtime = Runtime::new().expect("threads can be had");
        runtime.spawn(serve(vec![listener.into()], router, Limits::default(), CancellationToken::new()));
        Self { address, took, _runtime: runtime }
    }

    /// Its base endpoint.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn bytes(&self) -> f64 {
        self.took.bytes.load(Ordering::Relaxed) as f64
    }

    pub(crate) fn requests(&self) -> f64 {
        self.took.requests.load(Ordering::Relaxed) as f64
    }

    pub(crate) fn bodies(&self) -> Vec<Bytes> {
        let bodies = self.took.bodies.as_ref().expect("it keeps them");
        bodies.lock().expect("nobody fails while taking").clone()
    }
}

impl Took {
    fn take(&self, body: Bytes) {
        self.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        if let Some(bodies) = &self.bodies {
            bodies.lock().expect("nobody fails while taking").push(body);
        }
    }
}

/// Between who connects and who listens: all bytes that go there, as they are on the wire.
pub(crate) struct Relay {
    pub(crate) address: String,
    bytes: Arc<AtomicU64>,
    _runtime: Runtime,
}

impl Relay {
    pub(crate) fn to(target: &str) -> Self {
        let (listener, address) = listener();
        let bytes = Arc::new(AtomicU64::new(0));
        let runtime = Runtime::new().expect("threads can be had");
        runtime.spawn(relay(listener, target.to_owned(), Arc::clone(&bytes)));
        Self { address, bytes, _runtime: runtime }
    }

    pub(crate) fn bytes(&self) -> f64 {
        self.bytes.load(Ordering::Relaxed) as f64
    }
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let address = listener.local_addr().expect("a listener has an address").to_string();
    (listener, address)
}

async fn relay(listener: TcpListener, target: String, bytes: Arc<AtomicU64>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (client, _) = listener.accept().await?;
        let server = TcpStream::connect(&target).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::spawn(pass(from_client, to_server, Arc::clone(&bytes)));
        tokio::spawn(pass(from_server, to_client, Arc::default()));
    }
}

/// From one end to the other, until either closes.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    bytes: Arc<AtomicU64>,
) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = from.read(&mut buffer).await?;
        if n == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..n]).await?;
        bytes.fetch_add(n as u64, Ordering::Relaxed);
    }
}
