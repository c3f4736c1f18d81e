//! Signals as they are posted, and the deaths that come of them.

use crate::{
    MAX_SIGNAL,
    cause::{Cause, Outcome},
    kill::SIGNAL_OTHER,
    process::{Background, Process},
};

/// Signals that were posted, by signal, cause and outcome: all counters in one value of the map `SIGNALS`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalCounts {
    /// By [`signal_index`].
    pub counts: [u64; Self::N],
}

// SAFETY: plain integers, no padding, every bit pattern is valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for SignalCounts {}

impl SignalCounts {
    /// Number of counters.
    pub const N: usize = N_SIGNALS * Cause::N_OF_SIGNALS * Outcome::ALL.len();
}

/// Deaths by signal, cause and whether there was a core dump: all counters in one value of the map `DEATHS`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeathCounts {
    /// By [`death_index`].
    pub counts: [u64; Self::N],
}

// SAFETY: plain integers, no padding, every bit pattern is valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for DeathCounts {}

impl DeathCounts {
    /// Number of counters.
    pub const N: usize = N_SIGNALS * Cause::ALL.len() * 2;
}

/// Signals that are told apart: 0 to 64, and one for any other number.
const N_SIGNALS: usize = SIGNAL_OTHER as usize + 1;

/// Where [`SignalCounts`] has the counter of a signal (0 to 64), its cause and its outcome.
#[must_use]
#[inline]
pub const fn signal_index(signal: u32, cause: Cause, outcome: Outcome) -> usize {
    (clamped(signal) * Cause::N_OF_SIGNALS + cause as usize) * Outcome::ALL.len() + outcome as usize
}

/// Where [`DeathCounts`] has the counter of a signal (0 to 64), the cause, and whether there was a core dump.
#[must_use]
#[inline]
pub const fn death_index(signal: u32, cause: Cause, core_dumped: bool) -> usize {
    (clamped(signal) * Cause::ALL.len() + cause as usize) * 2 + core_dumped as usize
}

const fn clamped(signal: u32) -> usize {
    if signal <= MAX_SIGNAL as u32 { signal as usize } else { SIGNAL_OTHER as usize }
}

/// A signal that was posted to a process: who sent it, how, and what became of it. All zeros stands for none.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Posted {
    /// When, in nanoseconds of `CLOCK_BOOTTIME`.
    pub at_boot_ns: u64,
    /// The signal, 1 to 64; 0 if there is none.
    pub signal: u8,
    /// Number of the [`Cause`].
    pub cause: u8,
    /// Number of the [`Outcome`].
    pub outcome: u8,
    /// Number of the [`Action`](crate::cause::Action).
    pub action: u8,
    /// What the signal says of its origin (`si_code`).
    pub code: i32,
    /// The sender that the signal claims to have (`si_pid`): whoever queues a signal may write what it likes.
    pub claimed_pid: u32,
    /// 1 if it was sent to the process, 0 if to one thread.
    pub to_process: u32,
    /// The sender, in truth: the task that made the call, the parent that died, the task that ran out of memory. All
    /// zeros if it was the kernel on its own.
    pub sender: Process,
}
const _: () = assert!(size_of::<Posted>() == 8 + 4 + 3 * 4 + size_of::<Process>(), "Posted has padding");

impl Posted {
    /// No signal.
    pub const NONE: Self = Self {
        at_boot_ns: 0,
        signal: 0,
        cause: 0,
        outcome: 0,
        action: 0,
        code: 0,
        claimed_pid: 0,
        to_process: 0,
        sender: Process::NONE,
    };
}

/// First of the record of a ring buffer: when, and what it is.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// When it happened, in nanoseconds of `CLOCK_BOOTTIME`.
    pub at_boot_ns: u64,
    /// One of `KIND_*`.
    pub kind: u8,
    /// What the kind makes of it.
    pub detail: [u8; 3],
    /// What the kind makes of it.
    pub number: i32,
}
const _: () = assert!(size_of::<Header>() == 16, "Header has padding");

/// A signal was posted. The record of the ring buffer `EVENTS` with [`KIND_SIGNAL`](crate::record::KIND_SIGNAL).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalEvent {
    /// When, and what this is.
    pub header: Header,
    /// Signals that the target had blocked, bit `n - 1` for signal `n`.
    pub blocked: u64,
    /// The signal.
    pub posted: Posted,
    /// The process it was sent to, and the thread that the kernel looked at.
    pub target: Process,
}

/// A process died of a signal. The record of the ring buffer `URGENT` with [`KIND_DEATH`](crate::record::KIND_DEATH).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeathEvent {
    /// When, and what this is; `detail` is the signal, the number of the [`Cause`], and 1 if there was a core dump.
    pub header: Header,
    /// The process that died; the thread is the last that was left.
    pub victim: Process,
    /// What else is known of it.
    pub victim_background: Background,
    /// The signal it died of; none if it was not seen to be posted.
    pub fatal: Posted,
    /// What else is known of that signal's sender.
    pub sender_background: Background,
    /// The signal before that one, another or from somebody else; none if there was none.
    pub before: Posted,
    /// What the memory was, if it was an OOM kill.
    pub memory: Memory,
}

/// A process was chosen to die because memory ran out. The record of the ring buffer `URGENT` with
/// [`KIND_OOM_KILL`](crate::record::KIND_OOM_KILL).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OomKillEvent {
    /// When, and what this is.
    pub header: Header,
    /// Who is to die.
    pub victim: Process,
    /// The task that wanted more memory, and could not have it.
    pub trigger: Process,
    /// What the memory was.
    pub memory: Memory,
}

/// What the victim of an OOM kill had, and what ran out.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Id of the memory cgroup whose limit was met; 0 if it was the machine, or is not known.
    pub limit_cgroup: u64,
    /// Pages of virtual memory.
    pub total_pages: u64,
    /// Resident pages that belong to no file.
    pub anon_pages: u64,
    /// Resident pages of files.
    pub file_pages: u64,
    /// Resident pages of shared memory.
    pub shmem_pages: u64,
    /// Bytes of page tables.
    pub page_table_bytes: u64,
    /// Its `oom_score_adj`, -1000 to 1000.
    pub score_adj: i32,
    /// Number of the [`Scope`](crate::cause::Scope).
    pub scope: u32,
}
const _: () = assert!(size_of::<Memory>() == 6 * 8 + 2 * 4, "Memory has padding");

impl Memory {
    /// Nothing is known.
    pub const NONE: Self = Self {
        limit_cgroup: 0,
        total_pages: 0,
        anon_pages: 0,
        file_pages: 0,
        shmem_pages: 0,
        page_table_bytes: 0,
        score_adj: 0,
        scope: 0,
    };
}

/// A cgroup was made. The record of the ring buffer `URGENT` with [`KIND_CGROUP`](crate::record::KIND_CGROUP).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CgroupEvent {
    /// When, and what this is.
    pub header: Header,
    /// Its id: the inode number of its directory.
    pub id: u64,
    /// The id of the cgroup above it.
    pub parent: u64,
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_signal_cause_and_outcome_has_a_counter_of_its_own() {
        let mut seen = BTreeSet::new();
        for signal in 0..=SIGNAL_OTHER {
            for cause in &Cause::ALL[..Cause::N_OF_SIGNALS] {
                for outcome in Outcome::ALL {
                    assert!(seen.insert(signal_index(signal, *cause, outcome)));
                }
            }
        }
        assert_eq!((seen.len(), seen.last()), (SignalCounts::N, Some(&(SignalCounts::N - 1))));
        assert_eq!(
            signal_index(u32::MAX, Cause::Kill, Outcome::Ignored),
            signal_index(SIGNAL_OTHER, Cause::Kill, Outcome::Ignored)
        );
    }

    #[test]
    fn each_kind_of_death_has_a_counter_of_its_own() {
        let mut seen = BTreeSet::new();
        for signal in 0..=SIGNAL_OTHER {
            for cause in Cause::ALL {
                assert!(seen.insert(death_index(signal, cause, false)));
                assert!(seen.insert(death_index(signal, cause, true)));
            }
        }
        assert_eq!((seen.len(), seen.last()), (DeathCounts::N, Some(&(DeathCounts::N - 1))));
    }
}
