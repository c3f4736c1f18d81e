//! Signals as they are posted: counted, remembered until their target dies, and told of if user space wants to know.

use aya_ebpf::{
    EbpfContext as _, helpers::bpf_ktime_get_boot_ns, macros::btf_tracepoint, programs::BtfTracePointContext,
};
use killsnoop_common::{
    cause::{Cause, Outcome},
    death::{Header, Posted, SignalEvent},
    layout::TASK_BLOCKED,
    lost::Lost,
    record::KIND_SIGNAL,
};

use crate::{
    maps::{
        EVENTS, POSTED_SCRATCH, PRODUCED, TARGETS, add_one, clear, copy, count_lost, count_signal, filter,
        wake_up,
    },
    number::opaque,
    oom,
    origin::{self, Poster, Told},
    suspects,
    task::Task,
};

/// A signal is posted. Runs with the target's signals locked and interrupts off.
#[btf_tracepoint(function = "signal_generate")]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn signal_generate(ctx: BtfTracePointContext) -> i32 {
    // Prototype in include/trace/events/signal.h: TP_PROTO(int sig, struct kernel_siginfo *info,
    // struct task_struct *task, int group, int result)
    let (target, current) = (Task::new(ctx.arg(2)), Task::current());
    let told = origin::told(ctx.arg(0), ctx.arg(1), target, ctx.arg::<i32>(3) != 0, current);
    let poster = Poster::new(current, ctx.as_ptr());
    if let Err(reason) = posted(&told, poster, ctx.arg(4)) {
        count_lost(reason);
    }
    0
}

#[inline(always)]
fn posted(told: &Told, poster: Poster, outcome: u8) -> Result<(), Lost> {
    let unknown = told.target.pid().into();
    let cause = Cause::known(opaque(origin::cause(told, poster) as u64, unknown) as u8);
    // The counter comes first, so that nothing that fails later makes it wrong. An outcome whose number is not known yet is
    // none of the losses.
    count_signal(told.signal, cause, Outcome::known(outcome))?;

    // The ways that led here have taught the verifier much.
    let outcome = Outcome::known(opaque(outcome.into(), unknown) as u8);
    let told = &Told {
        signal: fresh(told.signal, unknown),
        code: opaque(u64::from(told.code as u32), unknown) as i32,
        claimed_pid: opaque(told.claimed_pid.into(), unknown) as u32,
        ..*told
    };
    if cause as u8 == Cause::Oom as u8 {
        oom::keep(told.target, poster.task);
    }
    if cause.is_call() {
        tell_call(told, poster.task, cause);
    }
    let sender = has_sender(cause).then_some(poster.task);
    let is_kept = match outcome {
        Outcome::Delivered | Outcome::InfoLost => suspects::can_end(fresh(told.signal, unknown)),
        // Somebody asked the process to end before it was made to.
        Outcome::Ignored => suspects::asks_to_end(fresh(told.signal, unknown)) && cause.is_call(),
        Outcome::AlreadyPending | Outcome::Overflow => false,
    };
    let is_wanted = filter().posted != 0 && is_wanted(told, cause, sender);
    if !is_kept && !is_wanted {
        return Ok(());
    }
    let whole = POSTED_SCRATCH.get_ptr_mut(0).ok_or(Lost::SenderNotKept)?;
    // SAFETY: the array's look-up gave the pointer.
    let whole = unsafe {
        (*whole).cause = cause as u8;
        (*whole).outcome = outcome as u8;
        describe(told, sender, whole);
        &*whole
    };
    let kept = if is_kept { suspects::remember(whole, told.target, sender) } else { Ok(()) };
    if is_wanted {
        tell(whole, told.target)?;
    }
    kept
}

/// The number of a signal as if it was just read. What is compared with it teaches the verifier its range, and some verifiers
/// find a contradiction in comparisons of several kinds, of which they warn in the kernel's log.
#[inline(always)]
fn fresh(signal: i32, unknown: u64) -> i32 {
    opaque(u64::from(signal as u32), unknown & 0xffff_ffff) as i32
}

/// Writes down the signal.
#[inline(always)]
fn describe(told: &Told, sender: Option<Task>, to: *mut Posted) {
    // SAFETY: the caller gives a place that the verifier knows; the helper has no precondition.
    unsafe {
        (*to).at_boot_ns = bpf_ktime_get_boot_ns();
        (*to).signal = told.signal as u8;
        (*to).action = suspects::action(told.target, fresh(told.signal, (*to).at_boot_ns)) as u8;
        (*to).code = told.code;
        (*to).claimed_pid = told.claimed_pid;
        (*to).to_process = u32::from(told.to_process);
        match sender {
            Some(task) => task.describe(&raw mut (*to).sender),
            None => clear(&raw mut (*to).sender),
        }
    }
}

/// Whether the task on this CPU is the one that sent the signal, or at least the one that made the kernel send it.
#[inline(always)]
fn has_sender(cause: Cause) -> bool {
    cause.is_call()
        || matches!(
            cause,
            Cause::ParentDeath
                | Cause::PidnsExit
                | Cause::CgroupKill
                | Cause::Oom
                | Cause::Child
                | Cause::Mqueue
                | Cause::Ptrace
        )
}

/// Tells the hook at the call's return whom it reached, where the call's argument does not say it.
#[inline(always)]
fn tell_call(told: &Told, caller: Task, cause: Cause) {
    if cause as u8 == Cause::Pidfd as u8 || caller.leader().pid_level() > 0 {
        // What cannot be kept is told of by the number that was asked for.
        _ = TARGETS.insert(caller.tid(), told.target.pid(), 0);
    }
}

#[inline(always)]
fn is_wanted(told: &Told, cause: Cause, sender: Option<Task>) -> bool {
    let (sender_pid, target_pid) = (sender.map_or(0, Task::pid), told.target.pid());
    let signal = fresh(told.signal, target_pid.into());
    filter().wants_posted(cause.is_call(), sender_pid, target_pid, signal)
}

#[inline(always)]
fn tell(posted: &Posted, target: Task) -> Result<(), Lost> {
    add_one(PRODUCED.get_ptr_mut(KIND_SIGNAL.into()))?;
    let mut entry = EVENTS.reserve_untyped::<SignalEvent>(0).ok_or(Lost::RingFull)?;
    let event = entry.as_mut_ptr();
    // SAFETY: the reservation gave the pointer.
    unsafe {
        (*event).header =
            Header { at_boot_ns: posted.at_boot_ns, kind: KIND_SIGNAL, detail: [0; 3], number: 0 };
        (*event).blocked = target.0.get(TASK_BLOCKED);
        copy(posted, &raw mut (*event).posted);
        target.describe(&raw mut (*event).target);
    }
    entry.submit(wake_up());
    Ok(())
}
