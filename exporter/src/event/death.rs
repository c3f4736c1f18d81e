//! Signals as they are posted, and the deaths that come of them.

use std::{borrow::Cow, sync::Arc, time::Duration};

use killsnoop_common::{
    cause::{Action, Cause, Outcome, Scope},
    death as wire,
};

use super::{Background, Process, Time};
use crate::{cgroup::Place, clock::Clock, signal};

/// A signal that was posted to a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// When.
    pub time: Time,
    /// The signal, its sender, and what became of it.
    pub posted: Posted,
    /// The process, with the thread that the kernel looked at and its name.
    pub target: Process,
    /// Signals that the target had blocked, bit `n - 1` for signal `n`.
    pub blocked: u64,
}

/// A signal, who sent it and how, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// When, in nanoseconds of `CLOCK_BOOTTIME`.
    pub at_boot_ns: u64,
    /// The signal, 1 to 64.
    pub signal: i32,
    /// What made the kernel send it.
    pub cause: Cause,
    /// What became of it when it was posted.
    pub outcome: Outcome,
    /// What the target was going to do with it.
    pub action: Action,
    /// What the signal says of its origin (`si_code`), which whoever queues it may forge.
    pub code: i32,
    /// The sender that a queued signal claims to have (`si_pid`), if that is another than the true one.
    pub claimed_pid: Option<u32>,
    /// Whether it was sent to the process, not to one of its threads.
    pub to_process: bool,
    /// The sender, in truth; for an OOM kill the task that wanted memory. `None` if it was the kernel on its own.
    pub sender: Option<Process>,
}

/// A process that died of a signal: the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// When.
    pub time: Time,
    /// The signal it died of, 1 to 64.
    pub signal: i32,
    /// What killed it.
    pub cause: Cause,
    /// Whether the kernel wrote a core dump.
    pub core_dumped: bool,
    /// Who died.
    pub victim: Process,
    /// What else is known of it.
    pub victim_background: Background,
    /// The signal it died of as it was posted; `None` if that was not seen.
    pub fatal: Option<Posted>,
    /// What else is known of that signal's sender.
    pub sender_background: Background,
    /// The signal before that one: another, or from somebody else.
    pub before: Option<Posted>,
    /// What the memory was, if it was an OOM kill and this kernel shows it.
    pub memory: Option<Memory>,
}

/// A process that was chosen to die because memory ran out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OomKill {
    /// When.
    pub time: Time,
    /// Who is to die.
    pub victim: Process,
    /// The task that wanted more memory, and could not have it.
    pub trigger: Process,
    /// What the memory was.
    pub memory: Memory,
}

/// What the victim of an OOM kill had, and what ran out. Sizes are all 0 on kernels that show only a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What ran out.
    pub scope: Scope,
    /// Id of the memory cgroup whose limit was met; 0 if it was the machine, or is not known.
    pub limit_cgroup: u64,
    /// Where that cgroup is.
    pub limit_place: Option<Arc<Place>>,
    /// Bytes of virtual memory.
    pub total_bytes: u64,
    /// Resident bytes that belong to no file.
    pub anon_bytes: u64,
    /// Resident bytes of files.
    pub file_bytes: u64,
    /// Resident bytes of shared memory.
    pub shmem_bytes: u64,
    /// Bytes of page tables.
    pub page_table_bytes: u64,
    /// Its `oom_score_adj`, -1000 to 1000.
    pub score_adj: i32,
}

impl Signal {
    /// Makes it of the kernel's record; `None` if it has numbers that are not known here.
    #[must_use]
    pub fn new(record: &wire::SignalEvent, clock: &Clock, observed_unix_ns: u64) -> Option<Self> {
        Some(Self {
            time: Time::new(record.header.at_boot_ns, clock, observed_unix_ns),
            posted: Posted::new(&record.posted)?,
            target: Process::new(&record.target).unwrap_or_default(),
            blocked: record.blocked,
        })
    }
}

impl Posted {
    /// Makes it of the kernel's; `None` if there is none, or if it has numbers that are not known here.
    #[must_use]
    pub fn new(wire: &wire::Posted) -> Option<Self> {
        let sender = Process::new(&wire.sender);
        let is_claim = |pid: &u32| *pid != 0 && sender.as_ref().is_none_or(|sender| sender.pid != *pid);
        let cause = Cause::from_number(wire.cause)?;
        Some(Self {
            at_boot_ns: wire.at_boot_ns,
            signal: (wire.signal != 0).then(|| i32::from(wire.signal))?,
            cause,
            outcome: Outcome::from_number(wire.outcome)?,
            action: Action::from_number(wire.action)?,
            code: wire.code,
            // Other signals have something else in that place, or what the kernel itself wrote.
            claimed_pid: (cause == Cause::Sigqueue).then_some(wire.claimed_pid).filter(is_claim),
            to_process: wire.to_process == 1,
            sender,
        })
    }

    /// The signal's name, see [`signal::name`].
    #[must_use]
    pub fn signal_name(&self) -> Cow<'static, str> {
        signal::name(self.signal)
    }
}

impl Death {
    /// Makes it of the kernel's record; `None` if it has numbers that are not known here.
    #[must_use]
    pub fn new(record: &wire::DeathEvent, clock: &Clock, observed_unix_ns: u64) -> Option<Self> {
        let [signal, cause, core_dumped] = record.header.detail;
        let cause = Cause::from_number(cause)?;
        Some(Self {
            time: Time::new(record.header.at_boot_ns, clock, observed_unix_ns),
            signal: signal.into(),
            cause,
            core_dumped: core_dumped == 1,
            victim: Process::new(&record.victim)?,
            victim_background: Background::new(&record.victim_background),
            fatal: Posted::new(&record.fatal),
            sender_background: Background::new(&record.sender_background),
            before: Posted::new(&record.before),
            memory: cause.is_oom().then(|| Memory::new(&record.memory)).flatten(),
        })
    }

    /// The signal's name, see [`signal::name`].
    #[must_use]
    pub fn signal_name(&self) -> Cow<'static, str> {
        signal::name(self.signal)
    }

    /// Who sent the signal; `None` if it was the kernel on its own, or is not known.
    #[must_use]
    pub fn sender(&self) -> Option<&Process> {
        self.fatal.as_ref()?.sender.as_ref()
    }

    /// How long the process had lived.
    #[must_use]
    pub fn age(&self) -> Duration {
        Duration::from_nanos(self.time.boot_ns.saturating_sub(self.victim.start_boot_ns))
    }

    /// What a shell says as the exit status of such a death.
    #[must_use]
    pub fn exit_status(&self) -> i32 {
        128 + self.signal
    }
}

impl OomKill {
    /// Makes it of the kernel's record; `None` if it has numbers that are not known here.
    #[must_use]
    pub fn new(record: &wire::OomKillEvent, clock: &Clock, observed_unix_ns: u64) -> Option<Self> {
        Some(Self {
            time: Time::new(record.header.at_boot_ns, clock, observed_unix_ns),
            victim: Process::new(&record.victim)?,
            trigger: Process::new(&record.trigger).unwrap_or_default(),
            memory: Memory::new(&record.memory)?,
        })
    }
}

impl Memory {
    fn new(wire: &wire::Memory) -> Option<Self> {
        let page = rustix::param::page_size() as u64;
        let bytes = |pages: u64| pages.saturating_mul(page);
        Some(Self {
            scope: u8::try_from(wire.scope).ok().and_then(Scope::from_number)?,
            limit_cgroup: wire.limit_cgroup,
            limit_place: None,
            total_bytes: bytes(wire.total_pages),
            anon_bytes: bytes(wire.anon_pages),
            file_bytes: bytes(wire.file_pages),
            shmem_bytes: bytes(wire.shmem_pages),
            page_table_bytes: wire.page_table_bytes,
            score_adj: wire.score_adj,
        })
    }
}

/// systemd-oomd (612, uid 994) kills nginx (4711) after 4 days, 0.3 s after its SIGTERM.
#[cfg(test)]
pub(crate) fn example() -> Death {
    let second = 1_000_000_000;
    let boot_ns = 400_000 * second;
    Death {
        time: Time {
            boot_ns,
            unix_ns: 1_700_000_000_123_456_789,
            observed_unix_ns: 1_700_000_000_223_456_789,
        },
        signal: 9,
        cause: Cause::Kill,
        core_dumped: false,
        victim: Process { start_boot_ns: boot_ns - 352_800 * second, ..example_victim() },
        victim_background: Background {
            exe: Some("/usr/sbin/nginx".to_owned()),
            command: None,
            ancestors: vec![(4700, super::Comm::of("nginx")), (1, super::Comm::of("systemd"))],
        },
        fatal: Some(Posted { at_boot_ns: boot_ns - 1_000_000, ..example_posted(9) }),
        sender_background: Background {
            exe: Some("/usr/lib/systemd/systemd-oomd".to_owned()),
            command: None,
            ancestors: vec![(1, super::Comm::of("systemd"))],
        },
        before: Some(Posted { at_boot_ns: boot_ns - 301_000_000, ..example_posted(15) }),
        memory: None,
    }
}

#[cfg(test)]
fn example_victim() -> Process {
    Process {
        pid: 4711,
        tid: 4711,
        uid: 33,
        ns_pid: 7,
        pid_ns: 4_026_532_001,
        start_boot_ns: 47_200_000_000_000,
        cgroup: 8800,
        memory_cgroup: 8800,
        comm: super::Comm::of("nginx"),
        place: None,
    }
}

#[cfg(test)]
fn example_posted(signal: i32) -> Posted {
    Posted {
        at_boot_ns: 0,
        signal,
        cause: Cause::Kill,
        outcome: Outcome::Delivered,
        action: Action::Default,
        code: 0,
        claimed_pid: None,
        to_process: true,
        sender: Some(Process {
            pid: 612,
            tid: 612,
            uid: 994,
            ns_pid: 612,
            pid_ns: 4_026_531_836,
            start_boot_ns: 9_000_000_000,
            cgroup: 500,
            memory_cgroup: 500,
            comm: super::Comm::of("systemd-oomd"),
            place: None,
        }),
    }
}

/// The kernel chose nginx (4711) because its cgroup was at its limit when systemd-oomd (612) wanted memory.
#[cfg(test)]
pub(crate) fn example_oom_kill() -> OomKill {
    OomKill {
        time: example().time,
        victim: example_victim(),
        trigger: example_posted(9).sender.unwrap_or_default(),
        memory: Memory {
            scope: Scope::Memcg,
            limit_cgroup: 8700,
            limit_place: None,
            total_bytes: 400 << 20,
            anon_bytes: 250 << 20,
            file_bytes: 3 << 20,
            shmem_bytes: 0,
            page_table_bytes: 700 << 10,
            score_adj: 500,
        },
    }
}

/// A fault of nginx (4711): the kernel posts SIGSEGV on its own.
#[cfg(test)]
pub(crate) fn example_signal() -> Signal {
    Signal {
        time: example().time,
        posted: Posted {
            at_boot_ns: example().time.boot_ns,
            cause: Cause::Fault,
            code: 1,
            to_process: false,
            sender: None,
            ..example_posted(11)
        },
        target: example_victim(),
        blocked: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_knows_its_sender_its_age_and_its_exit_status() {
        let death = example();
        assert_eq!(death.sender().unwrap().pid, 612);
        assert_eq!(death.age(), Duration::from_hours(98));
        assert_eq!(death.exit_status(), 137);
        let early = Death { victim: Process { start_boot_ns: u64::MAX, ..example_victim() }, ..death };
        assert_eq!(early.age(), Duration::ZERO);
    }

    #[test]
    fn only_a_queued_signal_has_a_claimed_sender_and_only_if_it_differs() {
        let sender = killsnoop_common::process::Process { pid: 7, ..Default::default() };
        let wire = wire::Posted { signal: 15, claimed_pid: 9, sender, ..wire::Posted::default() };
        let claimed = |wire: wire::Posted| Posted::new(&wire).unwrap().claimed_pid;
        assert_eq!(claimed(wire::Posted { cause: Cause::Sigqueue as u8, ..wire }), Some(9));
        assert_eq!(claimed(wire::Posted { cause: Cause::Sigqueue as u8, claimed_pid: 7, ..wire }), None);
        assert_eq!(claimed(wire::Posted { cause: Cause::Kill as u8, ..wire }), None);
        assert_eq!(Posted::new(&wire::Posted::default()), None);
    }
}
