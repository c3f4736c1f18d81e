//! Who a process is.

use std::{borrow::Cow, fmt, sync::Arc};

use killsnoop_common::{COMM_LEN, process as wire};

use crate::cgroup::Place;

/// A process, or one of its threads, as it was at the moment of the event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Process id in the initial pid namespace.
    pub pid: u32,
    /// Thread id in the initial pid namespace.
    pub tid: u32,
    /// Real user id in the initial user namespace.
    pub uid: u32,
    /// Process id in its own pid namespace; 0 if not known.
    pub ns_pid: u32,
    /// Inode number of that namespace, as in `/proc/PID/ns/pid`; 0 if not known.
    pub pid_ns: u32,
    /// When it began, in nanoseconds of `CLOCK_BOOTTIME`; 0 if not known.
    pub start_boot_ns: u64,
    /// Cgroup (v2) id: the inode number of its directory.
    pub cgroup: u64,
    /// Id of its cgroup in the hierarchy of the memory controller; 0 if not known.
    pub memory_cgroup: u64,
    /// Name of the thread if there is one in question, else of the process.
    pub comm: Comm,
    /// Where it ran: cgroup, container, pod, unit; `None` if its cgroup's directory is not known.
    pub place: Option<Arc<Place>>,
}

/// What else is known of a process that is part of a verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Background {
    /// The file name given to exec: the first 127 bytes. Bytes that are not UTF-8 became U+FFFD.
    pub exe: Option<String>,
    /// The first 128 bytes of the command line, with spaces between arguments, if it was asked for.
    pub command: Option<String>,
    /// Process id and name of its parent, of that one's parent, and so on: up to four.
    pub ancestors: Vec<(u32, Comm)>,
}

/// A thread's name: up to 15 bytes of any value, because any program may choose its own.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Comm(pub [u8; COMM_LEN]);

impl Process {
    /// Makes a process of the kernel's; `None` if there is none.
    #[must_use]
    pub fn new(wire: &wire::Process) -> Option<Self> {
        (wire.pid != 0).then_some(Self {
            pid: wire.pid,
            tid: wire.tid,
            uid: wire.uid,
            ns_pid: wire.ns_pid,
            pid_ns: wire.pid_ns,
            start_boot_ns: wire.start_boot_ns,
            cgroup: wire.cgroup,
            memory_cgroup: wire.memory_cgroup,
            comm: Comm(wire.comm),
            place: None,
        })
    }

    /// Whether both are the same process: numbers are reused, times are not.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.pid == other.pid && self.start_boot_ns == other.start_boot_ns
    }
}

impl Background {
    /// Makes it of the kernel's.
    #[must_use]
    pub fn new(wire: &wire::Background) -> Self {
        let ancestors = wire.ancestors.iter().take_while(|ancestor| ancestor.pid != 0);
        Self {
            exe: text(until_nul(&wire.image.exe)),
            command: command(&wire.image.command),
            ancestors: ancestors.map(|ancestor| (ancestor.pid, Comm(ancestor.comm))).collect(),
        }
    }
}

/// Arguments each end in a NUL; what follows the last one is empty space.
fn command(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().rposition(|byte| *byte != 0)? + 1;
    let spaced: Vec<u8> = bytes[..end].iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect();
    text(&spaced)
}

fn text(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or(bytes)
}

impl Comm {
    /// The bytes up to the first NUL.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        until_nul(&self.0)
    }

    /// The name as text; bytes that are not UTF-8 become U+FFFD. Control characters stay: what prints it escapes it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }

    /// A name for tests, cut off where the kernel would.
    #[cfg(test)]
    pub(crate) fn of(name: &str) -> Self {
        let mut bytes = [0; COMM_LEN];
        let length = name.len().min(COMM_LEN - 1);
        bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
        Self(bytes)
    }
}

impl fmt::Debug for Comm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use killsnoop_common::process::{COMMAND_LEN, EXE_LEN, Image};

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
    fn command_lines_keep_their_arguments_apart_and_nothing_is_no_text() {
        let (mut exe, mut command) = ([0; EXE_LEN], [0; COMMAND_LEN]);
        exe[..7].copy_from_slice(b"/bin/sh");
        command[..10].copy_from_slice(b"sh\0-c\0a b\0");
        let image = Image { start_boot_ns: 1, exe, command };
        let background = Background::new(&wire::Background { image, ..wire::Background::UNKNOWN });
        assert_eq!(background.exe.as_deref(), Some("/bin/sh"));
        assert_eq!(background.command.as_deref(), Some("sh -c a b"));
        assert_eq!(Background::new(&wire::Background::UNKNOWN), Background::default());
        assert_eq!(super::command(&[b'x'; COMMAND_LEN]).unwrap().len(), COMMAND_LEN);
    }
}
