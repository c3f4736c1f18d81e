//! Who a process is, as the kernel side tells it.

use crate::COMM_LEN;

/// Bytes of the file name given to exec that are kept, its closing NUL included.
pub const EXE_LEN: usize = 128;

/// Bytes of the command line that are kept.
pub const COMMAND_LEN: usize = 128;

/// Ancestors that are told of: the parent, its parent, and so on.
pub const N_ANCESTORS: usize = 4;

/// A process, or one of its threads. All zeros stands for no process: the kernel itself.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// When the process began, in nanoseconds of `CLOCK_BOOTTIME`. With `pid` it names the process for good: numbers
    /// are reused.
    pub start_boot_ns: u64,
    /// Cgroup (v2) id: the inode number of its directory.
    pub cgroup: u64,
    /// Id of its cgroup in the hierarchy that has the memory controller: on a machine with cgroup v2 alone `cgroup` or
    /// one above it; 0 if not known.
    pub memory_cgroup: u64,
    /// Process id in the initial pid namespace.
    pub pid: u32,
    /// Thread id in the initial pid namespace.
    pub tid: u32,
    /// Real user id in the initial user namespace.
    pub uid: u32,
    /// Process id in its own pid namespace: what it takes for its own number.
    pub ns_pid: u32,
    /// Inode number of that pid namespace, as in `/proc/PID/ns/pid`.
    pub pid_ns: u32,
    /// Always 0.
    pub reserved: u32,
    /// Name of the thread if there is one in question, else of the process: bytes of any value up to the first NUL.
    pub comm: [u8; COMM_LEN],
}
const _: () = assert!(size_of::<Process>() == 3 * 8 + 6 * 4 + COMM_LEN, "Process has padding");

impl Process {
    /// No process.
    pub const NONE: Self = Self {
        start_boot_ns: 0,
        cgroup: 0,
        memory_cgroup: 0,
        pid: 0,
        tid: 0,
        uid: 0,
        ns_pid: 0,
        pid_ns: 0,
        reserved: 0,
        comm: [0; COMM_LEN],
    };
}

/// One of the processes above a process.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ancestor {
    /// Process id in the initial pid namespace; 0 if there is none.
    pub pid: u32,
    /// Its name.
    pub comm: [u8; COMM_LEN],
}
const _: () = assert!(size_of::<Ancestor>() == 4 + COMM_LEN, "Ancestor has padding");

/// What a process runs: the value of the map `IMAGES`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// When the process began, as in [`Process`]; in whole ticks of 10 ms where it comes from `/proc`.
    pub start_boot_ns: u64,
    /// The file name given to exec up to the first NUL, cut off at the length; empty if it is not known.
    pub exe: [u8; EXE_LEN],
    /// The first bytes of the command line, a NUL after each argument; empty unless it was asked for.
    pub command: [u8; COMMAND_LEN],
}
const _: () = assert!(size_of::<Image>() == 8 + EXE_LEN + COMMAND_LEN, "Image has padding");

// SAFETY: plain integers, no padding, every bit pattern is valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Image {}

impl Image {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { start_boot_ns: 0, exe: [0; EXE_LEN], command: [0; COMMAND_LEN] };
}

/// What else is told of a process that is part of a verdict.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Background {
    /// What it ran.
    pub image: Image,
    /// Its parent, the parent's parent, and so on.
    pub ancestors: [Ancestor; N_ANCESTORS],
}
const _: () = assert!(
    size_of::<Background>() == size_of::<Image>() + N_ANCESTORS * size_of::<Ancestor>(),
    "Background has padding"
);

impl Background {
    /// Nothing is known.
    pub const UNKNOWN: Self =
        Self { image: Image::UNKNOWN, ancestors: [Ancestor { pid: 0, comm: [0; COMM_LEN] }; N_ANCESTORS] };
}
