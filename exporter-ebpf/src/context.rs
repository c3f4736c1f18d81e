//! Whether an interrupt is being served: then the task on this CPU has nothing to do with what goes on.

use aya_ebpf::cty::c_void;
use killsnoop_common::layout::{STACK_SIZE, TASK_PREEMPT_COUNT, TASK_SOFTIRQ_DISABLE_COUNT, TASK_STACK};

use crate::{
    kernel::{address, constant, has},
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
    if has(TASK_SOFTIRQ_DISABLE_COUNT)
        && task.0.get::<u32, _>(TASK_SOFTIRQ_DISABLE_COUNT) & SERVING_SOFTIRQ != 0
    {
        return true;
    }
    if has(TASK_PREEMPT_COUNT) {
        return task.0.get::<u32, _>(TASK_PREEMPT_COUNT) & SERVING != 0;
    }
    // A hook's context lies on the stack that the kernel is running on.
    !is_on_stack_of(task, address(context, task.0))
}

/// Whether an address lies on a task's stack in the kernel.
#[inline(always)]
pub(crate) fn is_on_stack_of(task: Task, address: u64) -> bool {
    let stack: u64 = task.0.get(TASK_STACK);
    address.wrapping_sub(stack) < constant(STACK_SIZE) as u64
}
