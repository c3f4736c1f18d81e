//! Events as OpenTelemetry logs: batched, sent by OTLP over gRPC or HTTP, retried, and accounted for one by one.
//!
//! [`Config::resolve`] reads flags and the `OTEL_*` variables, [`start`] starts the sink, [`Sender::offer`] hands it
//! an event without ever waiting, [`Task::shutdown`] drains it. An event is `delivered` once the collector has said
//! so; where no answer came it counts as lost although the collector may have it, never the other way round.
//! `log.record.uid` tells records that came twice.
//!
//! The SDK's batch processor is not used: it tells of dropped records by one line in the log and of rejected ones not
//! at all, so that no account could be kept.
//!
//! | field | value |
//! |---|---|
//! | event name | `killsnoop.kill_call` |
//! | time | when the call returned, by the kernel's clock |
//! | observed time | when the exporter read the event |
//! | severity | `INFO` if the call failed, else `DEBUG` |
//! | body | `bash (4242) sent SIGKILL to 1024 by kill: ESRCH` |
//!
//! | attribute | type | value |
//! |---|---|---|
//! | `process.pid` | int | the sender's process id in the initial pid namespace |
//! | `process.real_user.id` | int | the sender's real user id in the initial user namespace |
//! | `thread.id` | int | the sending thread's id in the initial pid namespace |
//! | `thread.name` | string | the sending thread's name, its `comm`, which is not the name of its executable |
//! | `killsnoop.sender.cgroup.id` | string | the sender's cgroup (v2); text, since a 64-bit id loses digits in stores that keep numbers as doubles |
//! | `killsnoop.syscall.name` | string | `kill`, `tkill`, `tgkill`, `rt_sigqueueinfo`, `rt_tgsigqueueinfo` or `pidfd_send_signal` |
//! | `killsnoop.abi` | string | `compat` if the call came through the entry for 32-bit programs; else absent |
//! | `killsnoop.signal.number` | int | the signal as asked, any number |
//! | `killsnoop.signal.name` | string | its name, or its number if it has none |
//! | `killsnoop.target.pid` | int | the target as asked, in the sender's pid namespace: a process, 0 for the sender's group, -1 for everybody, a negated group |
//! | `killsnoop.target.tid` | int | the thread asked for by `tkill`, `tgkill` and `rt_tgsigqueueinfo`; `tkill` names no process |
//! | `killsnoop.target.pidfd` | int | the file descriptor given to `pidfd_send_signal`, which names no number |
//! | `killsnoop.result` | int | what the call returned: 0, or a negated errno |
//! | `error.type` | string | the errno's name if the call failed; else absent |
//! | `log.record.uid` | string | boot id, time of the return on the boot clock and thread id: the same whenever the event is sent |

mod client;
mod config;
mod delivery;
mod grpc;
mod http;
mod queue;
mod record;
mod report;
mod resource;
mod retry;
mod settings;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::Arc;

use tokio::{
    sync::oneshot,
    task::{JoinError, JoinHandle},
    time::Instant,
};

pub use config::{Config, OtlpArgs, Protocol};
pub use queue::Sender;

use crate::ledger::Ledger;
use delivery::Delivery;

/// Starts the sink on the current tokio runtime. It ends when asked to, or when every [`Sender`] is gone and all
/// events are sent.
///
/// # Panics
/// Outside of a tokio runtime.
#[must_use]
pub fn start(config: &Config, ledger: Arc<Ledger>) -> (Sender, Task) {
    tracing::info!("events go to {} by OTLP over {}", config.target(), config.protocol());
    let (sender, inbox) = queue::channel(config.limits(), ledger);
    let (stop, stopped) = oneshot::channel();
    let running = tokio::spawn(Delivery::new(config, inbox).run(stopped));
    (sender, Task { stop, running: Some(running) })
}

/// The running sink. Dropped without [`Task::shutdown`], it ends at once and counts what is left as lost.
#[derive(Debug)]
pub struct Task {
    stop: oneshot::Sender<Instant>,
    /// `None` once its end was told: a handle must not be asked again.
    running: Option<JoinHandle<()>>,
}

impl Task {
    /// Waits for an end that nobody asked for, and returns only once; may be dropped and called again.
    ///
    /// # Errors
    /// If the sink panicked.
    pub async fn ended(&mut self) -> Result<(), JoinError> {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        let outcome = running.await;
        self.running = None;
        outcome
    }

    /// Takes no more events, sends what is queued or under way until `deadline`, and counts the rest as lost.
    /// Afterwards nothing is pending, and what is still offered is lost at once.
    ///
    /// # Errors
    /// If the sink panicked.
    pub async fn shutdown(self, deadline: Instant) -> Result<(), JoinError> {
        let Some(running) = self.running else { return Ok(()) };
        // Nobody listens if the sink has ended already, which the handle tells.
        self.stop.send(deadline).ok();
        running.await
    }
}
