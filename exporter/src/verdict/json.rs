//! The rarer events as JSON objects, which all sinks that speak JSON share. What is not known is left out.
//!
//! Every object begins with `event`, `time` (RFC 3339 in UTC with nanoseconds) and `boot_ns`. The latter and
//! `start_boot_ns` are strings, because most readers of JSON round numbers above 2^53.
//!
//! # A process
//! `victim`, `sender`, `trigger` and `target` are objects:
//!
//! | field | value |
//! |---|---|
//! | `pid`, `tid`, `uid` | in numbers of the initial namespaces |
//! | `comm` | its name; bytes that are not UTF-8 become U+FFFD |
//! | `ns_pid`, `pid_ns` | its process id in its own pid namespace, and the inode number of that |
//! | `start_boot_ns` | when it began; with `pid` it names the process for good |
//! | `cgroup_id`, `cgroup` | inode number and path of its cgroup |
//! | `container_id`, `container_runtime`, `container_name` | its container |
//! | `pod_uid`, `pod_name`, `pod_namespace` | its Kubernetes pod |
//! | `unit` | its systemd unit |
//! | `exe`, `command`, `ancestors` | what it ran, and `pid` and `comm` of its parent and those above; of the victim and the sender of a death |
//!
//! # A signal
//! `fatal` and `preceded_by` are objects; the event `signal` has these fields itself:
//!
//! | field | value |
//! |---|---|
//! | `signal`, `signal_name` | its number and its name |
//! | `cause`, `outcome`, `action` | why it was sent, what became of it, what the target was to do with it |
//! | `code` | what it says of its origin (`si_code`) |
//! | `claimed_pid` | the sender that it claims to have, if that is not the true one |
//! | `to_process` | false if it was sent to one thread |
//! | `boot_ns` | when it was posted |
//! | `sender`, `sender_name` | who sent it; the name is `kernel:` and the cause if the kernel did on its own |
//!
//! `preceded_by` has `seconds_before`, the time from it to the fatal signal.

mod line;
mod process;

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Map, Value};

pub use self::line::line;
use self::process::process;
use killsnoop_common::cause::Cause;

use crate::event::{Death, Memory, OomKill, Posted, Signal, Time, sender_name};

/// A death: `signal`, `signal_name`, `cause`, `core_dumped`, `exit_status`, `age_seconds`, `victim`, `fatal`, `sender`
/// (of an OOM kill `trigger`), `sender_name` (`unknown` if the signal was not seen), `preceded_by`, `memory` and the `verdict`.
#[must_use]
pub fn death(death: &Death) -> Map<String, Value> {
    let mut object = event("death", &death.time);
    put(&mut object, "signal", death.signal);
    put(&mut object, "signal_name", death.signal_name());
    put(&mut object, "cause", death.cause.name());
    put(&mut object, "core_dumped", death.core_dumped);
    put(&mut object, "exit_status", death.exit_status());
    put_known(&mut object, "age_seconds", super::age(death).map(|age| age.as_secs_f64()));
    put(&mut object, "victim", process(&death.victim, Some(&death.victim_background)));
    put_known(&mut object, "fatal", death.fatal.as_ref().map(posted));
    put_known(
        &mut object,
        // Whoever wanted the memory is not who killed.
        if death.cause.is_oom() { "trigger" } else { "sender" },
        death.sender().map(|sender| process(sender, Some(&death.sender_background))),
    );
    // Some causes are known although no signal was posted.
    let is_known = death.fatal.is_some() || death.cause != Cause::Unknown;
    let sender_name = is_known.then(|| sender_name(death.sender(), death.cause));
    put(&mut object, "sender_name", sender_name.unwrap_or_else(|| "unknown".into()));
    put_known(
        &mut object,
        "preceded_by",
        death.before.as_ref().map(|before| {
            let mut object = posted(before);
            put(&mut object, "seconds_before", super::time_since(before, death).as_secs_f64());
            object
        }),
    );
    put_known(&mut object, "memory", death.memory.as_ref().map(memory));
    put(&mut object, "verdict", super::death(death));
    object
}

/// An OOM kill: `victim`, `trigger`, `memory` and the `verdict`.
#[must_use]
pub fn oom_kill(kill: &OomKill) -> Map<String, Value> {
    let mut object = event("oom_kill", &kill.time);
    put(&mut object, "victim", process(&kill.victim, None));
    put_known(&mut object, "trigger", (kill.trigger.pid != 0).then(|| process(&kill.trigger, None)));
    put(&mut object, "memory", memory(&kill.memory));
    put(&mut object, "verdict", super::oom_kill(kill));
    object
}

/// A posted signal: `target`, the fields of a signal, and `blocked`: the signals that the target had blocked, as 16
/// hexadecimal digits, bit `n - 1` for signal `n`.
#[must_use]
pub fn signal(signal: &Signal) -> Map<String, Value> {
    let mut object = event("signal", &signal.time);
    put(&mut object, "target", process(&signal.target, None));
    let own = posted(&signal.posted).into_iter().filter(|(key, _)| key != "boot_ns");
    object.extend(own);
    put(&mut object, "blocked", format!("{:016x}", signal.blocked));
    object
}

/// A time in nanoseconds since 1970, as RFC 3339 has it, in UTC.
#[must_use]
pub fn time(unix_ns: u64) -> String {
    // The format ends with the year 9999, and such a number in 2554.
    humantime::format_rfc3339_nanos(UNIX_EPOCH + Duration::from_nanos(unix_ns)).to_string()
}

fn event(name: &str, time: &Time) -> Map<String, Value> {
    let mut object = Map::new();
    put(&mut object, "event", name);
    put(&mut object, "time", self::time(time.unix_ns));
    put(&mut object, "boot_ns", time.boot_ns.to_string());
    object
}

fn posted(posted: &Posted) -> Map<String, Value> {
    let mut object = Map::new();
    put(&mut object, "signal", posted.signal);
    put(&mut object, "signal_name", posted.signal_name());
    put(&mut object, "cause", posted.cause.name());
    put(&mut object, "outcome", posted.outcome.name());
    put(&mut object, "action", posted.action.name());
    put(&mut object, "code", posted.code);
    put_known(&mut object, "claimed_pid", posted.claimed_pid);
    put(&mut object, "to_process", posted.to_process);
    put(&mut object, "boot_ns", posted.at_boot_ns.to_string());
    let role = if posted.cause.is_oom() { "trigger" } else { "sender" };
    put_known(&mut object, role, posted.sender.as_ref().map(|sender| process(sender, None)));
    put(&mut object, "sender_name", sender_name(posted.sender.as_ref(), posted.cause));
    object
}

fn memory(memory: &Memory) -> Map<String, Value> {
    let mut object = Map::new();
    put(&mut object, "scope", memory.scope.name());
    put_known(&mut object, "limit_cgroup_id", (memory.limit_cgroup != 0).then_some(memory.limit_cgroup));
    put_known(&mut object, "limit_cgroup", memory.limit_place.as_ref().map(|place| place.path.clone()));
    let sizes = [
        ("total_bytes", memory.total_bytes),
        ("anon_bytes", memory.anon_bytes),
        ("file_bytes", memory.file_bytes),
        ("shmem_bytes", memory.shmem_bytes),
        ("page_table_bytes", memory.page_table_bytes),
    ];
    // A process has some memory: all zeros is a kernel that does not tell.
    if sizes.iter().any(|(_, bytes)| *bytes != 0) {
        for (key, bytes) in sizes {
            put(&mut object, key, bytes);
        }
    }
    put(&mut object, "oom_score_adj", memory.score_adj);
    object
}

fn put(object: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    object.insert(key.to_owned(), value.into());
}

fn put_known(object: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        put(object, key, value);
    }
}
