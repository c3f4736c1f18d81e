//! Whether an interrupt is being served: then the task on this CPU has nothing to do with what goes on.

use aya_ebpf::{cty::c_void, helpers::bpf_get_current_task};
use killsnoop_common::layout::ABSENT;

use crate::{
    maps::{LAYOUT, global},
    task::Task,
};

/// Bits of the preemption count, include/linux/preempt.h: serving a softirq, a hardirq, an NMI.
const SERVING: u32 = 0x0000_0100 | 0x000f_0000 | 0x00f0_0000;
/// Bits of `softirq_disable_cnt` of `PREEMPT_RT`, which serves softirqs in tasks.
const SERVING_SOFTIRQ: u32 = 0x0000_0100;

/// Whether an interrupt has stopped the task in a system call. `context` is the hook's own.
///
/// Where the kernel keeps the preemption count in the task, that says it. On x86 it is a variable of the CPU that not
/// every kernel lets a program name; but there an interrupt that stops a system call has a stack of its own. One that
/// stops a program outside of the kernel has not, but then the task's registers show no system call.
#[inline(always)]
pub(crate) fn in_interrupt(task: Task, context: *const c_void) -> bool {
    if global(&LAYOUT.task.softirq_disable_count) != ABSENT
        && task.0.get::<u32>(&LAYOUT.task.softirq_disable_count) & SERVING_SOFTIRQ != 0
    {
        return true;
    }
    if global(&LAYOUT.task.preempt_count) != ABSENT {
        return task.0.get::<u32>(&LAYOUT.task.preempt_count) & SERVING != 0;
    }
    !is_on_stack_of(task, context)
}

/// A hook's context lies on the stack that the kernel is running on.
#[inline(always)]
fn is_on_stack_of(task: Task, context: *const c_void) -> bool {
    let stack: u64 = task.0.get(&LAYOUT.task.stack);
    address(context, task).wrapping_sub(stack) < u64::from(global(&LAYOUT.stack_size))
}

/// The address behind a pointer as a number, by way of the current task. The verifier takes an argument of a hook for
/// valid, and leaves out what a program does if it is not.
#[inline(always)]
pub(crate) fn address(pointer: *const c_void, current: Task) -> u64 {
    // SAFETY: the helper has no precondition. It gives the address of the current task as a number.
    let address = unsafe { bpf_get_current_task() };
    address.wrapping_add(distance(pointer, current.0.pointer()))
}

/// How far one pointer is from another. Only as this one instruction does the verifier let pointers become a number.
#[inline(always)]
fn distance(to: *const c_void, from: *const c_void) -> u64 {
    let mut distance = to as u64;
    #[cfg(target_arch = "bpf")]
    // SAFETY: it subtracts.
    unsafe {
        core::arch::asm!("{distance} -= {from}", distance = inout(reg) distance, from = in(reg) from,
            options(nomem, nostack, pure));
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        distance = distance.wrapping_sub(from as u64);
    }
    distance
}
