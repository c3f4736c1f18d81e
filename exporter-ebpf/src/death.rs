//! Deaths: when the last thread of a process ends, what it died of is joined with what it was sent.

use aya_ebpf::{
    EbpfContext as _,
    bindings::BPF_NOEXIST,
    helpers::bpf_ktime_get_boot_ns,
    macros::{btf_tracepoint, kprobe},
    programs::{BtfTracePointContext, ProbeContext},
};
use killsnoop_common::{
    cause::{Cause, Scope},
    death::{DeathEvent, Header, Memory, Posted},
    layout::{
        EXIT_HAS_GROUP_DEAD, FUNCTION_ARGUMENT_1, SECCOMP_IS_SILENT, SIGNAL_FLAGS, SIGNAL_GROUP_EXIT_CODE,
        SIGNAL_LIVE, SIGNAL_OOM_MM, TASK_EXIT_CODE,
    },
    lost::Lost,
    process::Process,
    record::KIND_DEATH,
};

use crate::{
    kernel::{is_set, register},
    maps::{
        CHOSEN, DEATH_SCRATCH, IMAGES, Identity, N_SUSPECTS, PRODUCED, SENDERS, SUSPECTS, TOLD, URGENT,
        add_one, clear, copy, count_death, count_lost, filter,
    },
    number::{choose, equal, less, opaque},
    suspects::background,
    task::Task,
};

const SIGABRT: u8 = 6;
const SIGKILL: u8 = 9;
const SIGSYS: u8 = 31;

/// `SIGNAL_GROUP_EXIT` of include/linux/sched/signal.h: all threads end, with one exit code.
const SIGNAL_GROUP_EXIT: u32 = 0x0000_0004;

/// Of an exit code: the signal, and whether the kernel dumped core; see wait(2).
const SIGNAL: u32 = 0x7f;
const CORE_DUMPED: u32 = 0x80;

/// A thread ends.
#[btf_tracepoint(function = "sched_process_exit")]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    // Prototype in include/trace/events/sched.h: TP_PROTO(struct task_struct *p, bool group_dead), before 6.16 without
    // the second.
    let task = Task::new(ctx.arg(0));
    let is_last = if is_set(EXIT_HAS_GROUP_DEAD) {
        ctx.arg::<u64>(1) & 0xff != 0
    } else {
        task.signal().get::<u32, _>(SIGNAL_LIVE) == 0
    };
    thread_ended(task, is_last);
    0
}

/// The same, seen at a function of the kernel that is called just before.
#[kprobe]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn taskstats_exit(ctx: ProbeContext) -> u32 {
    // Prototype in include/linux/taskstats_kern.h: void taskstats_exit(struct task_struct *tsk, int group_dead)
    let is_last = register(ctx.as_ptr(), FUNCTION_ARGUMENT_1) as u32 != 0;
    thread_ended(Task::current(), is_last);
    0
}

#[inline(always)]
fn thread_ended(task: Task, is_last: bool) {
    if is_last {
        if let Err(reason) = process_ended(task) {
            count_lost(reason);
        }
        let pid = task.pid();
        // None of these need be there.
        _ = IMAGES.remove(pid);
        _ = SUSPECTS.remove(pid);
    }
}

#[inline(always)]
fn process_ended(task: Task) -> Result<(), Lost> {
    let code = exit_code(task);
    let signal = (code & SIGNAL) as u8;
    if signal == 0 {
        return Ok(());
    }
    let core_dumped = code & CORE_DUMPED != 0;
    let event = DEATH_SCRATCH.get_ptr_mut(0).ok_or(Lost::CounterMissing)?;
    // SAFETY: the array's look-up gave the pointer.
    let event = unsafe {
        describe(task, event);
        if !is_first(&(*event).victim) {
            return Ok(());
        }
        join(signal, event);
        &mut *event
    };
    let cause = cause(task, signal, event);
    // The counter comes first, so that a full ring buffer never makes it wrong.
    count_death(signal.into(), cause, core_dumped)?;
    if filter().deaths == 0 {
        return Ok(());
    }
    add_one(PRODUCED.get_ptr_mut(KIND_DEATH.into()))?;
    event.header.detail = [signal, cause as u8, core_dumped.into()];
    // Not `wake_up`: that is to be asked when the record has its place, or a reader that goes to sleep in between finds
    // neither. The kernel wakes whoever has read all that was there before.
    URGENT.output(&*event, 0).map_err(|_| Lost::UrgentRingFull)
}

/// Writes down who died, and when.
///
/// # Safety
/// `event` must be valid.
#[inline(always)]
unsafe fn describe(task: Task, event: *mut DeathEvent) {
    // SAFETY: the caller's; the helper has no precondition.
    unsafe {
        (*event).header =
            Header { at_boot_ns: bpf_ktime_get_boot_ns(), kind: KIND_DEATH, detail: [0; 3], number: 0 };
        task.describe(&raw mut (*event).victim);
        // The process has its name from its first thread.
        (*event).victim.comm = task.leader().comm();
        background(task, Identity::of(&(*event).victim), &raw mut (*event).victim_background);
    }
}

/// Joins it with what the process was sent.
///
/// # Safety
/// `event` must be valid.
#[inline(always)]
unsafe fn join(signal: u8, event: *mut DeathEvent) {
    // SAFETY: the caller's, and map look-ups give the other pointers.
    unsafe {
        let Process { pid, start_boot_ns, .. } = (*event).victim;
        let (fatal, before) = find(pid, start_boot_ns, signal);
        copy(fatal, &raw mut (*event).fatal);
        copy(before, &raw mut (*event).before);
        let sender = Identity::of(&(*event).fatal.sender);
        copy_or_clear(SENDERS.get_ptr(sender), &raw mut (*event).sender_background);
        let victim = Identity::of(&(*event).victim);
        copy_or_clear::<Memory>(CHOSEN.get_ptr(victim), &raw mut (*event).memory);
    }
}

/// What the process would give to wait(2).
#[inline(always)]
fn exit_code(task: Task) -> u32 {
    let signal = task.signal();
    if signal.get::<u32, _>(SIGNAL_FLAGS) & SIGNAL_GROUP_EXIT != 0 {
        signal.get(SIGNAL_GROUP_EXIT_CODE)
    } else {
        task.leader().0.get(TASK_EXIT_CODE)
    }
}

/// Where the kernel does not say which thread is the last, two that end at once may both look like it.
#[inline(always)]
fn is_first(victim: &Process) -> bool {
    is_set(EXIT_HAS_GROUP_DEAD)
        || TOLD.insert(Identity::of(victim), 1, BPF_NOEXIST.into()).is_ok()
        // Full, which the map of this type never is for long: told twice is better than not at all.
        || TOLD.get_ptr(Identity::of(victim)).is_none()
}

/// The newest signal of this number, and the newest other one before it; [`Posted::NONE`] where there is none. What is older
/// than the process was sent to another one of the same number.
#[inline(always)]
fn find(pid: u32, start_boot_ns: u64, signal: u8) -> (*const Posted, *const Posted) {
    let Some(suspects) = SUSPECTS.get_ptr(pid) else { return (&raw const NONE, &raw const NONE) };
    let first = suspects.cast::<Posted>();
    let (fatal, fatal_at) = newest(first, start_boot_ns, |slot| equal(slot.signal.into(), signal.into()));
    let limit = choose(equal(fatal_at, 0), NEVER, fatal_at);
    let (before, _) = newest(first, start_boot_ns, |slot| less(slot.at_boot_ns, limit));
    (fatal, before)
}

/// Later than any time.
const NEVER: u64 = i64::MAX as u64;

/// No signal.
static NONE: Posted = Posted::NONE;

/// The newest of the slots that are as new as this and fit, and its time, which is 0 if none does.
#[inline(always)]
fn newest(first: *const Posted, since: u64, fits: impl Fn(&Posted) -> u64) -> (*const Posted, u64) {
    let (mut found, mut found_at) = (N_SUSPECTS as u64, 0);
    for n in 0..N_SUSPECTS {
        // SAFETY: the map look-up gave the pointer, and there are so many slots.
        let slot = unsafe { &*first.add(n) };
        let at = slot.at_boot_ns;
        let is_better = less(found_at, at) & (1 ^ less(at, since)) & fits(slot);
        found = choose(is_better, n as u64, found);
        found_at = choose(is_better, at, found_at);
    }
    let found = opaque(found, since) as usize;
    // SAFETY: as above.
    if found < N_SUSPECTS { (unsafe { first.add(found) }, found_at) } else { (&raw const NONE, 0) }
}

/// What killed the process.
#[inline(always)]
fn cause(task: Task, signal: u8, event: &DeathEvent) -> Cause {
    let cause = Cause::known(event.fatal.cause);
    if signal == SIGKILL
        && matches!(cause, Cause::Oom | Cause::Kernel | Cause::Rlimit | Cause::Unknown)
        && was_chosen(task, event)
    {
        return match event.memory.scope {
            scope if scope == Scope::Memcg as u32 => Cause::OomMemcg,
            scope if scope == Scope::Global as u32 => Cause::OomGlobal,
            _ => Cause::Oom,
        };
    }
    if signal == SIGSYS && event.fatal.at_boot_ns == 0 && is_set(SECCOMP_IS_SILENT) {
        return Cause::Seccomp;
    }
    let to_self = event.fatal.sender.pid == task.pid();
    if signal == SIGABRT && to_self && matches!(cause, Cause::Tgkill | Cause::Tkill | Cause::Kill) {
        return Cause::Abort;
    }
    cause
}

/// Whether the OOM killer chose this process.
#[inline(always)]
fn was_chosen(task: Task, event: &DeathEvent) -> bool {
    event.memory.total_pages != 0 || task.signal().get::<u64, _>(SIGNAL_OOM_MM) != 0
}

/// # Safety
/// As [`copy`] and [`clear`].
#[inline(always)]
unsafe fn copy_or_clear<T>(from: Option<*const T>, to: *mut T) {
    // SAFETY: the caller's.
    unsafe {
        match from {
            Some(from) => copy(from, to),
            None => clear(to),
        }
    }
}
