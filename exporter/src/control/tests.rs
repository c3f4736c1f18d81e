//! A server and its clients, of which some mean no good.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use tempfile::{TempDir, tempdir};
use tokio::runtime::{self, Runtime};
use tokio_util::sync::CancellationToken;

use super::{
    bind::listen,
    server::{Limits, serve_within},
    *,
};
use crate::{
    event::{Death, Event, OomKill, examples},
    recent::{Query, Recent, Whom},
};

/// A server that runs until it is dropped.
struct Server {
    path: PathBuf,
    recent: Arc<Recent>,
    stop: CancellationToken,
    serving: Option<thread::JoinHandle<()>>,
    _temporary: TempDir,
}

const LIMITS: Limits = Limits { n_clients: 8, time: Duration::from_mins(1) };

impl Server {
    fn start(limits: Limits) -> Self {
        let temporary = tempdir().unwrap();
        let path = temporary.path().join("control.sock");
        let (recent, stop) = (Arc::new(Recent::new(1000, Arc::default())), CancellationToken::new());
        let (listener, shared, stopped) = (listen(&path).unwrap(), Arc::clone(&recent), stop.clone());
        let serving = thread::spawn(move || {
            runtime().block_on(serve_within(listener, shared, stopped, limits)).unwrap();
        });
        Self { path, recent, stop, serving: Some(serving), _temporary: temporary }
    }

    fn with_deaths(n: u32) -> Self {
        let server = Self::start(LIMITS);
        (1..=n).for_each(|pid| server.push(pid));
        server
    }

    fn push(&self, pid: u32) {
        let mut death = examples::death();
        death.victim.pid = pid;
        death.time.boot_ns += u64::from(pid);
        self.recent.push(&Event::Death(Arc::new(death)));
    }

    /// Sends bytes, and returns everything that comes back.
    fn send(&self, bytes: &[u8]) -> String {
        let mut stream = UnixStream::connect(&self.path).unwrap();
        // The server may have seen enough before this is through.
        _ = stream.write_all(bytes);
        _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        if let Err(error) = stream.read_to_end(&mut answer) {
            // So ends a conversation in which the server has not read everything.
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
        String::from_utf8(answer).unwrap()
    }

    fn end(&mut self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.take() {
            serving.join().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn query(whom: &str, limit: usize) -> Query {
    Query { whom: whom.parse().unwrap(), within: None, limit }
}

fn pids(answer: &Answer) -> Vec<u64> {
    answer.events.iter().map(|event| event["victim"]["pid"].as_u64().unwrap()).collect()
}

fn error(path: &Path) -> String {
    format!("{:#}", anyhow::Error::from(ask(path, &query("", 1)).unwrap_err()))
}

#[test]
fn whoever_asks_is_told_what_is_kept() {
    let server = Server::with_deaths(3);
    let kill = OomKill { victim: examples::death().victim, ..examples::oom_kill() };
    server.recent.push(&Event::OomKill(Arc::new(kill)));
    let answer = ask(&server.path, &query("", 2)).unwrap();
    assert_eq!((pids(&answer), answer.n_matching, answer.n_kept), (vec![3, 2], 4, 4));
    assert!(answer.since.ends_with('Z'), "{}", answer.since);
    let answer = ask(&server.path, &query("pid:1", 2)).unwrap();
    assert_eq!(answer.events, [crate::verdict::json::death(&death(1))]);
    let answer = ask(&server.path, &query("pid:4711", 2)).unwrap();
    assert_eq!(answer.events[0]["event"], "oom_kill");
    let answer = ask(&server.path, &query("nobody", 2)).unwrap();
    assert_eq!((answer.events.len(), answer.n_matching, answer.n_kept), (0, 0, 4));
}

fn death(pid: u32) -> Death {
    let mut death = examples::death();
    (death.victim.pid, death.time.boot_ns) = (pid, death.time.boot_ns + u64::from(pid));
    death
}

#[test]
fn an_answer_of_many_chunks_arrives_whole_and_in_order() {
    let server = Server::with_deaths(1000);
    let answer = ask(&server.path, &query("nginx", 1000)).unwrap();
    assert_eq!(pids(&answer), (1..=1000).rev().collect::<Vec<_>>());
}

#[test]
fn the_socket_is_gone_when_the_server_has_ended() {
    let mut server = Server::with_deaths(1);
    server.end();
    assert!(!server.path.exists());
    let error = error(&server.path);
    for part in ["no exporter", server.path.to_str().unwrap(), "systemctl start", "--socket"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn what_is_no_request_is_answered_with_what_is_wrong() {
    let server = Server::with_deaths(1);
    let long = [vec![b' '; MOST_OF_REQUEST], b"{}\n".to_vec()].concat();
    let rows: [(&[u8], &str); 7] = [
        (b"", "has no end"),
        (b"{}", "has no end"),
        (b"\n", "no JSON object"),
        (b"GET / HTTP/1.1\r\n\r\n", "no JSON object"),
        (b"{\"sender\":1}\n", "does not understand \\\"sender\\\""),
        (b"{\"whom\":\"pid:x\"}\n", "is no pid"),
        (&long, "more than 4096 bytes"),
    ];
    for (request, part) in rows {
        let answer = server.send(request);
        assert!(answer.starts_with("{\"error\":") && answer.contains(part), "{answer}");
        assert_eq!(answer.find('\n'), Some(answer.len() - 1));
    }
    assert!(ask(&server.path, &query("", 1)).is_ok());
}

#[test]
fn the_longest_request_is_answered() {
    let server = Server::with_deaths(1);
    let request = [vec![b' '; MOST_OF_REQUEST - 3], b"{}\n".to_vec()].concat();
    assert!(server.send(&request).contains("\"end\""));
}

#[test]
fn what_the_exporter_refuses_is_told() {
    let server = Server::with_deaths(1);
    let long = Query { whom: Whom::Name("x".repeat(5000)), ..query("", 1) };
    let error = ask(&server.path, &long).unwrap_err().to_string();
    assert_eq!(error, "the exporter does not answer: the request has more than 4096 bytes");
}

#[test]
fn a_client_that_says_nothing_makes_room_after_its_time() {
    let server = Server::start(Limits { n_clients: 1, time: Duration::from_millis(100) });
    server.push(1);
    let mut silent = UnixStream::connect(&server.path).unwrap();
    // This one waits for the place of the silent one.
    assert_eq!(pids(&ask(&server.path, &query("", 1)).unwrap()), [1]);
    let mut answer = String::new();
    silent.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "{\"error\":\"no request came within 0.1 s\"}\n");
}

#[test]
fn a_client_that_does_not_read_makes_room_after_its_time() {
    let server = Server::start(Limits { n_clients: 1, time: Duration::from_millis(200) });
    (1..=1000).for_each(|pid| server.push(pid));
    let mut deaf = UnixStream::connect(&server.path).unwrap();
    deaf.write_all(b"{}\n").unwrap();
    assert_eq!(pids(&ask(&server.path, &query("", 1)).unwrap()), [1000]);
    let mut answer = String::new();
    deaf.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains("\"end\""));
}

#[test]
fn clients_do_not_wait_for_each_other() {
    let server = Server::with_deaths(1);
    let _silent: Vec<_> = (1..LIMITS.n_clients).map(|_| UnixStream::connect(&server.path).unwrap()).collect();
    let started = Instant::now();
    assert!(ask(&server.path, &query("", 1)).is_ok());
    assert!(started.elapsed() < LIMITS.time);
}

#[test]
fn an_end_does_not_wait_for_clients() {
    let mut server = Server::with_deaths(1);
    let _silent = UnixStream::connect(&server.path).unwrap();
    let started = Instant::now();
    server.end();
    assert!(started.elapsed() < LIMITS.time);
}

#[test]
fn an_answer_that_is_cut_off_or_garbled_is_no_answer() {
    let temporary = tempdir().unwrap();
    let path = temporary.path().join("control.sock");
    for answer in
        ["", "{}\n", "{\"end\":{}}\n", "no\n", "[]\n{\"end\":{\"matching\":0,\"kept\":0,\"since\":\"\"}}\n"]
    {
        let listener = listen(&path).unwrap();
        listener.socket.set_nonblocking(false).unwrap();
        let answering = thread::spawn(move || {
            let (mut stream, _) = listener.socket.accept().unwrap();
            _ = stream.read(&mut [0; 100]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            listener
        });
        let error = error(&path);
        assert!(error.contains("cut off or garbled"), "{error}");
        drop(answering.join().unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_sent_the_next_one_is_answered(bytes in prop::collection::vec(any::<u8>(), 0..6000)) {
        thread_local!(static SERVER: Server = Server::with_deaths(1));
        SERVER.with(|server| {
            let answer = server.send(&bytes);
            assert!(answer.starts_with("{\"error\":") || answer.contains("\"end\""), "{answer}");
            assert!(ask(&server.path, &query("", 1)).is_ok());
        });
    }
}
