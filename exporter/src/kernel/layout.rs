//! Where the running kernel keeps what the hooks read.

use std::io;

use killsnoop_common::layout::{ABSENT, Layout, TaskLayout};

use super::btf::Btf;

/// Bytes of a pointer and of a register.
const WORD: u32 = 8;

/// `MEMCG_OOM` of include/linux/memcontrol.h: memory events are counted one after the other in words.
const MEMCG_OOM: u32 = 3;

/// Bytes of a task's stack on the architectures that are known here, without debugging aids.
const STACK_SIZE: u32 = 16 << 10;

/// The layout of the running kernel, with one shard and without command lines.
///
/// # Errors
/// If a field is missing that every supported kernel has.
pub(super) fn layout(btf: &Btf) -> io::Result<Layout> {
    let at = |structure: &str, path: &str| btf.offset(structure, path);
    let maybe = |structure: &str, path: &str| btf.offset(structure, path).unwrap_or(ABSENT);
    let (mm_rss, mm_rss_stride) = rss(btf)?;
    Ok(Layout {
        task: task(btf)?,
        signal_live: at("signal_struct", "live")?,
        signal_curr_target: at("signal_struct", "curr_target")?,
        signal_group_exit_code: at("signal_struct", "group_exit_code")?,
        signal_flags: at("signal_struct", "flags")?,
        signal_oom_mm: at("signal_struct", "oom_mm")?,
        signal_oom_score_adj: at("signal_struct", "oom_score_adj")?,
        // The first of the limits is that of CPU time, and the second of its words the hard one.
        signal_cpu_limit: at("signal_struct", "rlim")? + WORD,
        sighand_action: at("sighand_struct", "action")?,
        cred_uid: at("cred", "uid")?,
        css_set_default: at("css_set", "dfl_cgrp")?,
        css_set_memory: memory_css(btf),
        css_cgroup: at("cgroup_subsys_state", "cgroup")?,
        css_parent: at("cgroup_subsys_state", "parent")?,
        cgroup_kn: at("cgroup", "kn")?,
        cgroup_parent: at("cgroup", "self.parent")?,
        kernfs_id: at("kernfs_node", "id")?,
        pid_level: at("pid", "level")?,
        pid_numbers: at("pid", "numbers")?,
        pid_namespace_inum: at("pid_namespace", "ns.inum")?,
        siginfo_code: at("kernel_siginfo", "si_code")?,
        siginfo_fields: at("kernel_siginfo", "_sifields")?,
        mm_arg_start: at("mm_struct", "arg_start")?,
        mm_arg_end: at("mm_struct", "arg_end")?,
        mm_total_vm: at("mm_struct", "total_vm")?,
        mm_pgtables_bytes: at("mm_struct", "pgtables_bytes")?,
        mm_rss,
        mm_rss_stride,
        binprm_exec: at("linux_binprm", "exec")?,
        memcg_usage: maybe("mem_cgroup", "memory.usage"),
        memcg_max: maybe("mem_cgroup", "memory.max"),
        memcg_memsw_usage: maybe("mem_cgroup", "memsw.usage"),
        memcg_memsw_max: maybe("mem_cgroup", "memsw.max"),
        memcg_oom_events: maybe("mem_cgroup", "memory_events_local").saturating_add(MEMCG_OOM * WORD),
        mark_victim_has_task: btf.tracepoint("mark_victim").is_some_and(|(_, is_pointer)| is_pointer).into(),
        exit_has_group_dead: btf.tracepoint("sched_process_exit").is_some_and(|(n, _)| n == 2).into(),
        keep_commands: 0,
        shard_mask: 0,
        stack_size: btf.union_size("thread_union").unwrap_or(STACK_SIZE),
    })
}

fn task(btf: &Btf) -> io::Result<TaskLayout> {
    let at = |path: &str| btf.offset("task_struct", path);
    let maybe = |path: &str| btf.offset("task_struct", path).unwrap_or(ABSENT);
    Ok(TaskLayout {
        flags: at("flags")?,
        pid: at("pid")?,
        tgid: at("tgid")?,
        start_boottime: at("start_boottime")?,
        group_leader: at("group_leader")?,
        real_parent: at("real_parent")?,
        comm: at("comm")?,
        signal: at("signal")?,
        sighand: at("sighand")?,
        blocked: at("blocked")?,
        cred: at("cred")?,
        cgroups: at("cgroups")?,
        thread_pid: at("thread_pid")?,
        exit_code: at("exit_code")?,
        mm: at("mm")?,
        alloc_lock: maybe("alloc_lock"),
        stack: at("stack")?,
        preempt_count: maybe("thread_info.preempt_count"),
        softirq_disable_count: maybe("softirq_disable_cnt"),
    })
}

/// `css_set.subsys[memory_cgrp_id]`.
fn memory_css(btf: &Btf) -> u32 {
    let number = btf.value("cgroup_subsys_id", "memory_cgrp_id");
    let subsystems = btf.offset("css_set", "subsys").ok();
    number.zip(subsystems).map_or(ABSENT, |(number, subsystems)| subsystems + number * WORD)
}

/// Where the numbers of resident pages begin, and how far they are apart: counters of all CPUs since 6.2, words before.
fn rss(btf: &Btf) -> io::Result<(u32, u32)> {
    if let Ok(words) = btf.offset("mm_struct", "rss_stat.count") {
        return Ok((words, WORD));
    }
    let missing = || io::Error::new(io::ErrorKind::InvalidData, "this kernel has no struct percpu_counter");
    let counter = btf.size("percpu_counter").ok_or_else(missing)?;
    Ok((btf.offset("mm_struct", "rss_stat")? + btf.offset("percpu_counter", "count")?, counter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_kernel_has_all_that_is_needed() {
        let btf = Btf::of_running_kernel().unwrap();
        let layout = layout(&btf).unwrap();
        assert_ne!(layout.task.tgid, layout.task.pid);
        assert!(layout.mm_rss_stride >= 8);
        assert!(layout.stack_size >= STACK_SIZE && layout.stack_size.is_power_of_two());
    }
}
