//! What the BPF program and the exporter say to each other.
//!
//! One file per family of hooks: [`kill`] is the calls that send signals. [`lost`] is the reasons for which a
//! hook gives up, and [`filter`] is what user space asks the hooks to leave out. All types have one layout on
//! both sides, which compile-time asserts guard: no padding, no pointers, no `bool`, no `enum`.

#![no_std]

pub mod filter;
pub mod kill;
pub mod lost;

/// Bytes of a task's name in the kernel, the closing NUL included (`TASK_COMM_LEN`, include/linux/sched.h).
pub const COMM_LEN: usize = 16;

/// The largest signal number of Linux (`_NSIG`, include/uapi/asm-generic/signal.h).
pub const MAX_SIGNAL: i32 = 64;
