//! Calls that send a signal.

use std::borrow::Cow;

use killsnoop_common::kill::{ABI_COMPAT, KillEvent, Syscall};

use super::{Comm, Process, Time};
use crate::{clock::Clock, errno, signal};

/// One call that sends a signal, as it returned. Its time and the sender's thread id name it: one thread returns from one
/// call at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it returned.
    pub time: Time,
    /// The call.
    pub syscall: Syscall,
    /// Whether the call came through the kernel's entry for 32-bit programs.
    pub compat: bool,
    /// Who called, with the name of the calling thread. When it began and its pid namespace are not told.
    pub sender: Process,
    /// The target as asked, in the numbers of the sender's pid namespace: a pid or thread id, 0 for the sender's own
    /// group, -1 for everybody, a negated group; for `pidfd_send_signal` the file descriptor.
    pub target: i32,
    /// The thread asked for by tgkill and `rt_tgsigqueueinfo`; 0 otherwise.
    pub target_tid: i32,
    /// Process id of the target in the initial pid namespace, where `target` does not say it and the kernel has shown
    /// it: behind a file descriptor, or a number of another pid namespace.
    pub target_pid: Option<u32>,
    /// The signal as asked, any number.
    pub signal: i32,
    /// What the call returned: 0, or a negated errno.
    pub result: i32,
}

impl Call {
    /// Makes it of the kernel's record; `None` if it names a call that is not known here.
    #[must_use]
    pub fn new(record: &KillEvent, clock: &Clock, observed_unix_ns: u64) -> Option<Self> {
        Some(Self {
            time: Time::new(record.at_boot_ns, clock, observed_unix_ns),
            syscall: Syscall::from_number(record.syscall.into())?,
            compat: record.abi == ABI_COMPAT,
            sender: Process {
                pid: record.sender_pid,
                tid: record.sender_tid,
                uid: record.sender_uid,
                cgroup: record.sender_cgroup,
                memory_cgroup: record.sender_memory_cgroup,
                comm: Comm(record.sender_comm),
                ..Process::default()
            },
            target: record.target,
            target_tid: record.target_tid,
            target_pid: (record.target_pid != 0).then_some(record.target_pid),
            signal: record.signal,
            result: record.result,
        })
    }

    /// The signal's name, see [`signal::name`].
    #[must_use]
    pub fn signal_name(&self) -> Cow<'static, str> {
        signal::name(self.signal)
    }

    /// The errno's name if the call failed, its number if it has no name; `None` if the call succeeded.
    #[must_use]
    pub fn error_name(&self) -> Option<Cow<'static, str>> {
        (self.result < 0).then(|| {
            errno::name(self.result)
                .map_or_else(|| self.result.unsigned_abs().to_string().into(), Cow::Borrowed)
        })
    }
}

/// bash (4242) fails to send SIGKILL to 1024.
#[cfg(test)]
pub(crate) fn example() -> Call {
    let sender =
        Process { pid: 4242, tid: 4243, uid: 1000, cgroup: 77, comm: Comm::of("bash"), ..Process::default() };
    Call {
        time: Time {
            boot_ns: 5_000_000_123,
            unix_ns: 1_700_000_000_123_456_789,
            observed_unix_ns: 1_700_000_000_223_456_789,
        },
        syscall: Syscall::Kill,
        compat: false,
        sender,
        target: 1024,
        target_tid: 0,
        target_pid: None,
        signal: 9,
        result: -3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_named_and_successes_are_not() {
        let call = example();
        assert_eq!(call.error_name().as_deref(), Some("ESRCH"));
        assert_eq!(Call { result: 0, ..example() }.error_name(), None);
        assert_eq!(Call { result: -999, ..example() }.error_name().as_deref(), Some("999"));
    }
}
