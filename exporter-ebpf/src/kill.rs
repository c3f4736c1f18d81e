//! Hooks at the return of the calls that send signals: kill, tkill, tgkill, `rt_sigqueueinfo`,
//! `rt_tgsigqueueinfo` and `pidfd_send_signal`.
//!
//! When a call returns, the saved registers still hold its number and its arguments, and already its result; so
//! nothing has to be remembered from its entry. The two hooks here differ in how they come by the registers.

use aya_ebpf::{
    bindings::pt_regs,
    cty::c_void,
    helpers::{
        bpf_get_current_cgroup_id, bpf_get_current_comm, bpf_get_current_pid_tgid, bpf_get_current_task_btf,
        bpf_get_current_uid_gid, bpf_ktime_get_boot_ns, bpf_task_pt_regs,
    },
    macros::{btf_tracepoint, tracepoint},
    programs::{BtfTracePointContext, TracePointContext},
};
use killsnoop_common::{
    COMM_LEN,
    kill::{ABI_COMPAT, ABI_NATIVE, Calls, KillEvent, KillKey, Syscall},
    lost::Lost,
};

use crate::maps::{EVENTS, FILTER, KILLS, MACHINE, PRODUCED, add_one, count_lost, global, wake_up};

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
fn abi() -> u8 {
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
struct Registers(*const pt_regs);

impl Registers {
    /// A whole register.
    #[inline(always)]
    fn long(self, offset: u32) -> i64 {
        // SAFETY: as in `read`.
        unsafe { self.read(offset) }
    }

    /// The lower half of a register. Arguments are `int` for all six calls; whatever stands in the upper half is not
    /// theirs.
    #[inline(always)]
    fn int(self, offset: u32) -> i32 {
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
        let number = regs.int(global(&MACHINE.number_at));
        let syscall = match number {
            n if n == global(&calls.numbers[0]) => Syscall::Kill,
            n if n == global(&calls.numbers[1]) => Syscall::Tkill,
            n if n == global(&calls.numbers[2]) => Syscall::Tgkill,
            n if n == global(&calls.numbers[3]) => Syscall::RtSigqueueinfo,
            n if n == global(&calls.numbers[4]) => Syscall::RtTgsigqueueinfo,
            n if n == global(&calls.numbers[5]) => Syscall::PidfdSendSignal,
            _ => return None,
        };
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
    #[expect(clippy::cast_possible_truncation, reason = "a 32-bit call has a 32-bit result")]
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
        if !global(&FILTER).wants(self.syscall, pid, self.target, self.signal, failed) {
            return Ok(());
        }
        add_one(PRODUCED.get_ptr_mut(0))?;
        self.send(pid, tid)
    }

    #[inline(always)]
    fn counter(&self) -> Option<*mut u64> {
        let counts = KILLS.get_ptr_mut(KillKey::new(self.signal, self.result))?;
        // SAFETY: the map look-up gave this pointer, and there is a counter for each call.
        Some(unsafe { (&raw mut (*counts).calls).cast::<u64>().add(self.syscall as usize) })
    }

    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "results of system calls are 0 or small negative numbers"
    )]
    fn send(&self, pid: u32, tid: u32) -> Result<(), Lost> {
        // The name is read before the reservation, so that no way out of here leaves a record behind.
        let sender_comm = bpf_get_current_comm().unwrap_or_else(|_| {
            count_lost(Lost::CommUnreadable);
            [0; COMM_LEN]
        });
        let mut entry = EVENTS.reserve(0).ok_or(Lost::RingFull)?;
        // SAFETY: both helpers have no precondition.
        let (at_boot_ns, sender_cgroup) = unsafe { (bpf_ktime_get_boot_ns(), bpf_get_current_cgroup_id()) };
        entry.write(KillEvent {
            at_boot_ns,
            sender_cgroup,
            sender_pid: pid,
            sender_tid: tid,
            sender_uid: halves(bpf_get_current_uid_gid()).1,
            target: self.target,
            target_tid: self.target_tid,
            signal: self.signal,
            result: self.result as i32,
            syscall: self.syscall as u8,
            abi: self.abi,
            reserved: 0,
            sender_comm,
        });
        entry.submit(wake_up());
        Ok(())
    }
}

/// The upper and the lower half of what the helpers pack into one number.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
fn halves(both: u64) -> (u32, u32) {
    ((both >> 32) as u32, both as u32)
}
