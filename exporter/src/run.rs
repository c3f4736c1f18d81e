//! The commands. Here the kernel side and the sinks meet, and nowhere else.

use std::{io, sync::Arc};

use anyhow::{Context as _, Result};
use killsnoop_exporter::{
    cgroup::{CgroupSender, Places},
    event::Event,
    kernel::{Notice, Reader},
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::{JoinError, JoinHandle},
};

pub(crate) mod check;
pub(crate) mod serve;
pub(crate) mod trace;
mod watch;
pub(crate) mod why;

/// SIGTERM, as service managers send it, and SIGINT, as Ctrl-C does: both ask for an orderly end.
struct Ending {
    terminate: Signal,
    interrupt: Signal,
}

impl Ending {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for either, and returns its name.
    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Reads events on a thread of its own, since it waits for the kernel, and says where their processes run.
fn read(
    reader: Reader,
    places: Arc<Places>,
    cgroups: CgroupSender,
    mut take: impl FnMut(&Event) + Send + 'static,
) -> JoinHandle<io::Result<()>> {
    let take = move |notice| match notice {
        Notice::Event(mut event) => {
            places.fill(&mut event);
            take(&event);
        }
        Notice::CgroupMade { id, parent } => cgroups.made(id, parent),
    };
    tokio::task::spawn_blocking(move || reader.run(take).map_err(io::Error::other))
}

/// A task that should have gone on and did not.
fn ended(task: &str, outcome: Result<io::Result<()>, JoinError>) -> anyhow::Error {
    match outcome {
        Ok(Ok(())) => anyhow::anyhow!("{task} ended although nobody asked"),
        Ok(Err(error)) => anyhow::Error::from(error).context(format!("{task} failed")),
        Err(error) => anyhow::Error::from(error).context(format!("{task} died")),
    }
}

#[cfg(test)]
mod tests {
    use super::ended;

    #[tokio::test]
    async fn a_task_that_ends_early_is_an_error_that_names_it_however_it_ended() {
        let done = ended("reading", tokio::spawn(async { Ok(()) }).await);
        assert_eq!(format!("{done:#}"), "reading ended although nobody asked");

        let failed = ended("reading", tokio::spawn(async { Err(std::io::Error::other("no ring")) }).await);
        assert_eq!(format!("{failed:#}"), "reading failed: no ring");

        let died = ended("reading", tokio::spawn(async { panic!("a bug") }).await);
        assert!(format!("{died:#}").starts_with("reading died: "), "{died:#}");
    }
}
