//! Hooks at the return of the calls that send signals: kill, tkill, tgkill, `rt_sigqueueinfo`,
//! `rt_tgsigqueueinfo` and `pidfd_send_signal`.
//!
//! When a call returns, the registers that its caller had still hold its number and its arguments; so nothing has to be
//! remembered from its entry. The hooks here differ in how they come by the registers and by the result.

use aya_ebpf::{
    EbpfContext as _,
    bindings::{BPF_RB_AVAIL_DATA, BPF_RB_RING_SIZE},
    helpers::{bpf_get_current_pid_tgid, bpf_ktime_get_boot_ns, generated::bpf_ringbuf_query},
    macros::{btf_tracepoint, fexit, kretprobe, tracepoint},
    programs::{BtfTracePointContext, FExitContext, RetProbeContext, TracePointContext},
};
use killsnoop_common::{
    kill::{ABI_COMPAT, ABI_NATIVE, KillEvent, KillKey, Syscall},
    layout::{
        CALL_NUMBER, CALL_RESULT, COMPAT_ARGUMENT_0, COMPAT_ARGUMENT_1, COMPAT_ARGUMENT_2, COMPAT_FLAG,
        COMPAT_KILL, COMPAT_PIDFD_SEND_SIGNAL, COMPAT_RT_SIGQUEUEINFO, COMPAT_RT_TGSIGQUEUEINFO,
        COMPAT_TGKILL, COMPAT_TKILL, COUNTS_ALONE, NATIVE_ARGUMENT_0, NATIVE_ARGUMENT_1, NATIVE_ARGUMENT_2,
        NATIVE_KILL, NATIVE_PIDFD_SEND_SIGNAL, NATIVE_RT_SIGQUEUEINFO, NATIVE_RT_TGSIGQUEUEINFO,
        NATIVE_TGKILL, NATIVE_TKILL, TASK_ABI, X32_BIT, X32_RT_SIGQUEUEINFO, X32_RT_TGSIGQUEUEINFO,
    },
    lost::Lost,
    record::KIND_CALL,
};

use crate::{
    kernel::{Struct, constant, is_set, register},
    maps::{EVENTS, KILLS, PRODUCED, TARGETS, URGENT, add_one, count_lost, filter, wake_up},
    number::{hidden, opaque},
    task::Task,
};

const SIGKILL: i32 = 9;

/// ENOSYS, negated: what a kernel without x32 returns to those who ask for a call of it.
const NO_SUCH_CALL: i64 = -38;

/// The kernel's function for one of the six calls has returned: a program for each, which so need not look at the call's
/// number, and costs nobody else anything.
macro_rules! at_functions {
    ($($native:ident, $compat:ident => $syscall:ident;)*) => {$(
        // Such as `__x64_sys_kill`. On arm64, native and 32-bit programs share most of these functions, and have their
        // arguments in the same registers.
        at_function!($native, native_of, $syscall);
        // The same for the functions that only 32-bit programs come to, such as `__ia32_sys_kill`.
        at_function!($compat, compat_of, $syscall);
    )*};
}

macro_rules! at_function {
    ($name:ident, $call:ident, $syscall:ident) => {
        #[fexit]
        #[inline(always)]
        fn $name(ctx: FExitContext) -> i32 {
            // Such as: long __x64_sys_kill(const struct pt_regs *regs)
            let (registers, result) = (Struct::new(ctx.arg(0)), ctx.arg(1));
            if is_set(COUNTS_ALONE) {
                Call::$call(Syscall::$syscall, registers, result).count_alone();
            } else {
                Call::$call(Syscall::$syscall, registers, result).returned::<KNOWN>();
            }
            0
        }
    };
}

at_functions! {
    native_kill, compat_kill => Kill;
    native_tkill, compat_tkill => Tkill;
    native_tgkill, compat_tgkill => Tgkill;
    native_rt_sigqueueinfo, compat_rt_sigqueueinfo => RtSigqueueinfo;
    native_rt_tgsigqueueinfo, compat_rt_tgsigqueueinfo => RtTgsigqueueinfo;
    native_pidfd_send_signal, compat_pidfd_send_signal => PidfdSendSignal;
}

/// The kernel's function for one of the six calls has returned. One program is attached to all of them.
#[kretprobe]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn function_returned(ctx: RetProbeContext) -> u32 {
    let result = register(ctx.as_ptr(), CALL_RESULT) as i64;
    returned(Call::of_current(Task::current_registers(), result));
    0
}

/// One of the six calls has returned. Attached to each `syscalls:sys_exit_*`, which the kernel does not fire for
/// calls of 32-bit programs.
#[tracepoint]
#[inline(always)]
fn sys_exit_call(_ctx: TracePointContext) -> u32 {
    let regs = Task::current_registers();
    returned(Call::native(regs, regs.get(CALL_RESULT)));
    0
}

/// Any system call has returned. Costs every call of every process, but needs no tracefs and sees 32-bit calls.
#[btf_tracepoint(function = "sys_exit")]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn sys_exit_any(ctx: BtfTracePointContext) -> i32 {
    // Prototype in include/trace/events/syscalls.h: TP_PROTO(struct pt_regs *regs, long ret)
    returned(Call::of_current(Struct::new(ctx.arg(0)), ctx.arg(1)));
    0
}

#[inline(always)]
fn returned(call: Option<Call>) {
    if let Some(call) = call {
        call.returned::<FOUND>();
    }
}

/// The call that the current task is in by its registers, if it is one of the six.
#[inline(always)]
pub(crate) fn current_call(current: Task) -> Option<Syscall> {
    let number = Task::current_registers().get(CALL_NUMBER);
    if abi(current) == ABI_COMPAT { compat_syscall(number) } else { native_syscall(number) }
}

/// Which of the two tables of system calls a task uses in this call.
#[inline(always)]
fn abi(task: Task) -> u8 {
    let compat_flag = constant(COMPAT_FLAG);
    if compat_flag != 0 && task.0.get::<i32, _>(TASK_ABI) & compat_flag != 0 {
        ABI_COMPAT
    } else {
        ABI_NATIVE
    }
}

/// The call whose number one of these constants is.
macro_rules! syscall_of {
    ($number:expr, $($constant:ident => $syscall:ident,)*) => {
        Some(match $number {
            $(n if n == constant($constant) => Syscall::$syscall,)*
            _ => return None,
        })
    };
}

/// The call with this number in the native table.
#[inline(always)]
fn native_syscall(number: i32) -> Option<Syscall> {
    syscall_of!(number & !constant(X32_BIT),
        NATIVE_KILL => Kill,
        NATIVE_TGKILL => Tgkill,
        NATIVE_TKILL => Tkill,
        NATIVE_RT_SIGQUEUEINFO => RtSigqueueinfo,
        NATIVE_RT_TGSIGQUEUEINFO => RtTgsigqueueinfo,
        NATIVE_PIDFD_SEND_SIGNAL => PidfdSendSignal,
        X32_RT_SIGQUEUEINFO => RtSigqueueinfo,
        X32_RT_TGSIGQUEUEINFO => RtTgsigqueueinfo,
    )
}

/// The call with this number in the table of 32-bit programs.
#[inline(always)]
fn compat_syscall(number: i32) -> Option<Syscall> {
    syscall_of!(number,
        COMPAT_KILL => Kill,
        COMPAT_TGKILL => Tgkill,
        COMPAT_TKILL => Tkill,
        COMPAT_RT_SIGQUEUEINFO => RtSigqueueinfo,
        COMPAT_RT_TGSIGQUEUEINFO => RtTgsigqueueinfo,
        COMPAT_PIDFD_SEND_SIGNAL => PidfdSendSignal,
    )
}

/// The compiler knows which call it is.
const KNOWN: bool = true;
/// The call's number told which it is.
const FOUND: bool = false;

/// What a call asked for, and what it got. The other arguments are still in the registers.
struct Call {
    syscall: Syscall,
    table: Table,
    registers: Struct,
    signal: i32,
    result: i64,
}

/// Where a call has its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Table {
    /// In the registers of native programs, and of those of x32.
    Native = 0,
    /// In those of other 32-bit programs.
    Compat = 1,
}

impl Call {
    /// The call that the current task is returning from, whichever table of calls it uses.
    #[inline(always)]
    fn of_current(registers: Struct, result: i64) -> Option<Self> {
        match abi(Task::current()) {
            ABI_COMPAT => {
                Some(Self::compat_of(compat_syscall(registers.get(CALL_NUMBER))?, registers, result))
            }
            _ => Self::native(registers, result),
        }
    }

    /// The call of a native program that is returning, if it is one of the six.
    #[inline(always)]
    fn native(registers: Struct, result: i64) -> Option<Self> {
        let number: i32 = registers.get(CALL_NUMBER);
        let syscall = native_syscall(number)?;
        if result == NO_SUCH_CALL && is_x32(number) {
            return None;
        }
        Some(Self::native_of(syscall, registers, result))
    }

    /// All arguments are `int`; whatever stands in the upper half of a register is not theirs.
    #[inline(always)]
    fn native_of(syscall: Syscall, registers: Struct, result: i64) -> Self {
        let signal = if syscall.has_thread() {
            registers.get(NATIVE_ARGUMENT_2)
        } else {
            registers.get(NATIVE_ARGUMENT_1)
        };
        Self { syscall, table: Table::Native, registers, signal, result }
    }

    /// The same of a 32-bit program, whose call leaves a 32-bit result; widened, it keeps its sign.
    #[inline(always)]
    fn compat_of(syscall: Syscall, registers: Struct, result: i64) -> Self {
        let signal = if syscall.has_thread() {
            registers.get(COMPAT_ARGUMENT_2)
        } else {
            registers.get(COMPAT_ARGUMENT_1)
        };
        Self { syscall, table: Table::Compat, registers, signal, result: i64::from(result as i32) }
    }

    /// Counts the call, where nobody wants to be told. Apart from [`returned`](Self::returned), so that it saves no registers
    /// for what comes after.
    #[inline(always)]
    fn count_alone(self) {
        if let Err(reason) = count::<KNOWN>(KillKey::new(self.signal, self.result), self.syscall) {
            count_lost(reason);
        }
    }

    #[inline(always)]
    fn returned<const SYSCALL: bool>(self) {
        if let Err(reason) = self.record::<SYSCALL>() {
            count_lost(reason);
        }
    }

    /// Counts the call, then tells user space if it wants to know.
    #[inline(always)]
    fn record<const SYSCALL: bool>(&self) -> Result<(), Lost> {
        // The counter comes first, so that a full ring buffer never makes it wrong.
        let key = KillKey::new(self.signal, self.result);
        // Programs at functions have asked before.
        if SYSCALL == FOUND && filter().syscalls == 0 {
            return count::<SYSCALL>(key, self.syscall);
        }
        let (pid, tid) = halves(bpf_get_current_pid_tgid());
        let forgotten = |number: u32| opaque(number.into(), tid.into()) as u32;
        // The ways that led here have taught the verifier much, and it would go through the rest once for each.
        let key = KillKey { signal: forgotten(key.signal), result: forgotten(key.result as u32) as i32 };
        let found = |number: u32| if SYSCALL == KNOWN { number } else { forgotten(number) };
        let call = Self {
            syscall: Syscall::known(found(self.syscall as u32) as u8),
            table: if found(self.table as u32) == 0 { Table::Native } else { Table::Compat },
            registers: self.registers,
            signal: forgotten(self.signal as u32) as i32,
            // Results fit into 32 bits.
            result: i64::from(forgotten(self.result as u32) as i32),
        };
        count::<SYSCALL>(key, call.syscall)?;
        call.tell(pid, tid)
    }

    /// Tells user space, if it wants to know of this one.
    #[inline(always)]
    fn tell(&self, pid: u32, tid: u32) -> Result<(), Lost> {
        let (target, thread) = self.target();
        if !filter().wants(self.syscall, pid, target, self.signal, self.result < 0) {
            return Ok(());
        }
        add_one(PRODUCED.get_ptr_mut(KIND_CALL.into()))?;
        self.send(pid, tid, target, thread)
    }

    /// The target, and the thread of it that was asked for.
    #[inline(always)]
    fn target(&self) -> (i32, i32) {
        let (target, second): (i32, i32) = match self.table {
            Table::Native => (self.registers.get(NATIVE_ARGUMENT_0), self.registers.get(NATIVE_ARGUMENT_1)),
            Table::Compat => (self.registers.get(COMPAT_ARGUMENT_0), self.registers.get(COMPAT_ARGUMENT_1)),
        };
        (target, if self.syscall.has_thread() { second } else { 0 })
    }

    /// What kind of program called.
    #[inline(always)]
    fn abi(&self, task: Task) -> u8 {
        match self.table {
            Table::Compat => ABI_COMPAT,
            Table::Native if is_x32(self.registers.get(CALL_NUMBER)) => ABI_COMPAT,
            // On arm64, both tables have the same functions, and one number for `pidfd_send_signal`.
            Table::Native => abi(task),
        }
    }

    #[inline(always)]
    fn send(&self, pid: u32, tid: u32, target: i32, thread: i32) -> Result<(), Lost> {
        let task = Task::current();
        let leader = task.leader();
        let (sender_cgroup, sender_memory_cgroup) = leader.cgroups();
        let reached = target_pid(self.syscall, leader, tid);
        let reserved = if self.is_urgent() {
            URGENT.reserve_untyped::<KillEvent>(0).ok_or(Lost::UrgentRingFull)
        } else {
            EVENTS.reserve(0).ok_or(Lost::RingFull)
        };
        let mut entry = reserved?;
        entry.write(KillEvent {
            // SAFETY: the helper has no precondition.
            at_boot_ns: unsafe { bpf_ktime_get_boot_ns() },
            kind: KIND_CALL,
            syscall: self.syscall as u8,
            abi: self.abi(task),
            reserved: 0,
            signal: self.signal,
            sender_cgroup,
            sender_memory_cgroup,
            sender_pid: pid,
            sender_tid: tid,
            sender_uid: leader.uid(),
            target,
            target_tid: thread,
            target_pid: reached,
            result: self.result as i32,
            reserved_too: 0,
            sender_comm: task.comm(),
        });
        entry.submit(wake_up());
        Ok(())
    }

    /// A SIGKILL that was sent must not wait behind a flood; but it can be one, of SIGKILLs to a zombie. So half of the
    /// room is kept for deaths.
    #[inline(always)]
    fn is_urgent(&self) -> bool {
        if self.signal != SIGKILL || self.result < 0 {
            return false;
        }
        // SAFETY: the map lives as long as the program.
        let [used, size] = [BPF_RB_AVAIL_DATA, BPF_RB_RING_SIZE]
            .map(|what| unsafe { bpf_ringbuf_query((&raw const URGENT).cast_mut().cast(), what.into()) });
        used < size / 2
    }
}

/// Counts a call.
#[inline(always)]
fn count<const SYSCALL: bool>(key: KillKey, syscall: Syscall) -> Result<(), Lost> {
    let counts = KILLS.get_ptr_mut(key).ok_or(Lost::CounterMissing)?;
    let mut number = syscall as usize;
    if SYSCALL == FOUND {
        // The compiler knows that it is below that, and would leave the verifier in the dark.
        number = hidden(number as u64) as usize;
        if number >= Syscall::ALL.len() {
            return Err(Lost::CounterMissing);
        }
    }
    // SAFETY: the map look-up gave this pointer, and there is a counter for each call.
    add_one(Some(unsafe { (&raw mut (*counts).calls).cast::<u64>().add(number) }))
}

/// Whether it is the number of a call of x32.
#[inline(always)]
fn is_x32(number: i32) -> bool {
    number & constant(X32_BIT) != 0
}

/// The process that a call reached, if its argument does not say it and the hook of the signal has seen it.
#[inline(always)]
fn target_pid(syscall: Syscall, leader: Task, tid: u32) -> u32 {
    if !matches!(syscall, Syscall::PidfdSendSignal) && leader.pid_level() == 0 {
        return 0;
    }
    let Some(seen) = TARGETS.get_ptr(tid) else { return 0 };
    // SAFETY: the map look-up gave the pointer.
    let pid = unsafe { seen.read() };
    _ = TARGETS.remove(tid);
    pid
}

/// The upper and the lower half of what the helpers pack into one number.
#[inline(always)]
fn halves(both: u64) -> (u32, u32) {
    ((both >> 32) as u32, both as u32)
}
