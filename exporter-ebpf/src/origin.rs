//! Where a signal came from, by what the kernel side sees for itself.

use aya_ebpf::cty::c_void;
use killsnoop_common::{
    cause::Cause,
    kill::Syscall,
    layout::{
        SIGINFO_CODE, SIGINFO_FIELDS, SIGINFO_IS_NUMBER, SIGINFO_TYPE, SIGNAL_CPU_LIMIT, TASK_ALLOC_LOCK,
        TASK_ALLOC_LOCK_OWNER,
    },
};

use crate::{
    context::{in_interrupt, is_on_stack_of},
    kernel::{Struct, address, has, is_set},
    kill::current_call,
    task::Task,
};

/// `si_code` of include/uapi/asm-generic/siginfo.h.
const SI_USER: i32 = 0;
const SI_KERNEL: i32 = 0x80;
const SI_TIMER: i32 = -2;
const SI_MESGQ: i32 = -3;
const SI_ASYNCIO: i32 = -4;
const SI_SIGIO: i32 = -5;
const SI_TKILL: i32 = -6;
/// The largest of the codes with which SIGCHLD tells of a child, and SIGIO of a file.
const N_CODES: i32 = 6;
const SYS_SECCOMP: i32 = 1;

/// Signals of signal(7).
mod number {
    pub(super) const HUP: i32 = 1;
    pub(super) const INT: i32 = 2;
    pub(super) const QUIT: i32 = 3;
    pub(super) const ILL: i32 = 4;
    pub(super) const TRAP: i32 = 5;
    pub(super) const BUS: i32 = 7;
    pub(super) const FPE: i32 = 8;
    pub(super) const KILL: i32 = 9;
    pub(super) const SEGV: i32 = 11;
    pub(super) const PIPE: i32 = 13;
    pub(super) const ALRM: i32 = 14;
    pub(super) const CHLD: i32 = 17;
    pub(super) const CONT: i32 = 18;
    pub(super) const TSTP: i32 = 20;
    pub(super) const TTIN: i32 = 21;
    pub(super) const TTOU: i32 = 22;
    pub(super) const URG: i32 = 23;
    pub(super) const XCPU: i32 = 24;
    pub(super) const XFSZ: i32 = 25;
    pub(super) const VTALRM: i32 = 26;
    pub(super) const PROF: i32 = 27;
    pub(super) const WINCH: i32 = 28;
    pub(super) const IO: i32 = 29;
    pub(super) const SYS: i32 = 31;
}

/// What the kernel is told of a signal when it posts it.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    /// The signal.
    pub(crate) signal: i32,
    /// `si_code`, with the kernel's two shorthands written out.
    pub(crate) code: i32,
    /// Nothing was said of the origin: one of the shorthands.
    pub(crate) is_bare: bool,
    /// The sender that it claims to have; 0 if there is no such claim.
    pub(crate) claimed_pid: u32,
    /// What is said of the origin lies on the stack of the current task, where calls put it; that of a timer is kept with the
    /// timer.
    pub(crate) is_on_stack: bool,
    /// It goes to the process, not to one thread.
    pub(crate) to_process: bool,
    /// Who gets it.
    pub(crate) target: Task,
}

/// The task on this CPU while the signal is posted.
#[derive(Clone, Copy)]
pub(crate) struct Poster {
    /// The task.
    pub(crate) task: Task,
    /// Whether it does this on its own account: it is a program, and not interrupted.
    pub(crate) acts: bool,
}

impl Poster {
    #[inline(always)]
    pub(crate) fn new(task: Task, context: *const c_void) -> Self {
        Self { task, acts: !task.is_of_kernel() && !in_interrupt(task, context) }
    }
}

/// What made the kernel post the signal.
#[inline(always)]
pub(crate) fn cause(told: &Told, poster: Poster) -> Cause {
    let to_self = poster.task.pid() == told.target.pid();
    // Since 7.0 or so kill(2) leaves no origin either; but whoever is in that call makes the kernel send nothing else.
    if poster.acts && !(told.is_bare && told.code == SI_KERNEL) {
        let by_call = call(told, poster.task, to_self);
        if by_call as u8 != Cause::Unknown as u8 {
            return by_call;
        }
    }
    if told.is_bare && told.code == SI_USER {
        return without_origin(told, poster, to_self);
    }
    if told.code == SI_KERNEL { of_kernel(told, poster, to_self) } else { by_code(told, poster, to_self) }
}

/// The call that the task is in, if the code is one that this call gives. Somebody else cannot have forged the code: the
/// kernel refuses codes of its own from another process. Whoever forges its own lies about itself alone. Linux 7 lets timers
/// expire on the way out of an interrupt too, where nothing shows that the task was interrupted in its call.
#[inline(always)]
fn call(told: &Told, task: Task, to_self: bool) -> Cause {
    let code = told.code;
    let queued = told.is_on_stack && (code < 0 || to_self);
    match current_call(task) {
        Some(Syscall::Kill) if code == SI_USER => Cause::Kill,
        Some(Syscall::Tkill) if code == SI_TKILL => Cause::Tkill,
        Some(Syscall::Tgkill) if code == SI_TKILL => Cause::Tgkill,
        Some(Syscall::RtSigqueueinfo | Syscall::RtTgsigqueueinfo) if queued => Cause::Sigqueue,
        Some(Syscall::PidfdSendSignal) if queued || code == SI_USER => Cause::Pidfd,
        _ => Cause::Unknown,
    }
}

/// `SEND_SIG_NOINFO` of include/linux/sched/signal.h: it looks like kill(2), but the task is in no such call.
#[inline(always)]
fn without_origin(told: &Told, poster: Poster, to_self: bool) -> Cause {
    match told.signal {
        _ if poster.acts && poster.task.is_exiting() => Cause::ParentDeath,
        number::KILL if !told.to_process => Cause::CgroupKill,
        number::PIPE if to_self => Cause::Pipe,
        number::XFSZ if to_self => Cause::Rlimit,
        signal if is_of_terminal(signal) => Cause::Tty,
        _ => Cause::Kernel,
    }
}

/// `SI_KERNEL`, which stands for many things.
#[inline(always)]
fn of_kernel(told: &Told, poster: Poster, to_self: bool) -> Cause {
    match told.signal {
        number::ALRM | number::VTALRM | number::PROF => Cause::Timer,
        number::XCPU | number::XFSZ => Cause::Rlimit,
        number::IO | number::URG => Cause::Io,
        number::KILL => of_kernel_kill(told, poster, to_self),
        signal if is_of_terminal(signal) => Cause::Tty,
        signal if is_of_fault(signal) && to_self => Cause::Fault,
        _ => Cause::Kernel,
    }
}

/// The kernel kills.
#[inline(always)]
fn of_kernel_kill(told: &Told, poster: Poster, to_self: bool) -> Cause {
    if poster.acts && poster.task.is_exiting() {
        return if told.to_process { Cause::PidnsExit } else { Cause::Ptrace };
    }
    if poster.acts && is_held_by_oom_killer(told.target) {
        return Cause::Oom;
    }
    // The limit of CPU time is the only one that kills; it is looked at in the task itself, or by the tick.
    if to_self && told.target.signal().get::<u64, _>(SIGNAL_CPU_LIMIT) != u64::MAX {
        return Cause::Rlimit;
    }
    Cause::Kernel
}

/// The OOM killer posts its signal with its victim's `alloc_lock` held, and nobody else does. It says whom it chose only
/// afterwards, and a victim on another CPU may be gone by then.
#[inline(always)]
fn is_held_by_oom_killer(victim: Task) -> bool {
    if has(TASK_ALLOC_LOCK_OWNER) {
        return victim.0.get::<u64, _>(TASK_ALLOC_LOCK_OWNER) != 0;
    }
    victim.0.get::<u32, _>(TASK_ALLOC_LOCK) != 0
}

/// A code that says it: the kernel's own, since a call was ruled out.
#[inline(always)]
fn by_code(told: &Told, poster: Poster, to_self: bool) -> Cause {
    match (told.signal, told.code) {
        (number::CHLD, _) => Cause::Child,
        (number::SYS, SYS_SECCOMP) => Cause::Seccomp,
        (_, SI_TIMER) => Cause::Timer,
        (_, SI_MESGQ) => Cause::Mqueue,
        (_, SI_ASYNCIO | SI_SIGIO) => Cause::Io,
        // Memory that failed is told by the kernel's own tasks.
        (signal, 1..) if is_of_fault(signal) && (to_self || !poster.acts) => Cause::Fault,
        // The signal that clone(2) was given in place of SIGCHLD.
        (_, 1..=N_CODES) if poster.acts && poster.task.is_exiting() => Cause::Child,
        (_, 1..=N_CODES) => Cause::Io,
        _ => Cause::Kernel,
    }
}

#[inline(always)]
fn is_of_fault(signal: i32) -> bool {
    matches!(signal, number::ILL | number::TRAP | number::BUS | number::FPE | number::SEGV | number::SYS)
}

#[inline(always)]
fn is_of_terminal(signal: i32) -> bool {
    matches!(
        signal,
        number::HUP
            | number::INT
            | number::QUIT
            | number::TSTP
            | number::TTIN
            | number::TTOU
            | number::WINCH
            | number::CONT
    )
}

/// What the kernel was told, from the arguments of the hook.
#[inline(always)]
pub(crate) fn told(signal: i32, info: *const c_void, target: Task, to_process: bool, current: Task) -> Told {
    let number = if is_set(SIGINFO_IS_NUMBER) { info as u64 } else { address(info, current.0) };
    let (code, claimed_pid, is_bare) = match number {
        // `SEND_SIG_NOINFO` and `SEND_SIG_PRIV`.
        0 => (SI_USER, 0, true),
        1 => (SI_KERNEL, 0, true),
        _ => {
            let info = Struct::cast(info, SIGINFO_TYPE);
            (info.get(SIGINFO_CODE), info.get(SIGINFO_FIELDS), false)
        }
    };
    let is_on_stack = is_on_stack_of(current, number);
    Told { signal, code, is_bare, claimed_pid, is_on_stack, to_process, target }
}
