//! The BPF program of the killsnoop exporter: hooks that count, and tell user space what they counted.

#![no_std]
#![no_main]
#![expect(
    clippy::inline_always,
    reason = "a call costs a hook more than its own work, and old verifiers refuse some"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the kernel's numbers are narrower than the registers they come in, or were clamped before"
)]
#![expect(clippy::needless_borrows_for_generic_args, reason = "a copy would not fit on the stack")]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch, core_intrinsics))]
#![cfg_attr(target_arch = "bpf", expect(internal_features, reason = "atomic addition, see maps.rs"))]

mod cgroup;
mod context;
mod death;
mod image;
mod kernel;
mod kill;
mod kills;
mod maps;
mod number;
mod oom;
mod origin;
mod questions;
mod signal;
mod suspects;
mod task;

/// The helpers that are called here are for programs under the GPL alone.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";

/// Never reached: the verifier loads no program that could panic.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
