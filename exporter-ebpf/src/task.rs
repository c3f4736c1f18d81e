//! What the kernel keeps of a task, read directly: the verifier knows the type of each pointer, and the offsets come from
//! the running kernel's own type information, by user space and the global `LAYOUT`. No helper copies memory here, so it
//! works on a locked-down kernel too.

use aya_ebpf::{cty::c_void, helpers::bpf_get_current_task_btf};
use killsnoop_common::{
    COMM_LEN,
    layout::ABSENT,
    process::{Ancestor, N_ANCESTORS, Process},
};

use crate::maps::{LAYOUT, global};

/// The task is exiting (`PF_*`, include/linux/sched.h).
const PF_EXITING: u32 = 0x0000_0004;
/// The task is the kernel's own, without a program.
const PF_KTHREAD: u32 = 0x0020_0000;

/// A pointer that the verifier knows, to a structure of the kernel.
#[derive(Clone, Copy)]
pub(crate) struct Struct(*const c_void);

impl Struct {
    /// Takes an argument of a hook, or another pointer with a type.
    #[inline(always)]
    pub(crate) const fn new(pointer: *const c_void) -> Self {
        Self(pointer)
    }

    #[inline(always)]
    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The pointer itself.
    #[inline(always)]
    pub(crate) const fn pointer(self) -> *const c_void {
        self.0
    }

    /// The pointer, for a helper.
    #[inline(always)]
    pub(crate) fn as_task(self) -> *mut aya_ebpf::bindings::task_struct {
        self.0.cast_mut().cast()
    }

    /// Its address as a number, for what must be read without types.
    #[inline(always)]
    pub(crate) fn address(self) -> u64 {
        self.0 as u64
    }

    /// A field. The read is volatile so that the compiler merges no two fields into one read.
    #[inline(always)]
    pub(crate) fn get<T: Copy>(self, offset: &'static u32) -> T {
        self.at(global(offset))
    }

    #[inline(always)]
    pub(crate) fn at<T: Copy>(self, offset: u32) -> T {
        // SAFETY: the verifier checks that the offset lies inside, and a pointer that is no longer valid reads as 0.
        unsafe { self.0.byte_add(offset as usize).cast::<T>().read_volatile() }
    }

    /// A field that is a pointer to another structure.
    #[inline(always)]
    pub(crate) fn follow(self, offset: &'static u32) -> Self {
        Self(self.get(offset))
    }

    /// The place of a field, for reads at fixed distances from it.
    #[inline(always)]
    pub(crate) fn place(self, offset: &'static u32) -> *const c_void {
        // SAFETY: as in `at`.
        unsafe { self.0.byte_add(global(offset) as usize) }
    }
}

/// Reads a number at a distance that the verifier must see as a constant. A choice among such reads would else become
/// one read at a computed distance, which it refuses.
macro_rules! read_at {
    ($width:literal, $pointer:expr, $distance:expr) => {{
        let value: u64;
        #[cfg(target_arch = "bpf")]
        // SAFETY: as in `Struct::at`.
        unsafe {
            core::arch::asm!(
                concat!("{value} = *(", $width, " *)({pointer} + {distance})"),
                value = out(reg) value,
                pointer = in(reg) $pointer,
                distance = const $distance,
                options(nostack, readonly)
            );
        }
        // Only so that the crate can be checked on the host.
        #[cfg(not(target_arch = "bpf"))]
        // SAFETY: as in `Struct::at`.
        unsafe {
            value = $pointer.byte_add($distance).cast::<u64>().read();
        }
        value
    }};
}
pub(crate) use read_at;

/// A task: one thread of a process.
#[derive(Clone, Copy)]
pub(crate) struct Task(pub(crate) Struct);

impl Task {
    /// The task that is running on this CPU, which an interrupt may have nothing to do with.
    #[inline(always)]
    pub(crate) fn current() -> Self {
        // SAFETY: the helper has no precondition.
        Self(Struct::new(unsafe { bpf_get_current_task_btf() } as *const c_void))
    }

    /// Process id in the initial pid namespace.
    #[inline(always)]
    pub(crate) fn pid(self) -> u32 {
        self.0.get(&LAYOUT.task.tgid)
    }

    /// Thread id in the initial pid namespace.
    #[inline(always)]
    pub(crate) fn tid(self) -> u32 {
        self.0.get(&LAYOUT.task.pid)
    }

    /// When this thread began, on the boot clock; of the first thread, the process.
    #[inline(always)]
    pub(crate) fn start(self) -> u64 {
        self.0.get(&LAYOUT.task.start_boottime)
    }

    /// Real user id in the initial user namespace.
    #[inline(always)]
    pub(crate) fn uid(self) -> u32 {
        self.0.follow(&LAYOUT.task.cred).get(&LAYOUT.cred_uid)
    }

    /// The thread's name.
    #[inline(always)]
    pub(crate) fn comm(self) -> [u8; COMM_LEN] {
        let words: [u64; 2] = [self.0.get(&LAYOUT.task.comm), self.0.at(global(&LAYOUT.task.comm) + 8)];
        // SAFETY: both are 16 bytes of any value.
        unsafe { core::mem::transmute(words) }
    }

    /// The first thread of the process, by way of what all of its threads share. The verifier takes milliseconds to follow
    /// a pointer out of a task that it trusts, as it does the current one, and none to follow those found behind that.
    #[inline(always)]
    pub(crate) fn leader(self) -> Self {
        let any = self.signal().follow(&LAYOUT.signal_curr_target);
        Self(any.follow(&LAYOUT.task.group_leader))
    }

    #[inline(always)]
    pub(crate) fn is_exiting(self) -> bool {
        self.flags() & PF_EXITING != 0
    }

    #[inline(always)]
    pub(crate) fn is_of_kernel(self) -> bool {
        self.flags() & PF_KTHREAD != 0
    }

    #[inline(always)]
    fn flags(self) -> u32 {
        self.0.get(&LAYOUT.task.flags)
    }

    /// What all threads of the process share.
    #[inline(always)]
    pub(crate) fn signal(self) -> Struct {
        self.0.follow(&LAYOUT.task.signal)
    }

    /// Cgroup (v2) id, and the id of the cgroup in the hierarchy of the memory controller.
    #[inline(always)]
    pub(crate) fn cgroups(self) -> (u64, u64) {
        let cgroups = self.0.follow(&LAYOUT.task.cgroups);
        (cgroup_id(cgroups.follow(&LAYOUT.css_set_default)), memory_cgroup(cgroups))
    }

    /// The memory controller's part of the cgroup.
    #[inline(always)]
    pub(crate) fn memory_css(self) -> Struct {
        self.0.follow(&LAYOUT.task.cgroups).follow(&LAYOUT.css_set_memory)
    }

    /// How many pid namespaces the task is below the initial one.
    #[inline(always)]
    pub(crate) fn pid_level(self) -> u32 {
        self.0.follow(&LAYOUT.task.thread_pid).get(&LAYOUT.pid_level)
    }

    /// Number of the thread in its own pid namespace, and the inode number of that; both 0 if it is more than seven
    /// namespaces deep.
    #[inline(always)]
    fn pid_in_namespace(self) -> (u32, u32) {
        let pid = self.0.follow(&LAYOUT.task.thread_pid);
        if pid.is_null() {
            return (0, 0);
        }
        let numbers = pid.place(&LAYOUT.pid_numbers);
        // One `struct upid` after the other: the number, and at 8 its namespace.
        let (number, namespace) = match pid.get::<u32>(&LAYOUT.pid_level) {
            0 => (read_at!("u32", numbers, 0), read_at!("u64", numbers, 8)),
            1 => (read_at!("u32", numbers, 16), read_at!("u64", numbers, 24)),
            2 => (read_at!("u32", numbers, 32), read_at!("u64", numbers, 40)),
            3 => (read_at!("u32", numbers, 48), read_at!("u64", numbers, 56)),
            4 => (read_at!("u32", numbers, 64), read_at!("u64", numbers, 72)),
            5 => (read_at!("u32", numbers, 80), read_at!("u64", numbers, 88)),
            6 => (read_at!("u32", numbers, 96), read_at!("u64", numbers, 104)),
            7 => (read_at!("u32", numbers, 112), read_at!("u64", numbers, 120)),
            _ => return (0, 0),
        };
        (number as u32, Struct::new(namespace as *const c_void).get(&LAYOUT.pid_namespace_inum))
    }

    /// Writes down who this is: the process, and this thread of it.
    #[inline(always)]
    pub(crate) fn describe(self, to: *mut Process) {
        let leader = self.leader();
        let (ns_pid, pid_ns) = leader.pid_in_namespace();
        let (cgroup, memory_cgroup) = leader.cgroups();
        let process = Process {
            start_boot_ns: leader.start(),
            cgroup,
            memory_cgroup,
            pid: self.pid(),
            tid: self.tid(),
            uid: leader.uid(),
            ns_pid,
            pid_ns,
            reserved: 0,
            comm: self.comm(),
        };
        // SAFETY: the caller gives a place that the verifier knows.
        unsafe { to.write(process) }
    }

    /// Writes down its parent, that one's parent, and so on.
    #[inline(always)]
    pub(crate) fn describe_ancestors(self, to: *mut [Ancestor; N_ANCESTORS]) {
        let mut task = self;
        let mut above = true;
        for n in 0..N_ANCESTORS {
            task = Self(task.0.follow(&LAYOUT.task.real_parent));
            let pid = if above { task.pid() } else { 0 };
            above = pid != 0;
            let comm = if above { task.comm() } else { [0; COMM_LEN] };
            // SAFETY: as in `describe`; the index is below the length.
            unsafe { to.cast::<Ancestor>().add(n).write(Ancestor { pid, comm }) };
        }
    }
}

/// Id of the cgroup in the hierarchy of the memory controller, of a task's set; 0 if the kernel has none.
#[inline(always)]
fn memory_cgroup(cgroups: Struct) -> u64 {
    if global(&LAYOUT.css_set_memory) == ABSENT {
        return 0;
    }
    cgroup_id(cgroups.follow(&LAYOUT.css_set_memory).follow(&LAYOUT.css_cgroup))
}

/// Id of a cgroup.
#[inline(always)]
pub(crate) fn cgroup_id(cgroup: Struct) -> u64 {
    cgroup.follow(&LAYOUT.cgroup_kn).get(&LAYOUT.kernfs_id)
}
