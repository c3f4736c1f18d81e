//! Where the running kernel keeps what the hooks read. User space takes it from the kernel's type information before load
//! and says so by the read-only global `LAYOUT` of the BPF program, so that one program serves all kernels.

/// Stands for a field that this kernel does not have. What depends on it is left out.
pub const ABSENT: u32 = u32::MAX;

/// Offsets in bytes, unless said otherwise; [`ABSENT`] where there is no such field.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// `task_struct`, include/linux/sched.h.
    pub task: TaskLayout,
    /// `signal_struct.live`, include/linux/sched/signal.h: threads that have not yet begun to exit.
    pub signal_live: u32,
    /// `signal_struct.curr_target`: one of the threads.
    pub signal_curr_target: u32,
    /// `signal_struct.group_exit_code`.
    pub signal_group_exit_code: u32,
    /// `signal_struct.flags`.
    pub signal_flags: u32,
    /// `signal_struct.oom_mm`: set once the process was chosen by the OOM killer.
    pub signal_oom_mm: u32,
    /// `signal_struct.oom_score_adj`, 16 bits.
    pub signal_oom_score_adj: u32,
    /// `signal_struct.rlim[RLIMIT_CPU].rlim_max`.
    pub signal_cpu_limit: u32,
    /// `sighand_struct.action`; each is 32 bytes and begins with its handler.
    pub sighand_action: u32,
    /// `cred.uid`.
    pub cred_uid: u32,
    /// `css_set.dfl_cgrp`.
    pub css_set_default: u32,
    /// `css_set.subsys[memory_cgrp_id]`.
    pub css_set_memory: u32,
    /// `cgroup_subsys_state.cgroup`.
    pub css_cgroup: u32,
    /// `cgroup_subsys_state.parent`.
    pub css_parent: u32,
    /// `cgroup.kn`.
    pub cgroup_kn: u32,
    /// `cgroup.self.parent`.
    pub cgroup_parent: u32,
    /// `kernfs_node.id`.
    pub kernfs_id: u32,
    /// `pid.level`.
    pub pid_level: u32,
    /// `pid.numbers`; each is 16 bytes: the number, and at 8 its namespace.
    pub pid_numbers: u32,
    /// `pid_namespace.ns.inum`.
    pub pid_namespace_inum: u32,
    /// `kernel_siginfo.si_code`.
    pub siginfo_code: u32,
    /// `kernel_siginfo._sifields`, which begins with the claimed sender.
    pub siginfo_fields: u32,
    /// `mm_struct.arg_start`.
    pub mm_arg_start: u32,
    /// `mm_struct.arg_end`.
    pub mm_arg_end: u32,
    /// `mm_struct.total_vm`, in pages.
    pub mm_total_vm: u32,
    /// `mm_struct.pgtables_bytes`.
    pub mm_pgtables_bytes: u32,
    /// The first number of `mm_struct.rss_stat`: pages of files.
    pub mm_rss: u32,
    /// From one number of `mm_struct.rss_stat` to the next.
    pub mm_rss_stride: u32,
    /// `linux_binprm.exec`: where the new process has the file name that was given to exec.
    pub binprm_exec: u32,
    /// `mem_cgroup.memory.usage`; the structure begins with its `cgroup_subsys_state`.
    pub memcg_usage: u32,
    /// `mem_cgroup.memory.max`.
    pub memcg_max: u32,
    /// `mem_cgroup.memsw.usage` of cgroup v1.
    pub memcg_memsw_usage: u32,
    /// `mem_cgroup.memsw.max` of cgroup v1.
    pub memcg_memsw_max: u32,
    /// `mem_cgroup.memory_events_local[MEMCG_OOM]`.
    pub memcg_oom_events: u32,
    /// 1 if `mark_victim` is given the task, 0 if its number alone.
    pub mark_victim_has_task: u32,
    /// 1 if `sched_process_exit` is told whether the process is at its end (`group_dead`).
    pub exit_has_group_dead: u32,
    /// 1 to keep command lines.
    pub keep_commands: u32,
    /// Shards of the counters less one; a power of two less one.
    pub shard_mask: u32,
    /// Bytes of a task's stack.
    pub stack_size: u32,
}
const _: () = assert!(size_of::<Layout>() == size_of::<TaskLayout>() + 38 * 4, "Layout has padding");

/// Fields of `task_struct`, include/linux/sched.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskLayout {
    /// `flags`: `PF_*`.
    pub flags: u32,
    /// `pid`: the thread's id.
    pub pid: u32,
    /// `tgid`: the process id.
    pub tgid: u32,
    /// `start_boottime`.
    pub start_boottime: u32,
    /// `group_leader`.
    pub group_leader: u32,
    /// `real_parent`.
    pub real_parent: u32,
    /// `comm`.
    pub comm: u32,
    /// `signal`.
    pub signal: u32,
    /// `sighand`.
    pub sighand: u32,
    /// `blocked`.
    pub blocked: u32,
    /// `cred`.
    pub cred: u32,
    /// `cgroups`.
    pub cgroups: u32,
    /// `thread_pid`.
    pub thread_pid: u32,
    /// `exit_code`.
    pub exit_code: u32,
    /// `mm`.
    pub mm: u32,
    /// `alloc_lock`: the OOM killer holds its victim's.
    pub alloc_lock: u32,
    /// `stack`: its lowest address.
    pub stack: u32,
    /// `thread_info.preempt_count`, where it is kept there.
    pub preempt_count: u32,
    /// `softirq_disable_cnt` of `PREEMPT_RT`.
    pub softirq_disable_count: u32,
}
const _: () = assert!(size_of::<TaskLayout>() == 19 * 4, "TaskLayout has padding");

// SAFETY: plain integers, no padding, every bit pattern is valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Layout {}
