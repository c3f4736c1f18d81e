//! What the kernel keeps of a task.

use aya_ebpf::{
    cty::c_void,
    helpers::{bpf_get_current_task, bpf_get_current_task_btf, bpf_task_pt_regs},
};
use killsnoop_common::{
    COMM_LEN,
    layout::{
        CGROUP_KN, CRED_UID, CSS_CGROUP, CSS_SET_DEFAULT, CSS_SET_MEMORY, KERNFS_ID, MAY_COPY, MUST_COPY,
        PID_LEVEL, PID_NAMESPACE_INUM, PID_NUMBERS, PID_NUMBERS_HAVE_TYPES, REGISTERS_BELOW_TOP, STACK_SIZE,
        TASK_CGROUPS, TASK_COMM, TASK_COMM_REST, TASK_CRED, TASK_FLAGS, TASK_GROUP_LEADER, TASK_PID,
        TASK_REAL_PARENT, TASK_SIGNAL, TASK_STACK, TASK_START_BOOTTIME, TASK_TGID, TASK_THREAD_PID,
        TASK_TYPE,
    },
    process::{Ancestor, N_ANCESTORS, Process},
};

use crate::kernel::{Struct, constant, has, is_set, offset, peek, read_at};

/// The task is exiting (`PF_*`, include/linux/sched.h).
const PF_EXITING: u32 = 0x0000_0004;
/// The task is the kernel's own, without a program.
const PF_KTHREAD: u32 = 0x0020_0000;

/// A task: one thread of a process.
#[derive(Clone, Copy)]
pub(crate) struct Task(pub(crate) Struct);

impl Task {
    /// Takes an argument of a hook.
    #[inline(always)]
    pub(crate) fn new(pointer: *const c_void) -> Self {
        Self(Struct::cast(pointer, TASK_TYPE))
    }

    /// The task that is running on this CPU, which an interrupt may have nothing to do with.
    #[inline(always)]
    pub(crate) fn current() -> Self {
        if is_set(MUST_COPY) {
            // SAFETY: the helper has no precondition.
            Self(Struct::new(unsafe { bpf_get_current_task() } as *const c_void))
        } else {
            // SAFETY: as above.
            Self::new(unsafe { bpf_get_current_task_btf() } as *const c_void)
        }
    }

    /// The registers that its program had when the current task came into the kernel.
    #[inline(always)]
    pub(crate) fn current_registers() -> Struct {
        if is_set(MUST_COPY) {
            let top = Self::current().0.get::<u64, _>(TASK_STACK) + constant(STACK_SIZE) as u64;
            return Struct::new((top - constant(REGISTERS_BELOW_TOP) as u64) as *const c_void);
        }
        // SAFETY: the helpers have no precondition.
        Struct::new(unsafe { bpf_task_pt_regs(bpf_get_current_task_btf()) } as *const c_void)
    }

    /// Process id in the initial pid namespace.
    #[inline(always)]
    pub(crate) fn pid(self) -> u32 {
        self.0.get(TASK_TGID)
    }

    /// Thread id in the initial pid namespace.
    #[inline(always)]
    pub(crate) fn tid(self) -> u32 {
        self.0.get(TASK_PID)
    }

    /// When this thread began, on the boot clock; of the first thread, the process.
    #[inline(always)]
    pub(crate) fn start(self) -> u64 {
        self.0.get(TASK_START_BOOTTIME)
    }

    /// Real user id in the initial user namespace.
    #[inline(always)]
    pub(crate) fn uid(self) -> u32 {
        self.0.follow(TASK_CRED).get(CRED_UID)
    }

    /// The thread's name.
    #[inline(always)]
    pub(crate) fn comm(self) -> [u8; COMM_LEN] {
        let words: [u64; 2] = [self.0.get(TASK_COMM), self.0.get(TASK_COMM_REST)];
        // SAFETY: both are 16 bytes of any value.
        unsafe { core::mem::transmute(words) }
    }

    /// The first thread of the process.
    #[inline(always)]
    pub(crate) fn leader(self) -> Self {
        Self(self.0.follow(TASK_GROUP_LEADER))
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
        self.0.get(TASK_FLAGS)
    }

    /// What all threads of the process share.
    #[inline(always)]
    pub(crate) fn signal(self) -> Struct {
        self.0.follow(TASK_SIGNAL)
    }

    /// Cgroup (v2) id, and the id of the cgroup in the hierarchy of the memory controller.
    #[inline(always)]
    pub(crate) fn cgroups(self) -> (u64, u64) {
        let cgroups = self.0.follow(TASK_CGROUPS);
        (cgroup_id(cgroups.follow(CSS_SET_DEFAULT)), memory_cgroup(cgroups))
    }

    /// The memory controller's part of the cgroup.
    #[inline(always)]
    pub(crate) fn memory_css(self) -> Struct {
        self.0.follow(TASK_CGROUPS).follow(CSS_SET_MEMORY)
    }

    /// How many pid namespaces the task is below the initial one.
    #[inline(always)]
    pub(crate) fn pid_level(self) -> u32 {
        self.0.follow(TASK_THREAD_PID).get(PID_LEVEL)
    }

    /// Number of the thread in its own pid namespace, and the inode number of that; both 0 if it is more than seven
    /// namespaces deep.
    #[inline(always)]
    fn pid_in_namespace(self) -> (u32, u32) {
        let pid = self.0.follow(TASK_THREAD_PID);
        if pid.is_null() {
            return (0, 0);
        }
        let (numbers, level) = (pid.place(PID_NUMBERS), pid.get::<u32, _>(PID_LEVEL));
        if is_set(MUST_COPY) || (level > 0 && !is_set(PID_NUMBERS_HAVE_TYPES)) {
            return copied_number(numbers, level);
        }
        // One `struct upid` after the other: the number, and at 8 its namespace.
        let (number, namespace) = match level {
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
        (number as u32, Struct::new(namespace as *const c_void).get(PID_NAMESPACE_INUM))
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
            task = Self(task.0.follow(TASK_REAL_PARENT));
            let pid = if above { task.pid() } else { 0 };
            above = pid != 0;
            let comm = if above { task.comm() } else { [0; COMM_LEN] };
            // SAFETY: as in `describe`; the index is below the length.
            unsafe { to.cast::<Ancestor>().add(n).write(Ancestor { pid, comm }) };
        }
    }
}

/// The same as the reads above, where the verifier lets nobody look beyond the first level.
#[inline(always)]
fn copied_number(numbers: *const c_void, level: u32) -> (u32, u32) {
    if level > 7 || !is_set(MAY_COPY) {
        return (0, 0);
    }
    let numbers = numbers as u64 + u64::from(level) * 16;
    let namespace = peek(numbers + 8, 8);
    (peek(numbers, 4) as u32, peek(namespace + offset(PID_NAMESPACE_INUM), 4) as u32)
}

/// Id of the cgroup in the hierarchy of the memory controller, of a task's set; 0 if the kernel has none.
#[inline(always)]
fn memory_cgroup(cgroups: Struct) -> u64 {
    if !has(CSS_SET_MEMORY) {
        return 0;
    }
    cgroup_id(cgroups.follow(CSS_SET_MEMORY).follow(CSS_CGROUP))
}

/// Id of a cgroup.
#[inline(always)]
pub(crate) fn cgroup_id(cgroup: Struct) -> u64 {
    cgroup.follow(CGROUP_KN).get(KERNFS_ID)
}
