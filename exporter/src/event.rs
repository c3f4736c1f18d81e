//! What happened, as every sink takes it: the kernel's record with a wall time and with names where it had numbers.

use std::borrow::Cow;

use killsnoop_common::{
    COMM_LEN,
    kill::{ABI_COMPAT, KillEvent, Syscall},
};

use crate::{clock::Clock, errno, signal};

/// One call that sends a signal, as it returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Time of the return, in nanoseconds of `CLOCK_BOOTTIME`. With the sender's thread id it names the event: one
    /// thread returns from one call at a time.
    pub at_boot_ns: u64,
    /// The same time, in nanoseconds since 1970.
    pub at_unix_ns: u64,
    /// When user space read the event, in nanoseconds since 1970.
    pub observed_unix_ns: u64,
    /// The call.
    pub syscall: Syscall,
    /// Whether the call came through the kernel's entry for 32-bit programs.
    pub compat: bool,
    /// Who called.
    pub sender: Sender,
    /// The target as asked, in the numbers of the sender's pid namespace: a pid or thread id, 0 for the sender's own
    /// group, -1 for everybody, a negated group; for `pidfd_send_signal` the file descriptor.
    pub target: i32,
    /// The thread asked for by tgkill and `rt_tgsigqueueinfo`; 0 otherwise.
    pub target_tid: i32,
    /// The signal as asked, any number.
    pub signal: i32,
    /// What the call returned: 0, or a negated errno.
    pub result: i32,
}

/// The process that made a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Process id in the initial pid namespace.
    pub pid: u32,
    /// Thread id in the initial pid namespace.
    pub tid: u32,
    /// Real user id in the initial user namespace.
    pub uid: u32,
    /// Cgroup (v2) id: the inode number of its directory.
    pub cgroup: u64,
    /// Name of the calling thread.
    pub comm: Comm,
}

/// A thread's name: up to 15 bytes of any value, because any program may choose its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Comm(pub [u8; COMM_LEN]);

impl Event {
    /// Makes an event of the kernel's record; `None` if it names a call that is not known here.
    #[must_use]
    pub fn new(record: &KillEvent, clock: &Clock, observed_unix_ns: u64) -> Option<Self> {
        Some(Self {
            at_boot_ns: record.at_boot_ns,
            at_unix_ns: clock.unix_ns(record.at_boot_ns),
            observed_unix_ns,
            syscall: Syscall::from_number(record.syscall.into())?,
            compat: record.abi == ABI_COMPAT,
            sender: Sender {
                pid: record.sender_pid,
                tid: record.sender_tid,
                uid: record.sender_uid,
                cgroup: record.sender_cgroup,
                comm: Comm(record.sender_comm),
            },
            target: record.target,
            target_tid: record.target_tid,
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

impl Comm {
    /// The bytes up to the first NUL.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(COMM_LEN);
        &self.0[..end]
    }

    /// The name as text; bytes that are not UTF-8 become U+FFFD. Control characters stay: what prints it escapes it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }
}

impl std::fmt::Debug for Comm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.bytes().escape_ascii())
    }
}

/// An event for the tests of the sinks: bash (4242) fails to send SIGKILL to 1024.
#[cfg(test)]
#[must_use]
pub(crate) fn example() -> Event {
    let mut comm = [0; COMM_LEN];
    comm[..4].copy_from_slice(b"bash");
    Event {
        at_boot_ns: 5_000_000_123,
        at_unix_ns: 1_700_000_000_123_456_789,
        observed_unix_ns: 1_700_000_000_223_456_789,
        syscall: Syscall::Kill,
        compat: false,
        sender: Sender { pid: 4242, tid: 4243, uid: 1000, cgroup: 77, comm: Comm(comm) },
        target: 1024,
        target_tid: 0,
        signal: 9,
        result: -3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_at_the_first_nul_and_may_hold_any_byte() {
        let mut comm = [0; COMM_LEN];
        comm[..6].copy_from_slice(b"a\n\xff\0zz");
        assert_eq!(Comm(comm).bytes(), b"a\n\xff");
        assert_eq!(Comm(comm).text(), "a\n\u{fffd}");
        assert_eq!(Comm([b'x'; COMM_LEN]).bytes().len(), COMM_LEN);
    }

    #[test]
    fn failures_are_named_and_successes_are_not() {
        let event = example();
        assert_eq!(event.error_name().as_deref(), Some("ESRCH"));
        assert_eq!(Event { result: 0, ..event }.error_name(), None);
        assert_eq!(Event { result: -999, ..event }.error_name().as_deref(), Some("999"));
    }
}
