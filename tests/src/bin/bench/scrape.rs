//! What a scrape takes, against a page of the same size that never changes and is served by the same server.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Instant,
};

use axum::{Router, routing::get};
use bytes::Bytes;
use killsnoop_exporter::http::{Limits, serve as serve_pages};
use killsnoop_tests::{
    exporter::Exporter,
    http,
    measure::{progress, stats::Summary},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::{stats::Pairs, worker::Worker};

/// What this is called while it is done.
pub(crate) const STEP: &str = "scrapes";

/// Scrapes of each kind.
const N: usize = 500;

/// What scrapes took, in microseconds; pairs are of the static page and of the page of metrics.
pub(crate) struct Scrapes {
    pub(crate) bytes: usize,
    pub(crate) series: usize,
    /// Over a connection that stays open, as Prometheus does it.
    pub(crate) kept: Pairs,
    /// Over a new connection each.
    pub(crate) new: Pairs,
    /// Over a connection that stays open, while a process makes calls as fast as it can; and which scrape of 100 took longest.
    pub(crate) flooded: Option<Summary>,
    pub(crate) flooded_p99: Option<f64>,
}

pub(crate) fn measure(worker: &mut Worker) -> Scrapes {
    progress::part(STEP, "the page of metrics");
    let exporter = Exporter::start(&[]);
    let page = exporter.get("/metrics").body;
    let fixed = Static::start(&page);
    let (kept, new) = (kept(&fixed.address, &exporter.address), new(&fixed.address, &exporter.address));
    let mut flooded = beside_flood(&exporter.address, worker);
    let series = exporter.scrape().len();
    exporter.stop();
    flooded.sort_by(f64::total_cmp);
    let flooded_p99 = flooded.get(flooded.len() * 99 / 100).copied();
    Scrapes { bytes: page.len(), series, kept, new, flooded: Summary::of(flooded), flooded_p99 }
}

fn kept(fixed: &str, exporter: &str) -> Pairs {
    let (mut fixed, mut exporter) = (Connection::open(fixed), Connection::open(exporter));
    let mut pairs = Pairs::default();
    for _ in 0..N {
        pairs.push(microseconds(|| fixed.get()), microseconds(|| exporter.get()));
    }
    pairs
}

fn new(fixed: &str, exporter: &str) -> Pairs {
    let get = |address| microseconds(|| http::get(address, "/metrics", &[]).body.len());
    let mut pairs = Pairs::default();
    for _ in 0..N {
        pairs.push(get(fixed), get(exporter));
    }
    pairs
}

fn beside_flood(exporter: &str, worker: &mut Worker) -> Vec<f64> {
    let mut connection = Connection::open(exporter);
    worker.begin_flood();
    // Fewer than a flood has time for.
    let times = (0..N / 2).map(|_| microseconds(|| connection.get())).collect();
    worker.answer();
    times
}

fn microseconds(run: impl FnOnce() -> usize) -> f64 {
    let started = Instant::now();
    assert!(run() > 0, "an empty page");
    started.elapsed().as_secs_f64() * 1e6
}

/// A connection that stays open.
struct Connection {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Connection {
    fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket can be told so");
        Self { stream: BufReader::with_capacity(1 << 17, stream), body: Vec::new() }
    }

    /// Asks for the page, and returns its size.
    fn get(&mut self) -> usize {
        let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        self.stream.get_mut().write_all(request).expect("the server reads the request");
        let length = self.length();
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).expect("the server answers");
        self.body.len()
    }

    /// Reads the headers up to the empty line.
    fn length(&mut self) -> usize {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("the server answers");
            match line.trim_end().to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().expect("a length is a number"),
                None if line.trim_end().is_empty() => return length,
                _ => {}
            }
        }
    }
}

/// A server of a page that never changes, in a process of its own.
struct Static {
    child: Child,
    address: String,
}

impl Static {
    fn start(page: &[u8]) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be had");
        fs::write(file.path(), page).expect("a temporary file can be written");
        let program = env::current_exe().expect("the kernel tells what runs");
        let mut command = Command::new(program);
        command.arg("static").arg(file.path()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the benchmark can start itself");
        let mut address = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        output.read_line(&mut address).expect("it says where it listens");
        Self { child, address: address.trim().to_owned() }
    }
}

impl Drop for Static {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The server's side.
pub(crate) fn serve(file: &str) {
    let page = Bytes::from(fs::read(file).expect("the benchmark has written it"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    println!("{}", listener.local_addr().expect("a listener has an address"));
    let router = Router::new().route("/metrics", get(async move || page.clone()));
    let served = serve_pages(vec![listener.into()], router, Limits::default(), CancellationToken::new());
    let runtime = Runtime::new().expect("threads can be had");
    runtime.block_on(served).expect("a listener can be used");
}

impl Scrapes {
    pub(crate) fn json(&self) -> Value {
        json!({
            "bytes": self.bytes, "series": self.series, "unit": "microseconds",
            "kept_connection": self.kept.summaries(), "new_connection": self.new.summaries(),
            "beside_a_flood": self.flooded.map(Summary::json), "beside_a_flood_p99": self.flooded_p99,
        })
    }
}
