//! OOM kills: the kernel says whom it chose, after it has posted its SIGKILL.

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
        CHOSEN, FILTER, LAYOUT, OOM_KILLS, OOM_SEEN, OomSeen, Opaque, PRODUCED, URGENT, add_one, count_lost,
        global, opaque, wake_up,
    },
    task::{Struct, Task},
};

/// Cgroups above a victim that are looked at: limits are rarely set deeper.
const N_LEVELS: usize = 16;

/// Pages by which a memory cgroup may be below its limit and still have met it: what a charge asks for at most, and what
/// CPUs keep in reserve.
const SLACK_PAGES: u64 = 64;

/// The OOM killer has chosen a process.
#[btf_tracepoint(function = "mark_victim")]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn mark_victim(ctx: BtfTracePointContext) -> i32 {
    // The memory controller's structures are embedded in others, so that the verifier cannot follow a pointer to them.
    marked(&ctx, limit_met)
}

/// The same for a kernel that is locked down and lets no program copy its memory: what ran out is not known there.
#[btf_tracepoint(function = "mark_victim")]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn mark_victim_locked(ctx: BtfTracePointContext) -> i32 {
    marked(&ctx, |_, _| (Scope::Unknown, 0))
}

#[inline(always)]
fn marked(ctx: &BtfTracePointContext, limit: impl Fn(Task, Task) -> (Scope, u64)) -> i32 {
    let trigger = Task::current();
    // Prototype in include/trace/events/oom.h: TP_PROTO(struct task_struct *task, uid_t uid), on older kernels
    // TP_PROTO(int pid).
    let outcome = if global(&LAYOUT.mark_victim_has_task) == 1 {
        let victim = Task(Struct::new(ctx.arg(0)));
        let (scope, limit_cgroup) = limit(victim, trigger);
        chosen(victim, trigger, opaque(Opaque::Scope, scope as u64) as u32, limit_cgroup)
    } else {
        let victim = Process { pid: ctx.arg(0), tid: ctx.arg(0), ..Process::NONE };
        record(
            &Memory::NONE,
            trigger,
            |to| {
                // SAFETY: the place is that of a record.
                unsafe { to.write(victim) }
            },
            victim.pid,
        )
    };
    if let Err(reason) = outcome {
        count_lost(reason);
    }
    0
}

#[inline(always)]
fn chosen(victim: Task, trigger: Task, scope: u32, limit_cgroup: u64) -> Result<(), Lost> {
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
        scope,
    };
    record(&memory, trigger, |to| victim.describe(to), victim.pid())
}

#[inline(always)]
fn record(
    memory: &Memory,
    trigger: Task,
    describe_victim: impl Fn(*mut Process),
    victim_pid: u32,
) -> Result<(), Lost> {
    _ = CHOSEN.insert(victim_pid, memory, BPF_ANY.into());
    add_one(OOM_KILLS.get_ptr_mut(memory.scope))?;
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
        (*event).memory = *memory;
    }
    entry.submit(wake_up());
    Ok(())
}

/// What ran out: the memory cgroup, of those above the victim, that is at its limit and was out of memory once more than
/// when it was last looked at; else the machine. A cgroup that is full of cached files is at its limit too, so that
/// neither alone would do.
#[inline(always)]
fn limit_met(victim: Task, trigger: Task) -> (Scope, u64) {
    if global(&LAYOUT.memcg_usage) == ABSENT {
        return (Scope::Unknown, 0);
    }
    let mut css = victim.leader().memory_css().address();
    for _ in 0..N_LEVELS {
        if css == 0 {
            break;
        }
        if opaque(Opaque::Scope, is_at_limit(css).into()) != 0 {
            let id = id_of(css);
            if is_news(css, id, trigger.tid()) {
                return (Scope::Memcg, id);
            }
        }
        css = peek(css, &LAYOUT.css_parent);
    }
    (Scope::Global, 0)
}

/// Structures of the memory controller begin with the part that all controllers have.
#[inline(always)]
fn is_at_limit(css: u64) -> bool {
    let met = |usage: u64, max: u64| usage.saturating_add(SLACK_PAGES) >= max;
    met(peek(css, &LAYOUT.memcg_usage), peek(css, &LAYOUT.memcg_max))
        || (global(&LAYOUT.memcg_memsw_usage) != ABSENT
            && met(peek(css, &LAYOUT.memcg_memsw_usage), peek(css, &LAYOUT.memcg_memsw_max)))
}

/// Whether the cgroup was out of memory since it was last looked at. One event may have many victims, which the task that
/// met the limit chooses one after the other.
#[inline(always)]
fn is_news(css: u64, id: u64, tid: u32) -> bool {
    let n_events = peek(css, &LAYOUT.memcg_oom_events);
    let is_news = OOM_SEEN.get_ptr(id).map_or(n_events > 0, |seen| {
        // SAFETY: the map look-up gave the pointer.
        unsafe { (*seen).n_events < n_events || ((*seen).n_events == n_events && (*seen).tid == tid) }
    });
    _ = OOM_SEEN.insert(id, OomSeen { n_events, tid, reserved: 0 }, BPF_ANY.into());
    is_news
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
