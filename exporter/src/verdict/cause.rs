//! Why a signal was sent, in words: each cause has its own.

use killsnoop_common::cause::{Cause, Scope};

use super::{amount, fault, signal_in_words, who};
use crate::{
    event::{Death, Memory, OomKill, Posted, Process},
    signal,
};

/// A signal that was sent, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent<'a> {
    signal: i32,
    cause: Cause,
    code: Option<i32>,
    claimed_pid: Option<u32>,
    sender: Option<&'a Process>,
    target: &'a Process,
    memory: Option<&'a Memory>,
}

impl<'a> Sent<'a> {
    /// What a process died of. The death knows the cause better than the signal did when it was posted.
    pub(super) fn to_death(death: &'a Death) -> Self {
        let fatal = death.fatal.as_ref();
        Self {
            signal: death.signal,
            cause: death.cause,
            code: fatal.map(|fatal| fatal.code),
            claimed_pid: fatal.and_then(|fatal| fatal.claimed_pid),
            sender: death.sender(),
            target: &death.victim,
            memory: death.memory.as_ref(),
        }
    }

    /// A signal as it was posted.
    pub(super) fn now(posted: &'a Posted, target: &'a Process) -> Self {
        let Posted { signal, cause, code, claimed_pid, ref sender, .. } = *posted;
        Self { signal, cause, code: Some(code), claimed_pid, sender: sender.as_ref(), target, memory: None }
    }

    /// What the victim of an OOM kill is sent.
    pub(super) fn to_victim(OomKill { victim, trigger, memory, .. }: &'a OomKill) -> Self {
        let cause = match memory.scope {
            Scope::Memcg => Cause::OomMemcg,
            Scope::Global => Cause::OomGlobal,
            Scope::Unknown => Cause::Oom,
        };
        let sender = (trigger.pid != 0).then_some(trigger);
        Self {
            signal: SIGKILL,
            cause,
            code: None,
            claimed_pid: None,
            sender,
            target: victim,
            memory: Some(memory),
        }
    }
}

/// What the OOM killer sends.
const SIGKILL: i32 = 9;
/// The code of a signal by a timer of `timer_create(2)`.
const SI_TIMER: i32 = -2;

impl Sent<'_> {
    /// The reason, to stand behind a colon.
    pub(super) fn reason(&self) -> String {
        match self.cause {
            Cause::Unknown => "nobody was seen to send it".to_owned(),
            Cause::Kill => self.call("kill()"),
            Cause::Tkill => self.call("tkill()"),
            Cause::Tgkill => self.call("tgkill()"),
            Cause::Sigqueue => self.call("sigqueue()") + &self.claim(),
            Cause::Pidfd => self.call("pidfd_send_signal()"),
            Cause::Fault => fault::words(self.signal, self.code),
            Cause::Seccomp => "it made a system call that its seccomp filter forbids".to_owned(),
            Cause::Pipe => "it wrote to a pipe or a socket that nobody reads any more".to_owned(),
            Cause::Rlimit => self.limit().to_owned(),
            Cause::Timer => format!("its own timer, {}, went off", self.timer()),
            Cause::Tty => self.terminal().to_owned(),
            Cause::ParentDeath => self.parent_death(),
            Cause::PidnsExit => self.pid_namespace(),
            Cause::CgroupKill => self.cgroup_kill(),
            Cause::Oom => self.memory("memory ran out, of what is not known"),
            Cause::OomMemcg => self.memory(&self.memory_cgroup()),
            Cause::OomGlobal => self.memory("the machine was out of memory"),
            Cause::Child => "a child of it ended, stopped or went on".to_owned(),
            Cause::Io => "a file or a socket that it watches became ready".to_owned(),
            Cause::Mqueue => {
                format!("a message{} came to a queue that it watches by mq_notify()", self.told_by(" from "))
            }
            Cause::Ptrace => {
                let tracer = self.told_by(" ");
                format!("its tracer{tracer} killed it, or ended and wanted it to end too (PTRACE_O_EXITKILL)")
            }
            Cause::Kernel => "the kernel, for a reason that it did not show".to_owned(),
            Cause::Abort => {
                "it called abort(), as a failed assertion or an uncaught exception does".to_owned()
            }
        }
    }

    /// The sender, and not the target itself.
    fn other(&self) -> Option<&Process> {
        self.sender.filter(|sender| !sender.is(self.target))
    }

    fn call(&self, call: &str) -> String {
        match (self.sender, self.other()) {
            (_, Some(sender)) => format!("{call} by {}", who::actor(sender)),
            (Some(_), None) => format!("{call} by itself"),
            (None, None) => format!("{call} by somebody who was not seen"),
        }
    }

    /// What a queued signal says of its sender, if that is not true.
    fn claim(&self) -> String {
        self.claimed_pid
            .map(|pid| format!(", although the signal claims to be from {pid}"))
            .unwrap_or_default()
    }

    /// The sender with a word before it, if there is one.
    fn told_by(&self, word: &str) -> String {
        self.sender.map(|sender| format!("{word}{}", who::actor(sender))).unwrap_or_default()
    }

    fn limit(&self) -> &'static str {
        match &*signal::name(self.signal) {
            "SIGXCPU" => "it used as much CPU time as it may (RLIMIT_CPU, or RLIMIT_RTTIME)",
            "SIGKILL" => "it used more CPU time than it ever may (hard RLIMIT_CPU, or RLIMIT_RTTIME)",
            "SIGXFSZ" => "it made a file larger than it may (RLIMIT_FSIZE)",
            _ => "it went over a limit of setrlimit()",
        }
    }

    fn timer(&self) -> &'static str {
        match &*signal::name(self.signal) {
            _ if self.code == Some(SI_TIMER) => "timer_create(2)",
            "SIGALRM" => "alarm(2) or setitimer(2)",
            "SIGVTALRM" | "SIGPROF" => "setitimer(2)",
            _ => "timer_create(2)",
        }
    }

    fn terminal(&self) -> &'static str {
        match &*signal::name(self.signal) {
            "SIGINT" => "Ctrl-C on its terminal",
            "SIGQUIT" => "Ctrl-\\ on its terminal",
            "SIGHUP" => "its terminal hung up, or the session on it ended",
            _ => "its terminal",
        }
    }

    fn parent_death(&self) -> String {
        let (parent, signal) = (self.told_by(" "), signal_in_words(self.signal));
        format!("its parent{parent} died, and it had asked for {signal} then (PR_SET_PDEATHSIG)")
    }

    fn pid_namespace(&self) -> String {
        let init = self.sender.map(|init| format!(", {},", who::actor(init))).unwrap_or_default();
        format!("init (PID 1) of its pid namespace{init} exited: the container ended")
    }

    fn cgroup_kill(&self) -> String {
        let by = self.told_by(" by ");
        let place = self.target.place.as_deref();
        let cgroup = place.map(|place| format!(" {}", who::path(place))).unwrap_or_default();
        format!("cgroup.kill{by} of its cgroup{cgroup}, or of one above it")
    }

    fn memory_cgroup(&self) -> String {
        let limit = match self.memory {
            Some(Memory { limit_place: Some(place), .. }) => format!(" {}", who::path(place)),
            Some(Memory { limit_cgroup: id @ 1.., .. }) => format!(" (id {id})"),
            _ => ", or one above it,".to_owned(),
        };
        format!("its memory cgroup{limit} was at its limit")
    }

    fn memory(&self, what: &str) -> String {
        let sizes = self.memory.and_then(sizes).unwrap_or_default();
        let trigger = match (self.sender, self.other()) {
            (_, Some(trigger)) => format!("; {} wanted memory", who::actor(trigger)),
            (Some(_), None) => "; it wanted more memory itself".to_owned(),
            (None, None) => String::new(),
        };
        format!("{what}{sizes}{trigger}")
    }
}

/// What the victim had; `None` if this kernel does not show it.
fn sizes(memory: &Memory) -> Option<String> {
    let Memory { total_bytes, anon_bytes, file_bytes, shmem_bytes, score_adj, .. } = memory;
    // A process has some memory: all zeros is a kernel that does not tell.
    if total_bytes | anon_bytes | file_bytes | shmem_bytes == 0 {
        return None;
    }
    let anon = amount::bytes(*anon_bytes);
    // Files in memory, as of a tmpfs, are what fills some containers.
    let shmem = if shmem_bytes > anon_bytes {
        format!(", shmem {}", amount::bytes(*shmem_bytes))
    } else {
        String::new()
    };
    Some(format!(" (anon {anon}{shmem}, oom_score_adj {score_adj})"))
}
