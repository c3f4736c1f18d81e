//! Answers those who connect, and gives none of them much time or room.

use std::{io, sync::Arc, time::Duration};

use rustix::process::geteuid;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Listener, MOST_EVENTS, MOST_OF_REQUEST, request};
use crate::{
    event::Event,
    recent::{Found, Query, Recent},
    verdict::json,
};

/// What clients may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many are served at a time.
    pub(super) n_clients: usize,
    /// How long each may take for its request, and again for its answer.
    pub(super) time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { n_clients: 8, time: Duration::from_secs(5) }
    }
}

/// How long to wait before clients are let in again, if the kernel did not let one in.
const REST: Duration = Duration::from_secs(1);
/// Bytes of an answer that are put together before they are sent.
const CHUNK: usize = 64 << 10;

/// Answers what is asked until it is cancelled. Then the socket is gone.
///
/// # Errors
/// If the socket cannot be used at all.
pub async fn serve(listener: Listener, recent: Arc<Recent>, stop: CancellationToken) -> io::Result<()> {
    serve_within(listener, recent, stop, Limits::default()).await
}

pub(super) async fn serve_within(
    listener: Listener,
    recent: Arc<Recent>,
    stop: CancellationToken,
    limits: Limits,
) -> io::Result<()> {
    let socket = UnixListener::from_std(listener.socket.try_clone()?)?;
    let places = Arc::new(Semaphore::new(limits.n_clients));
    // Whoever is being answered when this ends is cut off.
    let mut clients = JoinSet::new();
    let accepting = async {
        loop {
            // Fails only if somebody closes the semaphore, which nobody does.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            while clients.try_join_next().is_some() {}
            match socket.accept().await {
                Ok((stream, _)) => {
                    let recent = Arc::clone(&recent);
                    clients.spawn(async move {
                        let _place = place;
                        if let Err(error) = converse(stream, &recent, limits.time).await {
                            tracing::debug!("a client of the control socket: {error}");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!("cannot let a client of the control socket in: {error}");
                    sleep(REST).await;
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        () = accepting => Ok(()),
    }
}

/// One request and its answer.
async fn converse(mut stream: UnixStream, recent: &Recent, time: Duration) -> io::Result<()> {
    let query = if may_ask(stream.peer_cred()?.uid()) {
        timeout(time, read(&mut stream)).await.unwrap_or_else(|_| Ok(Err(too_slow(time))))?
    } else {
        Err("only root and the user who runs the exporter may ask".to_owned())
    };
    let answer = async {
        match query {
            Ok(query) => {
                let limit = query.limit.min(MOST_EVENTS);
                send(&mut stream, &recent.find(&Query { limit, ..query })).await
            }
            Err(error) => stream.write_all(format!("{}\n", json!({ "error": error })).as_bytes()).await,
        }
    };
    timeout(time, answer).await?
}

fn may_ask(uid: u32) -> bool {
    [0, geteuid().as_raw()].contains(&uid)
}

fn too_slow(time: Duration) -> String {
    format!("no request came within {} s", time.as_secs_f32())
}

/// Reads the line of a request.
async fn read(stream: &mut UnixStream) -> io::Result<Result<Query, String>> {
    let mut line = Vec::with_capacity(256);
    let mut stream = stream.take(MOST_OF_REQUEST as u64);
    while !line.ends_with(b"\n") {
        if stream.read_buf(&mut line).await? == 0 {
            break;
        }
    }
    Ok(match line.iter().position(|byte| *byte == b'\n') {
        Some(end) => request::read(&line[..end]),
        None if line.len() == MOST_OF_REQUEST => {
            Err(format!("the request has more than {MOST_OF_REQUEST} bytes"))
        }
        None => Err("the request has no end".to_owned()),
    })
}

/// Sends what was found. Events become text only as fast as the client reads them.
async fn send(stream: &mut UnixStream, found: &Found) -> io::Result<()> {
    let mut chunk = String::new();
    for event in &found.events {
        chunk += &line(event);
        if chunk.len() >= CHUNK {
            stream.write_all(chunk.as_bytes()).await?;
            chunk.clear();
        }
    }
    chunk += &end(found).to_string();
    chunk.push('\n');
    stream.write_all(chunk.as_bytes()).await
}

fn line(event: &Event) -> String {
    let object = match event {
        Event::Death(death) => json::death(death),
        Event::OomKill(kill) => json::oom_kill(kill),
        Event::Signal(signal) => json::signal(signal),
        Event::Call(_) => return String::new(),
    };
    json::line(object) + "\n"
}

fn end(found: &Found) -> serde_json::Value {
    let since = json::time(found.since_unix_ns);
    json!({ "end": { "matching": found.n_matching, "kept": found.n_kept, "since": since } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_own_user_may_ask_and_nobody_else() {
        let me = geteuid().as_raw();
        assert!(may_ask(0) && may_ask(me));
        assert!(!may_ask(me + 1) && !may_ask(u32::MAX));
    }
}
