//! Calls that send a signal: what is counted, and what is told of each.

use crate::{COMM_LEN, MAX_SIGNAL};

/// A system call that sends a signal. Its number here is ours, not the kernel's.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syscall {
    /// kill(2): a process, a group or everybody.
    Kill = 0,
    /// tkill(2): one thread.
    Tkill = 1,
    /// tgkill(2): one thread of one process; what `pthread_kill(3)`, `raise(3)` and `abort(3)` call.
    Tgkill = 2,
    /// `rt_sigqueueinfo(2)`: a process, with data; what `sigqueue(3)` calls.
    RtSigqueueinfo = 3,
    /// `rt_tgsigqueueinfo(2)`: one thread of one process, with data; what `pthread_sigqueue(3)` calls.
    RtTgsigqueueinfo = 4,
    /// `pidfd_send_signal(2)`: the process behind a file descriptor.
    PidfdSendSignal = 5,
}

impl Syscall {
    /// All calls, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Kill,
        Self::Tkill,
        Self::Tgkill,
        Self::RtSigqueueinfo,
        Self::RtTgsigqueueinfo,
        Self::PidfdSendSignal,
    ];

    /// The call's name in the kernel's tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Tkill => "tkill",
            Self::Tgkill => "tgkill",
            Self::RtSigqueueinfo => "rt_sigqueueinfo",
            Self::RtTgsigqueueinfo => "rt_tgsigqueueinfo",
            Self::PidfdSendSignal => "pidfd_send_signal",
        }
    }

    /// Whether it asks for one thread of a process by two numbers, before the signal.
    #[must_use]
    #[inline]
    pub const fn has_thread(self) -> bool {
        matches!(self, Self::Tgkill | Self::RtTgsigqueueinfo)
    }

    /// The call with this number, [`Syscall::Kill`] if there is none, see [`Cause::known`](crate::cause::Cause::known).
    #[must_use]
    #[inline]
    pub const fn known(number: u8) -> Self {
        match number {
            1 => Self::Tkill,
            2 => Self::Tgkill,
            3 => Self::RtSigqueueinfo,
            4 => Self::RtTgsigqueueinfo,
            5 => Self::PidfdSendSignal,
            _ => Self::Kill,
        }
    }

    /// The call with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }
}

/// What stands for every signal number that the kernel does not know.
pub const SIGNAL_OTHER: u32 = MAX_SIGNAL as u32 + 1;

/// What stands for every result that has no place of its own in [`RESULTS`].
pub const RESULT_OTHER: i32 = 1;

/// EPERM, ESRCH, EAGAIN and EINVAL of include/uapi/asm-generic/errno-base.h, negated as the kernel returns them.
const EPERM: i32 = -1;
const ESRCH: i32 = -3;
const EAGAIN: i32 = -11;
const EINVAL: i32 = -22;

/// The results that are told apart by the counters: success, no permission, no such process, signal queue
/// full, bad signal number, anything else.
pub const RESULTS: [i32; 6] = [0, EPERM, ESRCH, EAGAIN, EINVAL, RESULT_OTHER];

/// Key of the map `KILLS`: one counter per signal and result. Both come from a closed set, so that callers who
/// pass strange numbers can never fill the map.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KillKey {
    /// The signal asked for, 0 to 64; 0 only asks whether the target exists; [`SIGNAL_OTHER`] is any other number.
    pub signal: u32,
    /// One of [`RESULTS`].
    pub result: i32,
}
const _: () = assert!(size_of::<KillKey>() == 4 + 4, "KillKey has padding");

// SAFETY: plain integers, no padding, every bit pattern is valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for KillKey {}

impl KillKey {
    /// Number of legal keys.
    pub const N: usize = (SIGNAL_OTHER as usize + 1) * RESULTS.len();

    /// The key under which a call with this signal and result is counted.
    #[must_use]
    #[inline]
    #[expect(clippy::cast_sign_loss, reason = "the range is checked first")]
    pub const fn new(signal: i32, result: i64) -> Self {
        Self {
            signal: if 0 <= signal && signal <= MAX_SIGNAL { signal as u32 } else { SIGNAL_OTHER },
            result: match result {
                0.. => 0,
                -1 => EPERM,
                -3 => ESRCH,
                -11 => EAGAIN,
                -22 => EINVAL,
                _ => RESULT_OTHER,
            },
        }
    }

    /// Every legal key, by signal and then in the order of [`RESULTS`].
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=SIGNAL_OTHER).flat_map(|signal| RESULTS.map(|result| Self { signal, result }))
    }
}

/// Value of the map `KILLS`: how many calls there were under a key, by the number of the [`Syscall`]. One look-up so
/// counts a call both by signal and result and by system call.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KillCounts {
    /// Calls, in the order of [`Syscall::ALL`].
    pub calls: [u64; Syscall::ALL.len()],
}
const _: () = assert!(size_of::<KillCounts>() == 6 * 8, "KillCounts has padding");

// SAFETY: plain integers, no padding, every bit pattern is valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for KillCounts {}

/// The caller was a native program.
pub const ABI_NATIVE: u8 = 0;
/// The caller was a 32-bit program, or used the 32-bit entry of the kernel.
pub const ABI_COMPAT: u8 = 1;

/// One call that sends a signal, as it returned. The record of the ring buffer `EVENTS` with
/// [`KIND_CALL`](crate::record::KIND_CALL).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KillEvent {
    /// Time of the return, in nanoseconds of `CLOCK_BOOTTIME`.
    pub at_boot_ns: u64,
    /// Always [`KIND_CALL`](crate::record::KIND_CALL).
    pub kind: u8,
    /// Number of the [`Syscall`].
    pub syscall: u8,
    /// [`ABI_NATIVE`] or [`ABI_COMPAT`].
    pub abi: u8,
    /// Always 0.
    pub reserved: u8,
    /// The signal as asked, any number.
    pub signal: i32,
    /// Cgroup (v2) id of the sender: the inode number of its directory.
    pub sender_cgroup: u64,
    /// Id of the sender's cgroup in the hierarchy of the memory controller; 0 if not known.
    pub sender_memory_cgroup: u64,
    /// Process id of the sender in the initial pid namespace.
    pub sender_pid: u32,
    /// Thread id of the sender in the initial pid namespace.
    pub sender_tid: u32,
    /// Real user id of the sender in the initial user namespace.
    pub sender_uid: u32,
    /// The target as asked, in the numbers of the sender's pid namespace: a pid or thread id, 0 for the sender's
    /// group, -1 for everybody, a negated group; for `pidfd_send_signal` the file descriptor.
    pub target: i32,
    /// The thread asked for by tgkill and `rt_tgsigqueueinfo`; 0 otherwise.
    pub target_tid: i32,
    /// Process id of the target in the initial pid namespace, where `target` does not say it and the kernel has shown
    /// it: a file descriptor, or a number of another pid namespace. The last of several targets. 0 if there is none.
    pub target_pid: u32,
    /// What the call returned: 0, or a negated errno.
    pub result: i32,
    /// Always 0.
    pub reserved_too: u32,
    /// Name of the sending thread: bytes of any value up to the first NUL.
    pub sender_comm: [u8; COMM_LEN],
}
const _: () = assert!(size_of::<KillEvent>() == 4 * 8 + 8 * 4 + COMM_LEN, "KillEvent has padding");

#[cfg(test)]
mod tests {
    extern crate std;
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_call_is_counted_under_a_legal_key() {
        let legal: BTreeSet<_> = KillKey::all().collect();
        assert_eq!(legal.len(), KillKey::N);
        let signals = [i32::MIN, -9, -1, 0, 1, 9, 34, 64, 65, 99, 1000, i32::MAX];
        let results = [i64::MIN, -4095, -38, -22, -14, -11, -9, -3, -1, 0, 1, i64::MAX];
        for (signal, result) in signals.iter().flat_map(|s| results.map(|r| (*s, r))) {
            assert!(legal.contains(&KillKey::new(signal, result)), "{signal} {result}");
        }
    }

    #[test]
    fn strange_numbers_share_one_key() {
        assert_eq!(KillKey::new(65, 0).signal, SIGNAL_OTHER);
        assert_eq!(KillKey::new(-1, 0).signal, SIGNAL_OTHER);
        assert_eq!(KillKey::new(9, -38).result, RESULT_OTHER);
    }

    #[test]
    fn numbers_name_the_syscall_they_stand_for() {
        for (number, syscall) in (0u32..).zip(Syscall::ALL) {
            assert_eq!(syscall as u32, number);
            assert_eq!(Syscall::from_number(number), Some(syscall));
        }
        assert_eq!(Syscall::from_number(6), None);
    }
}
