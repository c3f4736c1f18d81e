//! What the BPF program and the exporter say to each other.
//!
//! One file per family of hooks: [`kill`] is the calls that send signals, [`death`] the signals as they are posted and
//! the deaths that come of them. [`process`] is who a process is and [`cause`] where a signal came from. [`record`] is
//! how the ring buffers are read, [`lost`] the reasons for which a hook gives up, [`filter`] what user space asks the
//! hooks to leave out, and [`layout`] where this kernel keeps what they read. All types have one layout on both sides,
//! which compile-time asserts guard: no padding, no pointers, no `bool`, no `enum`.

#![no_std]

pub mod cause;
pub mod death;
pub mod filter;
pub mod kill;
pub mod layout;
pub mod lost;
pub mod process;
pub mod record;

/// Bytes of a task's name in the kernel, the closing NUL included (`TASK_COMM_LEN`, include/linux/sched.h).
pub const COMM_LEN: usize = 16;

/// The largest signal number of Linux (`_NSIG`, include/uapi/asm-generic/signal.h).
pub const MAX_SIGNAL: i32 = 64;
