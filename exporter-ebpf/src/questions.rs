//! Programs that are never attached. Whether the kernel takes them tells what it allows; its version does not.

use aya_ebpf::{
    cty::c_void, helpers::generated::bpf_probe_read_user_str, macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use killsnoop_common::layout::SIGINFO_CODE;

use crate::kernel::{Struct, peek};

/// Taken if programs may copy the kernel's memory.
#[btf_tracepoint(function = "sched_process_exit")]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn may_copy(ctx: BtfTracePointContext) -> i32 {
    peek(ctx.arg::<*const c_void>(0) as u64, 8) as i32
}

/// Taken if programs may read the memory of a process.
#[btf_tracepoint(function = "sched_process_exit")]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn may_read_user(ctx: BtfTracePointContext) -> i32 {
    let mut text = [0_u8; 8];
    // SAFETY: the helper takes any address, and writes no more than there is room for.
    unsafe { bpf_probe_read_user_str(text.as_mut_ptr().cast(), 8, ctx.arg::<*const c_void>(0)) as i32 }
}

/// Taken if what `signal_generate` says of the signal is a pointer for the verifier, and not a number.
#[btf_tracepoint(function = "signal_generate")]
#[inline(always)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes its context by value")]
fn siginfo_has_type(ctx: BtfTracePointContext) -> i32 {
    Struct::new(ctx.arg(1)).get(SIGINFO_CODE)
}
