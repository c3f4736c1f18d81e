//! How the machine this runs on makes system calls: numbers, registers, and how a 32-bit call is told.

use std::io;

use killsnoop_common::kill::{Calls, Machine};
use nix::libc;

use super::btf::Btf;

/// Bytes of a 64-bit register.
const WORD: u32 = 8;

/// Numbers of the calls in the native table, in the order of `Syscall::ALL`.
#[expect(clippy::cast_possible_truncation, reason = "system call numbers are small")]
const NATIVE: [i32; 6] = [
    libc::SYS_kill as i32,
    libc::SYS_tkill as i32,
    libc::SYS_tgkill as i32,
    libc::SYS_rt_sigqueueinfo as i32,
    libc::SYS_rt_tgsigqueueinfo as i32,
    libc::SYS_pidfd_send_signal as i32,
];

/// What the calls look like here, as far as it is the same on every kernel of this architecture.
///
/// `struct pt_regs` is of arch/x86/include/asm/ptrace.h, the 32-bit table of `arch/x86/entry/syscalls/syscall_32.tbl`.
#[cfg(target_arch = "x86_64")]
#[must_use]
pub(super) fn machine() -> Machine {
    let [bx, ax, cx, dx, si, di, orig_ax] = [5, 10, 11, 12, 13, 14, 15].map(|word| word * WORD);
    Machine {
        number_at: orig_ax,
        result_at: ax,
        native: Calls { numbers: NATIVE, arguments_at: [di, si, dx] },
        compat: Calls { numbers: [37, 238, 270, 178, 335, 424], arguments_at: [bx, cx, dx] },
        compat_flag_at: 0,
        compat_flag: 0,
    }
}

/// What the calls look like here, as far as it is the same on every kernel of this architecture.
///
/// `struct pt_regs` is of arch/arm64/include/asm/ptrace.h, the 32-bit table of `arch/arm64/tools/syscall_32.tbl`. The
/// first argument is in `orig_x0`, because the result has taken the place of x0.
#[cfg(target_arch = "aarch64")]
#[must_use]
pub(super) fn machine() -> Machine {
    let [x0, x1, x2, orig_x0, syscallno] = [0, 1, 2, 34, 35].map(|word| word * WORD);
    let arguments_at = [orig_x0, x1, x2];
    Machine {
        number_at: syscallno,
        result_at: x0,
        native: Calls { numbers: NATIVE, arguments_at },
        compat: Calls { numbers: [37, 238, 268, 178, 363, 424], arguments_at },
        compat_flag_at: 0,
        compat_flag: 0,
    }
}

/// `TS_COMPAT` in `thread_info.status`, `arch/x86/include/asm/thread_info.h`: a 32-bit call is under way.
#[cfg(target_arch = "x86_64")]
const COMPAT: (&str, u32) = ("status", 0x0002);

/// `TIF_32BIT` in `thread_info.flags`, `arch/arm64/include/asm/thread_info.h`: the task is a 32-bit one.
#[cfg(target_arch = "aarch64")]
const COMPAT: (&str, u32) = ("flags", 1 << 22);

/// [`machine`], and where the running kernel keeps the mark of a 32-bit call.
///
/// # Errors
/// If the kernel's type information does not hold the mark.
pub(super) fn machine_with_compat(btf: &Btf) -> io::Result<Machine> {
    let (field, compat_flag) = COMPAT;
    let compat_flag_at = btf.offset("task_struct", "thread_info")? + btf.offset("thread_info", field)?;
    Ok(Machine { compat_flag_at, compat_flag, ..machine() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_kernel_tells_where_it_marks_32_bit_calls() {
        let machine = machine_with_compat(&Btf::of_running_kernel().unwrap()).unwrap();
        assert_ne!(machine.compat_flag, 0);
        assert!(machine.compat_flag_at < 4096, "thread_info is at the start of task_struct");
    }
}
