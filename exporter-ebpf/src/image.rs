//! What a process runs: taken down when it begins, because it may be gone before anybody can look.

use aya_ebpf::{
    EbpfContext as _,
    bindings::BPF_ANY,
    cty::c_void,
    helpers::generated::{bpf_probe_read_user, bpf_probe_read_user_str},
    macros::{btf_tracepoint, kprobe},
    programs::{BtfTracePointContext, ProbeContext},
};
use killsnoop_common::{
    layout::{
        BINPRM_EXEC, BINPRM_TYPE, FUNCTION_ARGUMENT_0, KEEP_COMMANDS, MAY_READ_USER, MM_ARG_END,
        MM_ARG_START, TASK_MM,
    },
    lost::Lost,
    process::{COMMAND_LEN, EXE_LEN, Image},
};

use crate::{
    kernel::{Struct, is_set, register},
    maps::{IMAGE_SCRATCH, IMAGES, clear, count_lost},
    task::Task,
};

/// A process has begun to run another program.
#[btf_tracepoint(function = "sched_process_exec")]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    // Prototype in include/trace/events/sched.h: TP_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
    begun(Task::new(ctx.arg(0)), Struct::new(ctx.arg(2)));
    0
}

/// The same, seen at a function of the kernel that is called just before.
#[kprobe]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn finalize_exec(ctx: ProbeContext) -> u32 {
    // Prototype in include/linux/binfmts.h: void finalize_exec(struct linux_binprm *bprm)
    let program = register(ctx.as_ptr(), FUNCTION_ARGUMENT_0) as *const c_void;
    begun(Task::current(), Struct::cast(program, BINPRM_TYPE));
    0
}

#[inline(always)]
fn begun(task: Task, program: Struct) {
    if let Err(reason) = take_down(task, program) {
        count_lost(reason);
    }
}

#[inline(always)]
fn take_down(task: Task, program: Struct) -> Result<(), Lost> {
    let image = IMAGE_SCRATCH.get_ptr_mut(0).ok_or(Lost::ImageNotKept)?;
    // SAFETY: the array's look-up gave the pointer.
    unsafe {
        clear(image);
        (*image).start_boot_ns = task.leader().start();
        // The new process has the name on its own stack, where it was written a moment ago.
        let name = program.get::<u64, _>(BINPRM_EXEC) as *const c_void;
        let to = (&raw mut (*image).exe).cast();
        if is_set(MAY_READ_USER) && bpf_probe_read_user_str(to, EXE_LEN as u32, name) < 0 {
            count_lost(Lost::ImageUnreadable);
        }
        if is_set(MAY_READ_USER) && is_set(KEEP_COMMANDS) {
            read_command(task, image);
        }
        IMAGES.insert(task.pid(), &*image, BPF_ANY.into()).map_err(|_| Lost::ImageNotKept)
    }
}

/// # Safety
/// `image` must be valid.
#[inline(always)]
unsafe fn read_command(task: Task, image: *mut Image) {
    let memory = task.leader().0.follow(TASK_MM);
    let (start, end) = (memory.get::<u64, _>(MM_ARG_START), memory.get::<u64, _>(MM_ARG_END));
    let length = end.wrapping_sub(start).min(COMMAND_LEN as u64) as u32;
    // SAFETY: the caller's.
    unsafe {
        let to = (&raw mut (*image).command).cast();
        if bpf_probe_read_user(to, length, start as *const c_void) < 0 {
            count_lost(Lost::ImageUnreadable);
        }
    }
}

/// A process or a thread is made; a process runs what its parent runs.
#[btf_tracepoint(function = "sched_process_fork")]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    // Prototype in include/trace/events/sched.h: TP_PROTO(struct task_struct *parent, struct task_struct *child)
    let [parent, child] = [0, 1].map(|n| Task::new(ctx.arg(n)));
    forked(parent, child);
    0
}

/// The same, seen at a function of the kernel that is called just after.
#[kprobe]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn wake_up_new_task(ctx: ProbeContext) -> u32 {
    // Prototype in include/linux/sched/task.h: void wake_up_new_task(struct task_struct *tsk)
    forked(Task::current(), Task::new(register(ctx.as_ptr(), FUNCTION_ARGUMENT_0) as *const c_void));
    0
}

#[inline(always)]
fn forked(parent: Task, child: Task) {
    if child.pid() == child.tid()
        && let Err(reason) = hand_on(parent, child)
    {
        count_lost(reason);
    }
}

#[inline(always)]
fn hand_on(parent: Task, child: Task) -> Result<(), Lost> {
    // A parent that was not known has been told of as such, or is the kernel's own.
    let Some(image) = IMAGES.get_ptr(parent.pid()) else { return Ok(()) };
    // SAFETY: the map look-ups gave the pointers; the parent lives, and so does its entry.
    unsafe {
        IMAGES.insert(child.pid(), &*image, BPF_ANY.into()).map_err(|_| Lost::ImageNotKept)?;
        if let Some(image) = IMAGES.get_ptr_mut(child.pid()) {
            (*image).start_boot_ns = child.leader().start();
        }
    }
    Ok(())
}
