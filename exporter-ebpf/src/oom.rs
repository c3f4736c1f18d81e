//! OOM kills: the kernel says whom it chose, after it has posted its SIGKILL. A victim on another CPU may be dead by then, so
//! that what ran out is found when the signal is posted.

use aya_ebpf::{
    bindings::BPF_ANY,
    cty::c_void,
    helpers::{bpf_ktime_get_boot_ns, generated::bpf_probe_read_kernel},
    macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use killsnoop_common::{
    cause::Scope,
    death::{Header, Memory, OomKillEvent},
    layout::ABSENT,
    lost::Lost,
    process::Process,
    record::KIND_OOM_KILL,
};

use crate::{
    maps::{
        CHOSEN, FILTER, Identity, LAYOUT, OOM_KILLS, OOM_SEEN, OomSeen, Opaque, PRODUCED, URGENT, add_one,
        count_lost, global, opaque, wake_up,
    },
    task::{Struct, Task},
};

/// Cgroups above a victim that are looked at: limits are rarely set deeper.
const N_LEVELS: usize = 16;

/// The OOM killer has chosen a process.
#[btf_tracepoint(function = "mark_victim")]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn mark_victim(ctx: BtfTracePointContext) -> i32 {
    let trigger = Task::current();
    // Prototype in include/trace/events/oom.h: TP_PROTO(struct task_struct *task, uid_t uid), on older kernels
    // TP_PROTO(int pid).
    let outcome = if global(&LAYOUT.mark_victim_has_task) == 1 {
        let victim = Task(Struct::new(ctx.arg(0)));
        record(identity(victim), trigger, |to| victim.describe(to))
    } else {
        let victim = Process { pid: ctx.arg(0), tid: ctx.arg(0), ..Process::NONE };
        // SAFETY: the place is that of a record.
        record(Identity::of(&victim), trigger, |to| unsafe { to.write(victim) })
    };
    if let Err(reason) = outcome {
        count_lost(reason);
    }
    0
}

/// Keeps what the memory was of a process that the OOM killer is about to kill, until its end. `limit` finds what ran out.
#[inline(always)]
pub(crate) fn keep(victim: Task, trigger: Task, limit: impl Fn(Task, Task) -> (Scope, u64)) {
    let (scope, limit_cgroup) = limit(victim, trigger);
    let memory = victim.0.follow(&LAYOUT.task.mm);
    let rss = global(&LAYOUT.mm_rss);
    let stride = global(&LAYOUT.mm_rss_stride);
    // `MM_FILEPAGES`, `MM_ANONPAGES`, `MM_SWAPENTS`, `MM_SHMEMPAGES` of include/linux/mm_types_task.h.
    let pages = |n: u32| -> u64 { memory.at::<i64>(rss + n * stride).max(0) as u64 };
    let memory = Memory {
        limit_cgroup,
        total_pages: memory.get(&LAYOUT.mm_total_vm),
        anon_pages: pages(1),
        file_pages: pages(0),
        shmem_pages: pages(3),
        page_table_bytes: memory.get(&LAYOUT.mm_pgtables_bytes),
        score_adj: victim.signal().get::<i16>(&LAYOUT.signal_oom_score_adj).into(),
        scope: opaque(Opaque::Scope, scope as u64) as u32,
    };
    // What cannot be kept is told of without it.
    _ = CHOSEN.insert(identity(victim), memory, BPF_ANY.into());
}

#[inline(always)]
fn record(victim: Identity, trigger: Task, describe_victim: impl Fn(*mut Process)) -> Result<(), Lost> {
    // SAFETY: the map look-up gave the pointer.
    let memory = CHOSEN.get_ptr(victim).map_or(Memory::NONE, |memory| unsafe { *memory });
    // A number that was read back could be any, for the verifier.
    let scope = if memory.scope < Scope::ALL.len() as u32 { memory.scope } else { 0 };
    add_one(OOM_KILLS.get_ptr_mut(scope))?;
    if global(&FILTER.deaths) == 0 {
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
pub(crate) fn limit_met(victim: Task, trigger: Task) -> (Scope, u64) {
    if global(&LAYOUT.memcg_usage) == ABSENT {
        return (Scope::Unknown, 0);
    }
    let (mut css, tid) = (victim.leader().memory_css().address(), trigger.tid());
    for _ in 0..N_LEVELS {
        if css == 0 {
            break;
        }
        let id = id_of(css);
        if opaque(Opaque::Scope, has_met_limit(css, id, tid).into()) != 0 {
            return (Scope::Memcg, id);
        }
        css = peek(css, &LAYOUT.css_parent);
    }
    (Scope::Global, 0)
}

/// Nothing is known of it: on a kernel that is locked down and lets no program copy its memory.
#[inline(always)]
pub(crate) fn limit_hidden(_victim: Task, _trigger: Task) -> (Scope, u64) {
    (Scope::Unknown, 0)
}

/// Whether the cgroup was out of memory since it was last looked at. One event may have many victims, which the task that
/// met the limit chooses one after the other.
#[inline(always)]
fn has_met_limit(css: u64, id: u64, tid: u32) -> bool {
    let n_events = peek(css, &LAYOUT.memcg_oom_events);
    let has_met = match OOM_SEEN.get_ptr(id) {
        // SAFETY: the map look-up gave the pointer.
        Some(seen) => unsafe {
            (*seen).n_events < n_events
                || (n_events > 0 && (*seen).n_events == n_events && (*seen).tid == tid)
        },
        None => n_events > 0 && is_near_limit(css),
    };
    // What cannot be kept is looked at as new the next time.
    _ = OOM_SEEN.insert(id, OomSeen { n_events, tid, reserved: 0 }, BPF_ANY.into());
    has_met
}

/// Structures of the memory controller begin with the part that all controllers have. Others give memory back while the
/// victim is looked for: an eighth below the limit is near.
#[inline(always)]
fn is_near_limit(css: u64) -> bool {
    let is_near = |usage: u64, max: u64| usage >= max - max / 8;
    is_near(peek(css, &LAYOUT.memcg_usage), peek(css, &LAYOUT.memcg_max))
        || (global(&LAYOUT.memcg_memsw_usage) != ABSENT
            && is_near(peek(css, &LAYOUT.memcg_memsw_usage), peek(css, &LAYOUT.memcg_memsw_max)))
}

#[inline(always)]
fn id_of(css: u64) -> u64 {
    peek(peek(peek(css, &LAYOUT.css_cgroup), &LAYOUT.cgroup_kn), &LAYOUT.kernfs_id)
}

/// Eight bytes of the kernel's memory; 0 if they cannot be read.
#[inline(always)]
fn peek(address: u64, offset: &'static u32) -> u64 {
    let mut value = 0_u64;
    let from = (address + u64::from(global(offset))) as *const c_void;
    // SAFETY: the helper takes any address.
    let read = unsafe { bpf_probe_read_kernel((&raw mut value).cast(), 8, from) };
    if read == 0 { value } else { 0 }
}
