//! What differs between kernels and machines: where the kernel keeps what the hooks read, and numbers that are not the
//! same everywhere.
//!
//! The BPF program is compiled with marks in their places, instructions that no compiler makes by itself. Before load,
//! user space looks up the running kernel's own type information and writes the true numbers there; so one program serves
//! all kernels and machines of one byte order, and reads a field by one instruction.

/// A field of one of the kernel's structures, or a register: it stands for an offset in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Field<const N: u16>;

/// A number that depends on the kernel, on the machine, or on what user space wants.
#[derive(Clone, Copy, Debug)]
pub struct Constant<const N: u16>;

/// Where a field is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The structure, as the kernel's type information names it.
    pub structure: &'static str,
    /// Names of fields, the inner one last, with dots between.
    pub path: &'static str,
    /// Bytes to add: for an element of an array.
    pub plus: u32,
    /// Whether every supported kernel has it. What depends on another one is left out where that is missing.
    pub is_everywhere: bool,
}

/// Added to a field's number in the offset of an instruction that loads from memory.
pub const FIELD_MARK: u16 = 0x7000;
/// Added to a field's number in the operand of an instruction: its offset.
pub const OFFSET_MARK: u32 = 0x4b53_0000;
/// As above: 1 if this kernel has the field, else 0.
pub const PRESENT_MARK: u32 = 0x4b54_0000;
/// Added to a constant's number in the operand of an instruction.
pub const CONSTANT_MARK: u32 = 0x4b55_0000;
/// In place of a helper's number in a call: the kernel's function `bpf_rdonly_cast`.
pub const CAST_MARK: u32 = 0x4b56_0000;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $structure:literal . $path:literal $(+ $plus:literal)? $(, $maybe:ident)?;)*) => {
        #[expect(non_camel_case_types, reason = "they number the constants below")]
        enum FieldNumber { $($name,)* }
        $($(#[$doc])* pub const $name: Field<{ FieldNumber::$name as u16 }> = Field;)*
        /// All fields, in the order of their numbers.
        pub const FIELDS: &[Place] = &[$(Place {
            structure: $structure,
            path: $path,
            plus: 0 $(+ $plus)?,
            is_everywhere: true $(&& fields!($maybe))?,
        },)*];
    };
    (maybe) => { false };
}

macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        #[expect(non_camel_case_types, reason = "they number the constants below")]
        enum ConstantNumber { $($name,)* }
        $($(#[$doc])* pub const $name: Constant<{ ConstantNumber::$name as u16 }> = Constant;)*
        /// How many constants there are.
        pub const N_CONSTANTS: usize = [$(ConstantNumber::$name as u16,)*].len();
    };
}

fields! {
    /// `PF_*`.
    TASK_FLAGS = "task_struct"."flags";
    /// The thread's id.
    TASK_PID = "task_struct"."pid";
    /// The process id.
    TASK_TGID = "task_struct"."tgid";
    /// When the thread began, in nanoseconds of the boot clock.
    TASK_START_BOOTTIME = "task_struct"."start_boottime";
    /// The first thread of the process.
    TASK_GROUP_LEADER = "task_struct"."group_leader";
    /// The parent.
    TASK_REAL_PARENT = "task_struct"."real_parent";
    /// The name, in two words of 8 bytes.
    TASK_COMM = "task_struct"."comm";
    /// Its second word.
    TASK_COMM_REST = "task_struct"."comm" + 8;
    /// What all threads of the process share.
    TASK_SIGNAL = "task_struct"."signal";
    /// What they do with signals.
    TASK_SIGHAND = "task_struct"."sighand";
    /// Signals that the thread has blocked.
    TASK_BLOCKED = "task_struct"."blocked";
    /// Whom it works for.
    TASK_CRED = "task_struct"."cred";
    /// Its cgroups.
    TASK_CGROUPS = "task_struct"."cgroups";
    /// Its numbers.
    TASK_THREAD_PID = "task_struct"."thread_pid";
    /// What it exits with.
    TASK_EXIT_CODE = "task_struct"."exit_code";
    /// Its memory.
    TASK_MM = "task_struct"."mm";
    /// The OOM killer holds its victim's.
    TASK_ALLOC_LOCK = "task_struct"."alloc_lock";
    /// The same with `PREEMPT_RT`, where it is a lock that tasks sleep for: a pointer to whoever holds it.
    TASK_ALLOC_LOCK_OWNER = "task_struct"."alloc_lock.lock.owner", maybe;
    /// The lowest address of its stack in the kernel.
    TASK_STACK = "task_struct"."stack";
    /// Whether interrupts are being served, where that is kept in the task.
    TASK_PREEMPT_COUNT = "task_struct"."thread_info.preempt_count", maybe;
    /// The same of `PREEMPT_RT`, which serves softirqs in tasks.
    TASK_SOFTIRQ_DISABLE_COUNT = "task_struct"."softirq_disable_cnt", maybe;
    /// Whether a 32-bit call is under way: `thread_info.status` of x86, `thread_info.flags` of arm64.
    TASK_ABI = "task_struct"."thread_info", maybe;
    /// Threads that have not yet begun to exit.
    SIGNAL_LIVE = "signal_struct"."live";
    /// What all threads exit with.
    SIGNAL_GROUP_EXIT_CODE = "signal_struct"."group_exit_code";
    /// `SIGNAL_*`.
    SIGNAL_FLAGS = "signal_struct"."flags";
    /// Set once the process was chosen by the OOM killer.
    SIGNAL_OOM_MM = "signal_struct"."oom_mm";
    /// 16 bits.
    SIGNAL_OOM_SCORE_ADJ = "signal_struct"."oom_score_adj";
    /// The hard limit of CPU time: the first limit, and the second of its words.
    SIGNAL_CPU_LIMIT = "signal_struct"."rlim" + 8;
    /// What is done with each signal; each is 32 bytes and begins with its handler.
    SIGHAND_ACTION = "sighand_struct"."action";
    /// Real user id.
    CRED_UID = "cred"."uid";
    /// Its cgroup (v2).
    CSS_SET_DEFAULT = "css_set"."dfl_cgrp";
    /// The memory controller's element.
    CSS_SET_MEMORY = "css_set"."subsys", maybe;
    /// Whose part of a controller it is.
    CSS_CGROUP = "cgroup_subsys_state"."cgroup";
    /// The same of the cgroup above.
    CSS_PARENT = "cgroup_subsys_state"."parent";
    /// Its directory.
    CGROUP_KN = "cgroup"."kn";
    /// The part of the cgroup above that belongs to no controller.
    CGROUP_PARENT = "cgroup"."self.parent";
    /// The inode number.
    KERNFS_ID = "kernfs_node"."id";
    /// How many pid namespaces it is below the initial one.
    PID_LEVEL = "pid"."level";
    /// Its numbers, 16 bytes for each level: the number, and at 8 its namespace.
    PID_NUMBERS = "pid"."numbers";
    /// The inode number.
    PID_NAMESPACE_INUM = "pid_namespace"."ns.inum";
    /// As sigaction(2) has it.
    SIGINFO_CODE = "kernel_siginfo"."si_code";
    /// What follows; it begins with the claimed sender.
    SIGINFO_FIELDS = "kernel_siginfo"."_sifields";
    /// Where its arguments begin.
    MM_ARG_START = "mm_struct"."arg_start";
    /// Where they end.
    MM_ARG_END = "mm_struct"."arg_end";
    /// Pages of its address space.
    MM_TOTAL_VM = "mm_struct"."total_vm";
    /// Memory of its page tables.
    MM_PGTABLES_BYTES = "mm_struct"."pgtables_bytes";
    /// Resident pages of files.
    MM_FILE_PAGES = "mm_struct"."rss_stat";
    /// Resident pages without a file.
    MM_ANON_PAGES = "mm_struct"."rss_stat";
    /// Resident pages that are shared.
    MM_SHMEM_PAGES = "mm_struct"."rss_stat";
    /// Where the new process has the file name that was given to exec.
    BINPRM_EXEC = "linux_binprm"."exec";
    /// Pages in use; the structure begins with its `cgroup_subsys_state`.
    MEMCG_USAGE = "mem_cgroup"."memory.usage", maybe;
    /// How many there may be.
    MEMCG_MAX = "mem_cgroup"."memory.max", maybe;
    /// The same with swap, of cgroup v1.
    MEMCG_MEMSW_USAGE = "mem_cgroup"."memsw.usage", maybe;
    /// The same with swap, of cgroup v1.
    MEMCG_MEMSW_MAX = "mem_cgroup"."memsw.max", maybe;
    /// How often it was out of memory: the fourth of its events, `MEMCG_OOM`.
    MEMCG_OOM_EVENTS = "mem_cgroup"."memory_events_local" + 24, maybe;
    /// The register with a call's number.
    CALL_NUMBER = "pt_regs"."number";
    /// The register with its result, once it has returned.
    CALL_RESULT = "pt_regs"."result";
    /// The register with the first argument of a native call.
    NATIVE_ARGUMENT_0 = "pt_regs"."first argument";
    /// Its second argument.
    NATIVE_ARGUMENT_1 = "pt_regs"."second argument";
    /// Its third argument.
    NATIVE_ARGUMENT_2 = "pt_regs"."third argument";
    /// The register with the first argument of a 32-bit call.
    COMPAT_ARGUMENT_0 = "pt_regs"."first argument of a 32-bit call";
    /// Its second argument.
    COMPAT_ARGUMENT_1 = "pt_regs"."second argument of a 32-bit call";
    /// Its third argument.
    COMPAT_ARGUMENT_2 = "pt_regs"."third argument of a 32-bit call";
    /// The register with the first argument of one of the kernel's own functions.
    FUNCTION_ARGUMENT_0 = "pt_regs"."first argument of a function";
    /// Its second argument.
    FUNCTION_ARGUMENT_1 = "pt_regs"."second argument of a function";
}

constants! {
    /// kill(2) in the native table of system calls.
    NATIVE_KILL;
    /// tkill(2).
    NATIVE_TKILL;
    /// tgkill(2).
    NATIVE_TGKILL;
    /// `rt_sigqueueinfo(2)`.
    NATIVE_RT_SIGQUEUEINFO;
    /// `rt_tgsigqueueinfo(2)`.
    NATIVE_RT_TGSIGQUEUEINFO;
    /// `pidfd_send_signal(2)`.
    NATIVE_PIDFD_SEND_SIGNAL;
    /// `rt_sigqueueinfo(2)` of x32 programs, without the mark of x32; a number that no call has where
    /// there are none.
    X32_RT_SIGQUEUEINFO;
    /// `rt_tgsigqueueinfo(2)` of x32 programs.
    X32_RT_TGSIGQUEUEINFO;
    /// kill(2) in the table of 32-bit programs.
    COMPAT_KILL;
    /// tkill(2).
    COMPAT_TKILL;
    /// tgkill(2).
    COMPAT_TGKILL;
    /// `rt_sigqueueinfo(2)`.
    COMPAT_RT_SIGQUEUEINFO;
    /// `rt_tgsigqueueinfo(2)`.
    COMPAT_RT_TGSIGQUEUEINFO;
    /// `pidfd_send_signal(2)`.
    COMPAT_PIDFD_SEND_SIGNAL;
    /// Bits of [`TASK_ABI`] that are set in a 32-bit call; 0 where it cannot be told, or there are none.
    COMPAT_FLAG;
    /// The bit in the number of a call that marks it as one of x32; 0 where there are none.
    X32_BIT;
    /// 1 if `mark_victim` is given the task, 0 if its number alone.
    MARK_VICTIM_HAS_TASK;
    /// 1 if `sched_process_exit` is told whether the process is at its end (`group_dead`).
    EXIT_HAS_GROUP_DEAD;
    /// 1 if programs may copy the kernel's memory: it is not locked down.
    MAY_COPY;
    /// 1 if all must be copied: the kernel gives no pointer to the current task that its verifier knows the type of.
    MUST_COPY;
    /// 1 if the verifier follows the numbers of a process into the inner pid namespaces, 0 if they must be copied.
    PID_NUMBERS_HAVE_TYPES;
    /// 1 if programs may read the memory of a process.
    MAY_READ_USER;
    /// 1 if the kernel can give a type to a pointer: it has `bpf_rdonly_cast`.
    CAN_CAST;
    /// The number of the type `struct task_struct`.
    TASK_TYPE;
    /// The number of the type `struct kernel_siginfo`.
    SIGINFO_TYPE;
    /// The number of the type `struct linux_binprm`.
    BINPRM_TYPE;
    /// 1 if the verifier takes what `signal_generate` says of the signal for a number, since it may be no pointer.
    SIGINFO_IS_NUMBER;
    /// 1 if the verifier follows the numbers of resident pages, 0 if they must be copied.
    RSS_HAS_TYPES;
    /// 1 if the kernel ends a process for its seccomp filter without posting a signal, as before 5.16.
    SECCOMP_IS_SILENT;
    /// 1 to keep command lines.
    KEEP_COMMANDS;
    /// 1 if no events of calls are wanted.
    COUNTS_ALONE;
    /// Shards of the counters less one; a power of two less one.
    SHARD_MASK;
    /// Bytes of a value of the map `KILLS`, for all CPUs that there can be.
    KILL_COUNTS_LEN;
    /// Bytes of a task's stack.
    STACK_SIZE;
    /// From the end of a task's stack down to the registers of its caller.
    REGISTERS_BELOW_TOP;
}

impl<const N: u16> Field<N> {
    /// Its number, and so its place in [`FIELDS`].
    #[must_use]
    pub const fn number(self) -> usize {
        N as usize
    }
}

impl<const N: u16> Constant<N> {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> usize {
        N as usize
    }
}
