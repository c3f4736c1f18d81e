//! How the machine this runs on makes system calls: numbers, registers, the kernel's functions behind them, and how a
//! 32-bit call is told.

use killsnoop_common::layout::{
    CALL_NUMBER, CALL_RESULT, COMPAT_ARGUMENT_0, COMPAT_ARGUMENT_1, COMPAT_ARGUMENT_2, COMPAT_KILL,
    COMPAT_PIDFD_SEND_SIGNAL, COMPAT_RT_SIGQUEUEINFO, COMPAT_RT_TGSIGQUEUEINFO, COMPAT_TGKILL, COMPAT_TKILL,
    FUNCTION_ARGUMENT_0, FUNCTION_ARGUMENT_1, NATIVE_ARGUMENT_0, NATIVE_ARGUMENT_1, NATIVE_ARGUMENT_2,
    NATIVE_KILL, NATIVE_PIDFD_SEND_SIGNAL, NATIVE_RT_SIGQUEUEINFO, NATIVE_RT_TGSIGQUEUEINFO, NATIVE_TGKILL,
    NATIVE_TKILL, X32_BIT, X32_RT_SIGQUEUEINFO, X32_RT_TGSIGQUEUEINFO,
};
use nix::libc;

/// Bytes of a 64-bit register.
const WORD: u32 = 8;

/// Numbers of the native table, which the C library knows.
#[expect(clippy::cast_possible_truncation, reason = "system call numbers are small")]
const NATIVE: [(usize, i32); 6] = [
    (NATIVE_KILL.number(), libc::SYS_kill as i32),
    (NATIVE_TKILL.number(), libc::SYS_tkill as i32),
    (NATIVE_TGKILL.number(), libc::SYS_tgkill as i32),
    (NATIVE_RT_SIGQUEUEINFO.number(), libc::SYS_rt_sigqueueinfo as i32),
    (NATIVE_RT_TGSIGQUEUEINFO.number(), libc::SYS_rt_tgsigqueueinfo as i32),
    (NATIVE_PIDFD_SEND_SIGNAL.number(), libc::SYS_pidfd_send_signal as i32),
];

/// Registers in `struct pt_regs`, with their offsets in bytes, and numbers of calls in tables that the C library does not
/// know.
#[derive(Debug)]
pub(super) struct Machine {
    /// Offsets by the numbers of fields.
    pub(super) registers: [(usize, u32); 10],
    /// Values by the numbers of constants.
    pub(super) numbers: [(usize, i32); 9],
    /// The field of `thread_info` that marks a 32-bit call, and the bits that do it.
    pub(super) compat: (&'static str, i32),
    /// The kernel's functions for the calls, as programs of each kind come to them. Not every kernel has all of them.
    pub(super) functions: Functions,
}

/// Names of functions, without the call's own name.
#[derive(Debug)]
pub(super) struct Functions {
    /// Those of native programs; 32-bit ones may share them.
    pub(super) native: &'static [&'static str],
    /// Those that only 32-bit programs come to.
    pub(super) compat: &'static [&'static str],
}

/// `struct pt_regs` is of arch/x86/include/asm/ptrace.h, the 32-bit table of `arch/x86/entry/syscalls/syscall_32.tbl`, and
/// x32 has the two calls of `arch/x86/entry/syscalls/syscall_64.tbl` that begin at 512. The names are of
/// `arch/x86/include/asm/syscall_wrapper.h`; `TS_COMPAT` of `arch/x86/include/asm/thread_info.h`.
#[cfg(target_arch = "x86_64")]
pub(super) fn machine() -> Machine {
    let [bx, ax, cx, dx, si, di, orig_ax] = [5, 10, 11, 12, 13, 14, 15].map(|word| word * WORD);
    Machine {
        registers: registers(orig_ax, ax, [di, si, dx], [bx, cx, dx], [di, si]),
        numbers: [
            (COMPAT_KILL.number(), 37),
            (COMPAT_TKILL.number(), 238),
            (COMPAT_TGKILL.number(), 270),
            (COMPAT_RT_SIGQUEUEINFO.number(), 178),
            (COMPAT_RT_TGSIGQUEUEINFO.number(), 335),
            (COMPAT_PIDFD_SEND_SIGNAL.number(), 424),
            (X32_RT_SIGQUEUEINFO.number(), 524),
            (X32_RT_TGSIGQUEUEINFO.number(), 536),
            (X32_BIT.number(), 0x4000_0000),
        ],
        compat: ("status", 0x0002),
        functions: Functions {
            native: &["__x64_sys_", "__x64_compat_sys_", "__x32_compat_sys_"],
            compat: &["__ia32_sys_", "__ia32_compat_sys_"],
        },
    }
}

/// `struct pt_regs` is of arch/arm64/include/asm/ptrace.h, the 32-bit table of `arch/arm64/tools/syscall_32.tbl`. The
/// first argument is in `orig_x0`, because the result has taken the place of x0. The names are of
/// `arch/arm64/include/asm/syscall_wrapper.h`; `TIF_32BIT` of `arch/arm64/include/asm/thread_info.h`.
#[cfg(target_arch = "aarch64")]
pub(super) fn machine() -> Machine {
    let [x0, x1, x2, orig_x0, syscallno] = [0, 1, 2, 34, 35].map(|word| word * WORD);
    Machine {
        registers: registers(syscallno, x0, [orig_x0, x1, x2], [orig_x0, x1, x2], [x0, x1]),
        numbers: [
            (COMPAT_KILL.number(), 37),
            (COMPAT_TKILL.number(), 238),
            (COMPAT_TGKILL.number(), 268),
            (COMPAT_RT_SIGQUEUEINFO.number(), 178),
            (COMPAT_RT_TGSIGQUEUEINFO.number(), 363),
            (COMPAT_PIDFD_SEND_SIGNAL.number(), 424),
            // -1 is what the register holds outside of calls.
            (X32_RT_SIGQUEUEINFO.number(), i32::MIN),
            (X32_RT_TGSIGQUEUEINFO.number(), i32::MIN),
            (X32_BIT.number(), 0),
        ],
        compat: ("flags", 1 << 22),
        functions: Functions { native: &["__arm64_sys_"], compat: &["__arm64_compat_sys_"] },
    }
}

impl Machine {
    /// Numbers of calls, by the numbers of constants.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (usize, i32)> {
        NATIVE.into_iter().chain(self.numbers)
    }
}

fn registers(
    number: u32,
    result: u32,
    native: [u32; 3],
    compat: [u32; 3],
    function: [u32; 2],
) -> [(usize, u32); 10] {
    [
        (CALL_NUMBER.number(), number),
        (CALL_RESULT.number(), result),
        (NATIVE_ARGUMENT_0.number(), native[0]),
        (NATIVE_ARGUMENT_1.number(), native[1]),
        (NATIVE_ARGUMENT_2.number(), native[2]),
        (COMPAT_ARGUMENT_0.number(), compat[0]),
        (COMPAT_ARGUMENT_1.number(), compat[1]),
        (COMPAT_ARGUMENT_2.number(), compat[2]),
        (FUNCTION_ARGUMENT_0.number(), function[0]),
        (FUNCTION_ARGUMENT_1.number(), function[1]),
    ]
}
