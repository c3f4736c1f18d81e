//! Hooks at the return of the calls that send signals: kill, tkill, tgkill, `rt_sigqueueinfo`,
//! `rt_tgsigqueueinfo` and `pidfd_send_signal`.
//!
//! When a call returns, the saved registers still hold its number and its arguments, and already its result; so
//! nothing has to be remembered from its entry. The two hooks here differ in how they come by the registers.

use aya_ebpf::{
    bindings::{BPF_RB_AVAIL_DATA, BPF_RB_RING_SIZE, pt_regs},
    cty::c_void,
    helpers::{
        bpf_get_current_pid_tgid, bpf_get_current_task_btf, bpf_ktime_get_boot_ns, bpf_task_pt_regs,
        generated::bpf_ringbuf_query,
    },
    macros::{btf_tracepoint, tracepoint},
    programs::{BtfTracePointContext, TracePointContext},
};
use killsnoop_common::{
    kill::{ABI_COMPAT, ABI_NATIVE, Calls, KillEvent, KillKey, Syscall},
    lost::Lost,
    record::KIND_CALL,
};

use crate::{
    maps::{
        EVENTS, FILTER, KILLS, MACHINE, Opaque, PRODUCED, TARGETS, URGENT, add_one, count_lost, global,
        opaque, wake_up,
    },
    task::Task,
};

const SIGKILL: i32 = 9;

/// One of the six calls has returned. Attached to each `syscalls:sys_exit_*`, which the kernel does not fire for
/// calls of 32-bit programs.
#[tracepoint]
fn sys_exit_call(_ctx: TracePointContext) -> u32 {
    // SAFETY: both helpers have no precondition; the kernel says that the pointer is a `struct pt_regs`.
    let regs = unsafe { bpf_task_pt_regs(bpf_get_current_task_btf()) } as *const pt_regs;
    at_exit(Registers(regs), ABI_NATIVE);
    0
}

/// Any system call has returned. Costs every call of every process, but needs no tracefs and sees 32-bit calls.
#[btf_tracepoint(function = "sys_exit")]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn sys_exit_any(ctx: BtfTracePointContext) -> i32 {
    // Prototype in include/trace/events/syscalls.h: TP_PROTO(struct pt_regs *regs, long ret)
    at_exit(Registers(ctx.arg(0)), abi());
    0
}

/// Which of the two tables of system calls the current task uses in this call.
#[inline(always)]
pub(crate) fn abi() -> u8 {
    let compat_flag = global(&MACHINE.compat_flag);
    if compat_flag == 0 {
        return ABI_NATIVE;
    }
    // SAFETY: a typed pointer to the current task; user space took the offset from the kernel's own BTF.
    let flags = unsafe {
        let task = bpf_get_current_task_btf() as *const c_void;
        task.byte_add(global(&MACHINE.compat_flag_at) as usize).cast::<u32>().read()
    };
    if flags & compat_flag == 0 { ABI_NATIVE } else { ABI_COMPAT }
}

#[inline(always)]
fn at_exit(regs: Registers, abi: u8) {
    let calls = if abi == ABI_COMPAT { &MACHINE.compat } else { &MACHINE.native };
    let call = Call::at_exit(regs, calls, abi);
    if let Some(call) = call
        && let Err(reason) = call.record()
    {
        count_lost(reason);
    }
}

/// The registers that the caller had, with the call's result in place.
#[derive(Clone, Copy)]
pub(crate) struct Registers(*const pt_regs);

impl Registers {
    /// Takes what a helper gave.
    #[inline(always)]
    pub(crate) const fn new(registers: *const pt_regs) -> Self {
        Self(registers)
    }

    /// A whole register.
    #[inline(always)]
    fn long(self, offset: u32) -> i64 {
        // SAFETY: as in `read`.
        unsafe { self.read(offset) }
    }

    /// The lower half of a register. Arguments are `int` for all six calls; whatever stands in the upper half is not
    /// theirs.
    #[inline(always)]
    pub(crate) fn int(self, offset: u32) -> i32 {
        // SAFETY: as in `read`; the machine's byte order is little-endian, as is the program's.
        unsafe { self.read(offset) }
    }

    /// # Safety
    /// A typed pointer to the caller's registers, which the verifier knows; user space gave the offset, and the
    /// verifier checks that it lies inside.
    #[inline(always)]
    unsafe fn read<T>(self, offset: u32) -> T {
        // SAFETY: the caller's.
        unsafe { self.0.byte_add(offset as usize).cast::<T>().read() }
    }
}

/// The call with this number in a table.
#[inline(always)]
pub(crate) fn syscall_of(number: i32, calls: &'static Calls) -> Option<Syscall> {
    Some(match number {
        n if n == global(&calls.numbers[0]) => Syscall::Kill,
        n if n == global(&calls.numbers[1]) => Syscall::Tkill,
        n if n == global(&calls.numbers[2]) => Syscall::Tgkill,
        n if n == global(&calls.numbers[3]) => Syscall::RtSigqueueinfo,
        n if n == global(&calls.numbers[4]) => Syscall::RtTgsigqueueinfo,
        n if n == global(&calls.numbers[5]) => Syscall::PidfdSendSignal,
        _ => return None,
    })
}

/// What a call asked for, and what it got.
struct Call {
    syscall: Syscall,
    abi: u8,
    target: i32,
    target_tid: i32,
    signal: i32,
    result: i64,
}

impl Call {
    /// The call that is returning, if it is one of the six.
    #[inline(always)]
    fn at_exit(regs: Registers, calls: &'static Calls, abi: u8) -> Option<Self> {
        let syscall = syscall_of(regs.int(global(&MACHINE.number_at)), calls)?;
        let argument = |n: usize| regs.int(global(&calls.arguments_at[n]));
        let (target_tid, signal) = match syscall {
            Syscall::Tgkill | Syscall::RtTgsigqueueinfo => (argument(1), argument(2)),
            _ => (0, argument(1)),
        };
        let result = Self::result(regs.long(global(&MACHINE.result_at)), abi);
        Some(Self { syscall, abi, target: argument(0), target_tid, signal, result })
    }

    /// A 32-bit call leaves a 32-bit result; widened, it keeps its sign.
    #[inline(always)]
    fn result(register: i64, abi: u8) -> i64 {
        if abi == ABI_COMPAT { i64::from(register as i32) } else { register }
    }

    /// Counts the call, then tells user space if it wants to know.
    #[inline(always)]
    fn record(&self) -> Result<(), Lost> {
        let failed = self.result < 0;
        // The counter comes first, so that a full ring buffer never makes it wrong.
        add_one(self.counter())?;

        if global(&FILTER.syscalls) == 0 {
            return Ok(());
        }
        let (pid, tid) = halves(bpf_get_current_pid_tgid());
        let syscall = Syscall::known(opaque(Opaque::Syscall, self.syscall as u64) as u8);
        if !global(&FILTER).wants(syscall, pid, self.target, self.signal, failed) {
            return Ok(());
        }
        add_one(PRODUCED.get_ptr_mut(KIND_CALL.into()))?;
        self.send(syscall, pid, tid)
    }

    #[inline(always)]
    fn counter(&self) -> Option<*mut u64> {
        let counts = KILLS.get_ptr_mut(KillKey::new(self.signal, self.result))?;
        // SAFETY: the map look-up gave this pointer, and there is a counter for each call.
        Some(unsafe { (&raw mut (*counts).calls).cast::<u64>().add(self.syscall as usize) })
    }

    #[inline(always)]
    fn send(&self, syscall: Syscall, pid: u32, tid: u32) -> Result<(), Lost> {
        let task = Task::current();
        let leader = task.leader();
        let (sender_cgroup, sender_memory_cgroup) = leader.cgroups();
        let target_pid = target_pid(syscall, leader, tid);
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
            syscall: syscall as u8,
            abi: self.abi,
            reserved: 0,
            signal: self.signal,
            sender_cgroup,
            sender_memory_cgroup,
            sender_pid: pid,
            sender_tid: tid,
            sender_uid: leader.uid(),
            target: self.target,
            target_tid: self.target_tid,
            target_pid,
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
