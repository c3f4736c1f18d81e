//! What clients get, good and bad ones, through real sockets.

mod landing;

use std::{
    io::Read,
    net::SocketAddr,
    time::{Duration, Instant},
};

use clap::Parser;
use flate2::read::GzDecoder;
use killsnoop_common::kill::KillKey;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    metrics::fake::{self, Fake},
    pulse::Pulse,
    recent::Recent,
};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    web: WebArgs,
}

fn args(flags: &[&str]) -> WebArgs {
    Command::parse_from([&["command"], flags].concat()).web
}

fn site(ready: &Arc<AtomicBool>) -> Router {
    let counters = Fake::new(fake::snapshot(|key| u64::from(key == KillKey::new(9, 0)) * 5));
    router(&args(&[]), Page::new(counters, [("otlp", fake::ledger())]), landing(None), Arc::clone(ready))
}

fn landing(deaths: Option<Arc<Recent>>) -> Arc<Landing> {
    Arc::new(Landing::new(Fake::new(fake::snapshot(|_| 0)), []).with_deaths(deaths))
}

/// A server on a port of its own.
struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
    pulse: Arc<Pulse>,
}

impl Running {
    fn start(router: Router, limits: Limits) -> Self {
        let listeners = bind(&["127.0.0.1:0".to_owned()]).unwrap();
        let address = listeners[0].local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let listeners: Vec<_> = listeners.into_iter().map(Listener::from).collect();
        let pulse = listeners[0].pulse();
        let serving = tokio::spawn(serve(listeners, router, limits, shutdown.clone()));
        Self { address, shutdown, serving, pulse }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes, and reads what comes back until the server closes.
    async fn send(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect().await;
        let mut bytes = Vec::new();
        // A server that refuses may be gone before everything is sent and read, which is an answer too.
        if stream.write_all(request).await.and(stream.read_to_end(&mut bytes).await.map(drop)).is_err() {
            eprintln!("the server left after {} bytes", bytes.len());
        }
        Answer(bytes)
    }

    async fn get(&self, path: &str, headers: &str) -> Answer {
        self.request("GET", path, headers).await
    }

    async fn request(&self, method: &str, path: &str, headers: &str) -> Answer {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        self.send(request.as_bytes()).await
    }

    async fn end(self) {
        self.shutdown.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

/// The bytes of an answer.
#[derive(Debug)]
struct Answer(Vec<u8>);

impl Answer {
    fn head(&self) -> String {
        String::from_utf8_lossy(&self.0[..self.end_of_head()]).to_lowercase()
    }

    fn end_of_head(&self) -> usize {
        self.0.windows(4).position(|window| window == b"\r\n\r\n").map_or(self.0.len(), |at| at + 4)
    }

    fn body(&self) -> String {
        String::from_utf8_lossy(&self.0[self.end_of_head()..]).into_owned()
    }

    fn status(&self) -> Option<u16> {
        self.head().split(' ').nth(1)?.parse().ok()
    }

    fn has(&self, header: &str) -> bool {
        self.head().lines().any(|line| line == header)
    }
}

fn ready() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(true))
}

fn running() -> Running {
    Running::start(site(&ready()), Limits::default())
}

/// A server that soon leaves whoever has sent no whole request.
fn impatient() -> Running {
    Running::start(site(&ready()), Limits { header_timeout: Duration::from_millis(100), ..Limits::default() })
}

#[tokio::test]
async fn the_page_comes_in_the_format_that_was_asked_for() {
    let server = running();
    let rows = [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text;version=1.0.0",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            "application/vnd.google.protobuf;proto=io.prometheus.client.metricfamily;encoding=delimited",
        ),
    ];
    for (accept, content_type) in rows {
        let answer = server.get("/metrics", &format!("Accept: {accept}\r\n")).await;
        assert_eq!(answer.status(), Some(200));
        assert!(answer.has(&format!("content-type: {content_type}")), "{}", answer.head());
        assert!(answer.body().contains("killsnoop_kill_calls"));
    }
    let answer = server.get("/metrics?collect[]=x", "").await;
    assert!(answer.body().contains("\nkillsnoop_kill_calls_total{signal=\"SIGKILL\",result=\"ok\"} 5\n"));
    server.end().await;
}

#[tokio::test]
async fn readers_that_take_gzip_get_it() {
    let server = running();
    let plain = server.get("/metrics", "").await;
    let packed = server.get("/metrics", "Accept-Encoding: gzip\r\n").await;
    assert!(packed.has("content-encoding: gzip") && !plain.has("content-encoding: gzip"));
    assert!(packed.0.len() * 4 < plain.0.len());
    // The length is not known beforehand, so the body comes in chunks: size, CRLF, bytes, CRLF.
    let mut body = &packed.0[packed.end_of_head()..];
    let mut bytes = Vec::new();
    loop {
        let end = body.windows(2).position(|window| window == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        bytes.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 2 + size + 2..];
    }
    let mut page = String::new();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut page).unwrap();
    assert!(page.contains("killsnoop_kill_calls_total{signal=\"SIGKILL\",result=\"ok\"} 5\n"));
    server.end().await;
}

#[tokio::test]
async fn every_route_answers_and_nothing_else_does() {
    let ready = Arc::new(AtomicBool::new(false));
    let server = Running::start(site(&ready), Limits::default());
    for (path, status) in [
        ("/", 200),
        ("/metrics", 200),
        ("/healthz", 200),
        ("/-/healthy", 200),
        ("/readyz", 503),
        ("/-/ready", 503),
        ("/metrics/", 404),
        ("/-/reload", 404),
        ("/../etc/passwd", 404),
        ("/%2e%2e/", 404),
        ("*", 404),
    ] {
        let answer = server.get(path, "").await;
        assert_eq!(answer.status(), Some(status), "{path}");
        assert!(!answer.body().is_empty(), "{path}");
        assert!(answer.has("x-content-type-options: nosniff"), "{path}");
        assert!(answer.head().contains("\ncontent-security-policy: default-src 'none';"), "{path}");
    }
    ready.store(true, Relaxed);
    for path in READY {
        assert_eq!(server.get(path, "").await.status(), Some(200));
    }
    server.end().await;
}

#[tokio::test]
async fn the_metrics_move_to_another_path_on_request() {
    let args = args(&["--web.telemetry-path=/a/b"]);
    let page = Page::new(Fake::new(fake::snapshot(|_| 0)), []);
    let server = Running::start(router(&args, page, landing(None), ready()), args.limits());
    assert_eq!(server.get("/a/b", "").await.status(), Some(200));
    assert_eq!(server.get("/metrics", "").await.status(), Some(404));
    assert!(server.get("/", "").await.body().contains("href=\"/a/b\""));
    server.end().await;
}

#[tokio::test]
async fn head_is_get_without_a_body_and_other_methods_are_told_what_is_allowed() {
    let server = running();
    for path in ["/", "/metrics", "/readyz"] {
        let head = server.request("HEAD", path, "Accept-Encoding: gzip\r\n").await;
        assert_eq!((head.status(), head.body().as_str()), (Some(200), ""), "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let answer = server.request(method, "/metrics", "").await;
        assert_eq!(answer.status(), Some(405), "{method}");
        assert!(answer.has("allow: get,head"), "{}", answer.head());
    }
    server.end().await;
}

#[tokio::test]
async fn refused_counters_are_a_503_that_says_why() {
    let page = Page::new(Arc::new(Fake::default()), []);
    let server = Running::start(router(&args(&[]), page, landing(None), ready()), Limits::default());
    let answer = server.get("/metrics", "").await;
    assert_eq!(answer.status(), Some(503));
    assert!(answer.has("content-type: text/plain; charset=utf-8"));
    assert!(answer.body().starts_with("cannot read the counters from the kernel: "), "{}", answer.body());
    server.end().await;
}

#[tokio::test]
async fn a_connection_serves_many_scrapes() {
    let server = running();
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 512];
        let n = stream.read(&mut answer).await.unwrap();
        assert!(answer[..n].starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
    server.end().await;
}

#[tokio::test]
async fn hundreds_of_silent_clients_keep_no_scrape_out() {
    let limits = Limits { max_connections: 64, ..Limits::default() };
    let server = Running::start(site(&ready()), limits);
    let mut silent = Vec::new();
    for at in 0..300 {
        let mut stream = server.connect().await;
        if at % 2 == 0 {
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost:").await.unwrap();
        }
        silent.push(stream);
    }
    let started = Instant::now();
    assert_eq!(server.get("/metrics", "").await.status(), Some(200));
    assert!(started.elapsed() < Duration::from_secs(5));
    // The oldest had to make room: 64 places, of which the scrape took one.
    for stream in silent.iter_mut().take(300 - 64) {
        assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
    }
    server.end().await;
}

#[tokio::test]
async fn an_answer_in_the_making_is_spared_while_others_only_wait() {
    let release = Arc::new(tokio::sync::Notify::new());
    let (started, mut has_started) = tokio::sync::mpsc::unbounded_channel();
    let router = site(&ready()).route(
        "/slow",
        get({
            let release = Arc::clone(&release);
            async move || {
                started.send(()).unwrap();
                release.notified().await;
                "done"
            }
        }),
    );
    let server = Running::start(router, Limits { max_connections: 2, ..Limits::default() });
    let mut slow = server.connect().await;
    slow.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    has_started.recv().await.unwrap();
    for _ in 0..10 {
        assert_eq!(server.get("/healthz", "").await.status(), Some(200));
        drop(server.connect().await);
    }
    // A graceful end waits for it as well.
    server.shutdown.cancel();
    release.notify_one();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("done"), "{answer}");
    server.end().await;
}

#[tokio::test]
async fn an_answer_that_never_ends_does_not_keep_the_server_from_ending() {
    let (started, mut has_started) = tokio::sync::mpsc::unbounded_channel();
    let router = Router::new().route(
        "/",
        get(async move || {
            started.send(()).unwrap();
            std::future::pending::<()>().await;
        }),
    );
    let limits = Limits { drain_timeout: Duration::from_millis(20), ..Limits::default() };
    let server = Running::start(router, limits);
    let mut stuck = server.connect().await;
    stuck.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    has_started.recv().await.unwrap();
    server.end().await;
    assert_eq!(stuck.read(&mut [0]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn who_was_let_in_before_the_end_is_still_answered() {
    let server = running();
    let mut early = server.connect().await;
    early.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    // One who came later is answered, so the first was let in.
    assert_eq!(server.get("/healthz", "").await.status(), Some(200));
    server.shutdown.cancel();
    // Nobody else is let in any more, so the end has begun for all that are in.
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    early.write_all(b"Host: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    early.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.end().await;
}

#[tokio::test]
async fn clients_that_send_nothing_or_half_a_request_do_not_delay_the_end() {
    let server = running();
    let _silent = server.connect().await;
    let mut half = server.connect().await;
    half.write_all(b"GET / HT").await.unwrap();
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(idle.read(&mut [0; 512]).await.unwrap() > 0);
    let started = Instant::now();
    server.end().await;
    assert!(started.elapsed() < Limits::default().drain_timeout);
}

#[tokio::test]
async fn clients_that_take_too_long_for_their_headers_are_left() {
    let limits = Limits { header_timeout: Duration::from_millis(20), ..Limits::default() };
    let server = Running::start(site(&ready()), limits);
    for begun in ["", "GET /metrics HTTP/1.1\r\nHost: x\r\nA: "] {
        let mut stream = server.connect().await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0, "{begun}");
    }
    server.end().await;
}

#[tokio::test]
async fn requests_that_a_proxy_could_read_otherwise_are_refused() {
    let server = impatient();
    let rows = [
        // No Host, two Hosts.
        "GET /metrics HTTP/1.1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        // Two lengths, in both orders, and hidden ones.
        "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n\
         0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n\r\nabcd",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET /metrics HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        // Folded lines, and what is no header.
        "GET /metrics HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
        "GET  /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /metrics HTTP/3.7\r\nHost: x\r\n\r\n",
        "GET /metrics\r\n\r\n",
        "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    ];
    for request in rows {
        let answer = server.send(request.as_bytes()).await;
        let refused = answer.status().is_none_or(|status| (400..500).contains(&status));
        assert!(refused && answer.head().matches("http/1.1").count() <= 1, "{request:?}: {answer:?}");
    }
    assert_eq!(server.send(b"GET /metrics HTTP/1.0\r\n\r\n").await.status(), Some(200));
    server.end().await;
}

#[tokio::test]
async fn bodies_are_not_read_and_headers_have_a_limit() {
    let server = impatient();
    let answer = server.get("/metrics", "Content-Length: 9999999999\r\n").await;
    assert_eq!(answer.status(), Some(200));
    for headers in
        ["A: b\r\n".repeat(200), format!("A: {}\r\n", "b".repeat(64 * 1024)), "b".repeat(1024 * 1024)]
    {
        let answer = server.get("/metrics", &headers).await;
        assert!(answer.status().is_none_or(|status| status == 431 || status == 400), "{answer:?}");
    }
    let path = format!("/{}", "a".repeat(100_000));
    assert!(server.get(&path, "").await.status().is_none_or(|status| status == 414 || status == 431));
    assert_eq!(server.get("/metrics", "").await.status(), Some(200));
    server.end().await;
}

#[tokio::test]
async fn garbage_ends_its_own_connection_alone() {
    let server = impatient();
    let mut runner = TestRunner::deterministic();
    let garbage = proptest::collection::vec(proptest::num::u8::ANY, 0..2_000);
    for _ in 0..100 {
        let bytes = garbage.new_tree(&mut runner).unwrap().current();
        let answer = server.send(&bytes).await;
        assert!(answer.status().is_none_or(|status| (400..500).contains(&status)), "{answer:?}");
    }
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0",
        b"\r\n\r\n\r\n",
    ] {
        let answer = server.send(bytes).await;
        assert!(answer.status().is_none_or(|status| (400..500).contains(&status)), "{answer:?}");
    }
    assert_eq!(server.get("/metrics", "").await.status(), Some(200));
    server.end().await;
}

#[tokio::test]
async fn many_scrapes_at_once_are_all_answered() {
    let server = running();
    let mut streams = Vec::new();
    for _ in 0..50 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        streams.push(stream);
    }
    for mut stream in streams {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(Answer(bytes).status(), Some(200));
    }
    server.end().await;
}

#[tokio::test]
async fn it_tells_that_clients_are_let_in_although_all_places_are_taken_and_no_longer_when_it_has_ended() {
    let server = Running::start(site(&Arc::default()), Limits { max_connections: 1, ..Limits::default() });
    let _silent = (server.connect().await, server.connect().await);
    assert!(server.pulse.beats(Duration::from_secs(30)).await);
    let pulse = Arc::clone(&server.pulse);
    server.end().await;
    assert!(!pulse.beats(Duration::from_millis(10)).await);
}
