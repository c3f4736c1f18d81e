//! OOM kills: the kernel says whom it chose, after it has posted its SIGKILL. A victim on another CPU may be dead by then, so
//! that what ran out is found when the signal is posted.

use aya_ebpf::{
    bindings::BPF_ANY, helpers::bpf_ktime_get_boot_ns, macros::btf_tracepoint, programs::BtfTracePointContext,
};
use killsnoop_common::{
    cause::Scope,
    death::{Header, Memory, OomKillEvent},
    layout::{
        CGROUP_KN, CSS_CGROUP, CSS_PARENT, Field, KERNFS_ID, MARK_VICTIM_HAS_TASK, MAY_COPY, MEMCG_MAX,
        MEMCG_MEMSW_MAX, MEMCG_MEMSW_USAGE, MEMCG_OOM_EVENTS, MEMCG_USAGE, MM_ANON_PAGES, MM_FILE_PAGES,
        MM_PGTABLES_BYTES, MM_SHMEM_PAGES, MM_TOTAL_VM, RSS_HAS_TYPES, SIGNAL_OOM_SCORE_ADJ, TASK_MM,
    },
    lost::Lost,
    process::Process,
    record::KIND_OOM_KILL,
};

use crate::{
    kernel::{self, Struct, address, has, is_set, offset},
    maps::{
        CHOSEN, Identity, OOM_KILLS, OOM_SEEN, OomSeen, PRODUCED, URGENT, VICTIMS, add_one, count_lost,
        filter, wake_up,
    },
    number::{equal, less, opaque},
    task::Task,
};

/// Cgroups above a victim that are looked at: limits are rarely set deeper.
const N_LEVELS: usize = 16;

/// The OOM killer has chosen a process.
#[btf_tracepoint(function = "mark_victim")]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn mark_victim(ctx: BtfTracePointContext) -> i32 {
    let trigger = Task::current();
    // Prototype in include/trace/events/oom.h: TP_PROTO(struct task_struct *task, uid_t uid), on older kernels
    // TP_PROTO(int pid).
    let outcome = if is_set(MARK_VICTIM_HAS_TASK) {
        let victim = Task::new(ctx.arg(0));
        record(identity(victim), trigger, |to| victim.describe(to))
    } else {
        let pid: u32 = ctx.arg(0);
        let unknown = Process { pid, tid: pid, ..Process::NONE };
        // SAFETY: the map look-up gave the pointer.
        let victim = VICTIMS.get_ptr(pid).map_or(unknown, |victim| unsafe { *victim });
        // SAFETY: the place is that of a record.
        record(Identity::of(&victim), trigger, |to| unsafe { to.write(victim) })
    };
    if let Err(reason) = outcome {
        count_lost(reason);
    }
    0
}

/// Keeps what the memory was of a process that the OOM killer is about to kill, until its end.
#[inline(always)]
pub(crate) fn keep(victim: Task, trigger: Task) {
    let (scope, limit_cgroup) = limit_met(victim, trigger);
    let memory = victim.0.follow(TASK_MM);
    let memory = Memory {
        limit_cgroup,
        total_pages: memory.get(MM_TOTAL_VM),
        anon_pages: pages(memory, MM_ANON_PAGES),
        file_pages: pages(memory, MM_FILE_PAGES),
        shmem_pages: pages(memory, MM_SHMEM_PAGES),
        page_table_bytes: memory.get(MM_PGTABLES_BYTES),
        score_adj: victim.signal().get::<i16, _>(SIGNAL_OOM_SCORE_ADJ).into(),
        scope: opaque(scope as u64, victim.pid().into()) as u32,
    };
    // What cannot be kept is told of without it.
    _ = CHOSEN.insert(identity(victim), memory, BPF_ANY.into());
    if !is_set(MARK_VICTIM_HAS_TASK) {
        let mut process = Process::NONE;
        victim.describe(&raw mut process);
        _ = VICTIMS.insert(victim.pid(), &process, BPF_ANY.into());
    }
}

/// Resident pages of one kind; a counter of all CPUs can be below 0 for a moment.
#[inline(always)]
fn pages<const N: u16>(memory: Struct, field: Field<N>) -> u64 {
    let n: i64 = if is_set(RSS_HAS_TYPES) {
        memory.get(field)
    } else if is_set(MAY_COPY) {
        peek(memory.pointer() as u64, field) as i64
    } else {
        0
    };
    n.max(0) as u64
}

#[inline(always)]
fn record(victim: Identity, trigger: Task, describe_victim: impl Fn(*mut Process)) -> Result<(), Lost> {
    // SAFETY: the map look-up gave the pointer.
    let memory = CHOSEN.get_ptr(victim).map_or(Memory::NONE, |memory| unsafe { *memory });
    // A number that was read back could be any, for the verifier.
    let scope = if memory.scope < Scope::ALL.len() as u32 { memory.scope } else { 0 };
    add_one(OOM_KILLS.get_ptr_mut(scope))?;
    if filter().deaths == 0 {
        return Ok(());
    }
    add_one(PRODUCED.get_ptr_mut(KIND_OOM_KILL.into()))?;
    let mut entry = URGENT.reserve_untyped::<OomKillEvent>(0).ok_or(Lost::UrgentRingFull)?;
    let event = entry.as_mut_ptr();
    // SAFETY: the reservation gave the pointer; the helper has no precondition.
    unsafe {
        (*event).header =
            Header { at_boot_ns: bpf_ktime_get_boot_ns(), kind: KIND_OOM_KILL, detail: [0; 3], number: 0 };
        describe_victim(&raw mut (*event).victim);
        trigger.describe(&raw mut (*event).trigger);
        (*event).memory = memory;
    }
    entry.submit(wake_up());
    Ok(())
}

#[inline(always)]
fn identity(task: Task) -> Identity {
    Identity { start_boot_ns: task.leader().start(), pid: task.pid(), reserved: 0 }
}

/// What ran out: the memory cgroup, of those above the victim, that was out of memory once more than when it was last looked
/// at; else the machine. One that was never looked at must be near its limit too: it may have been out of memory before
/// anybody watched. Reads by copying: the memory controller's structures are embedded in others, so that the verifier
/// cannot follow a pointer to them.
#[inline(always)]
fn limit_met(victim: Task, trigger: Task) -> (Scope, u64) {
    if !has(MEMCG_USAGE) || !is_set(MAY_COPY) {
        return (Scope::Unknown, 0);
    }
    let (mut css, tid) = (address(victim.leader().memory_css().pointer(), trigger.0), trigger.tid());
    for _ in 0..N_LEVELS {
        if css == 0 {
            break;
        }
        let id = id_of(css);
        if has_met_limit(css, id, tid) != 0 {
            return (Scope::Memcg, id);
        }
        css = peek(css, CSS_PARENT);
    }
    (Scope::Global, 0)
}

/// Whether the cgroup was out of memory since it was last looked at: 1 or 0. One event may have many victims, which the task
/// that met the limit chooses one after the other.
#[inline(always)]
fn has_met_limit(css: u64, id: u64, tid: u32) -> u64 {
    let n_events = peek(css, MEMCG_OOM_EVENTS);
    // SAFETY: the map look-up gave the pointer.
    let seen = OOM_SEEN.get_ptr(id).map_or(OomSeen::NEVER, |seen| unsafe { *seen });
    let (seen_events, seen_tid) = (opaque(seen.n_events, id), opaque(seen.tid.into(), id));
    let is_known = less(seen_events, OomSeen::NEVER.n_events);
    let is_new_event = less(seen_events, n_events);
    let is_same_event = equal(seen_events, n_events) & equal(seen_tid, tid.into());
    let has_event = less(0, n_events);
    // What cannot be kept is looked at as new the next time.
    _ = OOM_SEEN.insert(id, OomSeen { n_events, tid, reserved: 0 }, BPF_ANY.into());
    has_event & (is_new_event | is_same_event | ((1 ^ is_known) & is_near_limit(css)))
}

/// Structures of the memory controller begin with the part that all controllers have. Others give memory back while the
/// victim is looked for: an eighth below the limit is near. 1 or 0.
#[inline(always)]
fn is_near_limit(css: u64) -> u64 {
    let is_near = |usage: u64, max: u64| 1 ^ less(usage, max - max / 8);
    let with_swap = if has(MEMCG_MEMSW_USAGE) {
        is_near(peek(css, MEMCG_MEMSW_USAGE), peek(css, MEMCG_MEMSW_MAX))
    } else {
        0
    };
    is_near(peek(css, MEMCG_USAGE), peek(css, MEMCG_MAX)) | with_swap
}

#[inline(always)]
fn id_of(css: u64) -> u64 {
    peek(peek(peek(css, CSS_CGROUP), CGROUP_KN), KERNFS_ID)
}

/// A field of a structure that is known by its address.
#[inline(always)]
fn peek<const N: u16>(address: u64, field: Field<N>) -> u64 {
    kernel::peek(address + offset(field), 8)
}
