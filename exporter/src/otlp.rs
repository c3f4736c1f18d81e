//! Events as OpenTelemetry logs: batched, sent by OTLP over gRPC or HTTP, retried, and accounted for one by one; and
//! metrics, pushed by [`Pusher`] to those who do not scrape them.
//!
//! [`resolve`] reads flags and the `OTEL_*` variables, [`start`] starts the sink, [`Sender::offer`] hands it
//! an event without ever waiting, [`Task::shutdown`] drains it. An event is `delivered` once the collector has said
//! so; where no answer came it counts as lost although the collector may have it, never the other way round.
//! `log.record.uid` tells records that came twice.
//!
//! The SDK's batch processor is not used: it tells of dropped records by one line in the log and of rejected ones not
//! at all, so that no account could be kept.
//!
//! # Records
//!
//! One for each event, whatever its kind:
//!
//! | event name | what happened | severity |
//! |---|---|---|
//! | `killsnoop.death` | a process died of a signal | `ERROR` if it was SIGKILL, if memory had run out, or if there is a core dump; else `WARN` |
//! | `killsnoop.oom_kill` | the kernel chose a process to die because memory ran out | `ERROR` |
//! | `killsnoop.kill_call` | a call that sends a signal has returned | `INFO` if it failed, else `DEBUG` |
//! | `killsnoop.signal` | a signal was posted to a process | `INFO` if it or its data was lost to a full queue, else `DEBUG` |
//!
//! | field | value |
//! |---|---|
//! | time | when it happened, by the kernel's clock |
//! | observed time | when the exporter read it |
//! | body | the event in one sentence without control characters: `bash (4242) sent SIGKILL to 1024 by kill: ESRCH`; of the other kinds, what `why` and `trace --all` print |
//!
//! # Attributes
//!
//! An attribute whose value is not known is absent. Names and paths come from other programs and are told as these
//! wrote them; bytes that are not UTF-8 became U+FFFD. 64-bit ids are text, since they lose digits in stores that keep
//! numbers as doubles.
//!
//! Of every event:
//!
//! | attribute | type | value |
//! |---|---|---|
//! | `killsnoop.sender.name` | string | the sender's `thread.name`; `kernel:` and the cause if the kernel sent the signal on its own, such as `kernel:timer`; `unknown` if a death's signal was not seen |
//! | `log.record.uid` | string | boot id, time on the boot clock, kind of event, and the process id of whoever the event befell (of a call, the sender's thread id): the same whenever the event is sent |
//!
//! Two processes have a part in an event: the sender has the names of the semantic conventions, the target, the process
//! that the signal was for, has names of its own. The sender is absent if the kernel sent the signal on its own; if
//! memory ran out, it is the process that wanted some. A call has no target but what the caller asked for, see below.
//!
//! | of the sender | of the target | type | value |
//! |---|---|---|---|
//! | `process.pid` | `killsnoop.target.pid` | int | process id in the initial pid namespace |
//! | `process.real_user.id` | `killsnoop.target.user.id` | int | real user id in the initial user namespace |
//! | `thread.id` | `killsnoop.target.tid` | int | id of the thread in question in the initial pid namespace |
//! | `thread.name` | `killsnoop.target.comm` | string | that thread's name, its `comm`, which is not the name of its executable |
//! | `process.vpid` | `killsnoop.target.vpid` | int | process id in its own pid namespace |
//! | `killsnoop.sender.pid_ns` | `killsnoop.target.pid_ns` | int | inode number of that namespace, as in `/proc/PID/ns/pid` |
//! | `process.creation.time` | `killsnoop.target.creation.time` | string | when the process began, RFC 3339 in UTC |
//! | - | `killsnoop.target.age` | double | seconds that it had lived |
//! | `killsnoop.sender.cgroup.id` | `killsnoop.target.cgroup.id` | string | id of its cgroup (v2), the inode number of its directory |
//! | `killsnoop.sender.cgroup.path` | `killsnoop.target.cgroup.path` | string | path of its cgroup |
//! | `killsnoop.sender.unit` | `killsnoop.target.unit` | string | its systemd unit: the innermost service or scope, else slice |
//! | `container.id` | `killsnoop.target.container.id` | string | id of its container, as the runtime gave it |
//! | `container.runtime.name` | `killsnoop.target.container.runtime.name` | string | the runtime, such as `docker` |
//! | `container.name` | `killsnoop.target.container.name` | string | the container's name, outside of pods |
//! | `k8s.container.name` | `killsnoop.target.k8s.container.name` | string | the container's name in its pod |
//! | `k8s.pod.uid` | `killsnoop.target.k8s.pod.uid` | string | uid of its pod |
//! | `k8s.pod.name` | `killsnoop.target.k8s.pod.name` | string | name of its pod |
//! | `k8s.namespace.name` | `killsnoop.target.k8s.namespace.name` | string | namespace of its pod |
//!
//! Of both processes of a death:
//!
//! | of the sender | of the target | type | value |
//! |---|---|---|---|
//! | `process.executable.path` | `killsnoop.target.executable.path` | string | the file name given to exec, up to 127 bytes |
//! | `process.executable.name` | `killsnoop.target.executable.name` | string | the last part of that path, unless the path was cut off |
//! | `process.command_line` | `killsnoop.target.command_line` | string | the first 128 bytes of the command line, if the operator wants them told |
//! | `process.parent_pid` | `killsnoop.target.parent_pid` | int | its parent's process id in the initial pid namespace |
//! | `killsnoop.sender.ancestors` | `killsnoop.target.ancestors` | string[] | its parent, that one's parent, and so on, up to four: `systemd (1)` |
//!
//! Of calls, deaths and signals:
//!
//! | attribute | type | value |
//! |---|---|---|
//! | `killsnoop.signal.number` | int | the signal; of calls as asked, any number |
//! | `killsnoop.signal.name` | string | its name, or its number if it has none |
//!
//! Of calls alone:
//!
//! | attribute | type | value |
//! |---|---|---|
//! | `killsnoop.syscall.name` | string | `kill`, `tkill`, `tgkill`, `rt_sigqueueinfo`, `rt_tgsigqueueinfo` or `pidfd_send_signal` |
//! | `killsnoop.abi` | string | `compat` if the call came through the entry for 32-bit programs; else absent |
//! | `killsnoop.target.pid` | int | the target as asked, in the sender's pid namespace: a process, 0 for the sender's group, -1 for everybody, a negated group |
//! | `killsnoop.target.tid` | int | the thread asked for by `tkill`, `tgkill` and `rt_tgsigqueueinfo`; `tkill` names no process |
//! | `killsnoop.target.pidfd` | int | the file descriptor given to `pidfd_send_signal`, which names no number |
//! | `killsnoop.target.host_pid` | int | the target's process id in the initial pid namespace, where what was asked for is another number and the kernel has shown it |
//! | `killsnoop.result` | int | what the call returned: 0, or a negated errno |
//! | `error.type` | string | the errno's name if the call failed; else absent |
//!
//! Of deaths and signals; of a death all but the cause are of the signal that killed:
//!
//! | attribute | type | value |
//! |---|---|---|
//! | `killsnoop.cause` | string | what made the kernel send the signal: the names of [`Cause`](killsnoop_common::cause::Cause) |
//! | `killsnoop.outcome` | string | what became of it when it was posted: `delivered`, `ignored`, `already_pending`, `overflow`, `info_lost` |
//! | `killsnoop.action` | string | what the target was going to do with it: `default`, `ignored`, `handler`, `unknown` |
//! | `killsnoop.signal.code` | int | what it says of its origin (`si_code`), which whoever queues it may forge |
//! | `killsnoop.to_process` | boolean | whether it was for the process, not for one of its threads |
//! | `killsnoop.claimed_pid` | int | the sender that a queued signal claims to have, if that is another than the true one |
//!
//! Of signals alone:
//!
//! | attribute | type | value |
//! |---|---|---|
//! | `killsnoop.target.blocked` | string | the signals that the target had blocked: 16 hexadecimal digits, bit `n - 1` for signal `n` |
//!
//! Of deaths alone; `preceded_by` is the signal before the one that killed, another one or from somebody else:
//!
//! | attribute | type | value |
//! |---|---|---|
//! | `killsnoop.core_dumped` | boolean | whether the kernel wrote a core dump |
//! | `killsnoop.exit_status` | int | what a shell says as the exit status: 128 and the signal |
//! | `killsnoop.preceded_by.signal.number` | int | that signal |
//! | `killsnoop.preceded_by.signal.name` | string | its name, or its number if it has none |
//! | `killsnoop.preceded_by.cause` | string | what made the kernel send it |
//! | `killsnoop.preceded_by.sender.pid` | int | its sender's process id, if a process sent it |
//! | `killsnoop.preceded_by.sender.name` | string | its sender's name, as in `killsnoop.sender.name` |
//! | `killsnoop.preceded_by.seconds_before` | double | how long before the signal that killed it was posted; before the death if that signal was not seen |
//!
//! Of OOM kills, and of deaths that came of one:
//!
//! | attribute | type | value |
//! |---|---|---|
//! | `killsnoop.oom.scope` | string | what ran out: `memcg` is a memory cgroup at its limit, `global` the machine, `unknown` is not shown by this kernel |
//! | `killsnoop.oom.limit_cgroup.id` | string | id of the memory cgroup whose limit was met |
//! | `killsnoop.oom.limit_cgroup.path` | string | its path |
//! | `killsnoop.oom.score_adj` | int | the victim's `oom_score_adj`, -1000 to 1000 |
//! | `killsnoop.oom.total_bytes` | int | the victim's virtual memory; this and what follows is absent if the kernel does not show it |
//! | `killsnoop.oom.anon_bytes` | int | resident bytes that belong to no file |
//! | `killsnoop.oom.file_bytes` | int | resident bytes of files |
//! | `killsnoop.oom.shmem_bytes` | int | resident bytes of shared memory |
//! | `killsnoop.oom.page_table_bytes` | int | bytes of page tables |

mod client;
mod config;
mod delivery;
mod grpc;
mod http;
mod push;
mod queue;
mod record;
mod report;
mod resource;
mod retry;
mod service;
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

pub use config::{Config, MetricsConfig, OtlpArgs, Protocol, resolve};
pub use push::Pusher;
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
    let connection = &config.connection;
    tracing::info!("events go to {} by OTLP over {}", connection.target(), connection.protocol);
    let (sender, inbox) = queue::channel(config.limits(), ledger);
    let delivery = Delivery::new(config, inbox);
    (sender, Task::start(|stop| delivery.run(stop)))
}

/// The running sink. Dropped without [`Task::shutdown`], it ends at once and counts what is left as lost.
#[derive(Debug)]
pub struct Task {
    stop: oneshot::Sender<Instant>,
    /// `None` once its end was told: a handle must not be asked again.
    running: Option<JoinHandle<()>>,
}

impl Task {
    /// Starts what ends when it is told a deadline, or that nobody will set one.
    fn start<F>(run: impl FnOnce(oneshot::Receiver<Instant>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        Self { stop, running: Some(tokio::spawn(run(stopped))) }
    }

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
    /// Afterwards nothing is pending, and what is still offered is lost at once. Metrics are pushed a last time.
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
