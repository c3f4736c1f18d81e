//! Counters without a kernel, for the tests of whatever shows them.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use killsnoop_common::{
    cause::{Cause, Outcome, Scope},
    kill::{KillKey, Syscall},
    lost::Lost,
};

use crate::{
    counters::{Class, Counters, Feature, MapFill, Outcomes, Program, Snapshot},
    ledger::{Ledger, Stage},
};

/// Counters that read what a test has put in.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    /// What is read; `None` is refused, as a kernel may do.
    pub(crate) snapshot: Option<Snapshot>,
    /// How often it was read.
    pub(crate) n_reads: AtomicUsize,
}

impl Fake {
    pub(crate) fn new(snapshot: Snapshot) -> Arc<Self> {
        Arc::new(Self { snapshot: Some(snapshot), ..Self::default() })
    }
}

impl Counters for Fake {
    fn snapshot(&self) -> io::Result<Snapshot> {
        self.n_reads.fetch_add(1, Relaxed);
        self.snapshot.clone().ok_or_else(|| io::Error::from_raw_os_error(nix::errno::Errno::EPERM as i32))
    }
}

/// A machine on which little has happened: the counter of each key is what `count` says.
pub(crate) fn snapshot(count: impl Fn(KillKey) -> u64) -> Snapshot {
    let program = |name, n_runs| Program { name, attached: true, n_runs, n_recursion_misses: 0 };
    Snapshot {
        kills: KillKey::all().map(|key| (key, count(key))).collect(),
        syscalls: Syscall::ALL.map(|syscall| (syscall, Outcomes { ok: syscall as u64, error: 0 })).to_vec(),
        signals: vec![
            ((9, Cause::Kill, Outcome::Delivered), 4),
            ((11, Cause::Fault, Outcome::Delivered), 2),
            ((17, Cause::Child, Outcome::Ignored), 30),
        ],
        deaths: vec![((9, Cause::Kill, false), 3), ((11, Cause::Fault, true), 2)],
        oom_kills: Scope::ALL.map(|scope| (scope, u64::from(scope == Scope::Memcg))).to_vec(),
        produced: Class::ALL.map(|class| (class, if class == Class::KillCall { 20 } else { 0 })).to_vec(),
        lost: Lost::ALL.map(|reason| (reason, if reason == Lost::RingFull { 3 } else { 0 })).to_vec(),
        programs: vec![
            program("sys_exit_call:syscalls/sys_exit_kill", 15),
            Program { attached: false, ..program("sys_exit_call:syscalls/sys_exit_tkill", 0) },
        ],
        maps: vec![MapFill { name: "KILLS", n_entries: KillKey::N as u64, capacity: KillKey::N as u64 }],
        hook: "tracepoint",
        features: vec![(Feature::Calls, true), (Feature::CompatCalls, false)],
        n_read: 16,
        n_undecodable: 1,
    }
}

/// The account of a sink that was offered 15 events, of which 2 are still pending.
pub(crate) fn ledger() -> Arc<Ledger> {
    let ledger = Ledger::default();
    ledger.offered(15);
    ledger.delivered(9);
    ledger.lost(Stage::Queue, 3);
    ledger.lost(Stage::Rejected, 1);
    Arc::new(ledger)
}
