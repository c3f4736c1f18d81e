//! The system calls that send signals, made as they are: no C library between the test and the kernel.

use std::io;

use nix::libc::{self, c_long};

/// A number that no process has: the largest that a kernel can give is one less, see `PID_MAX_LIMIT` in
/// include/linux/threads.h.
pub const GONE: i64 = 4_194_304;

/// What a queued signal says of its origin. Whoever queues it may write what it likes, so it proves nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Claim {
    /// The process that it claims to come from.
    pub pid: i32,
    /// The user that it claims to come from.
    pub uid: u32,
}

/// A call with its arguments in place: it returns 0, or a negated errno.
pub type Prepared = Box<dyn Fn() -> i64>;

/// Prepares a call by its name in the kernel's table; `kill32` is kill(2) by the entry for 32-bit programs, `killx32` by
/// that for x32 programs. The claim is for the two calls that queue a signal. `None` if there is no such call.
#[must_use]
pub fn prepare(call: &str, target: i64, signal: i64, claim: Claim) -> Option<Prepared> {
    Some(match call {
        "kill" => raw(libc::SYS_kill, [target, signal, 0, 0]),
        "killx32" => raw(X32 | libc::SYS_kill, [target, signal, 0, 0]),
        "kill32" => Box::new(move || kill32(target, signal)),
        "tkill" => raw(libc::SYS_tkill, [target, signal, 0, 0]),
        "tgkill" => raw(libc::SYS_tgkill, [target, target, signal, 0]),
        "rt_sigqueueinfo" => raw(libc::SYS_rt_sigqueueinfo, [target, signal, queued(claim), 0]),
        "rt_tgsigqueueinfo" => raw(libc::SYS_rt_tgsigqueueinfo, [target, target, signal, queued(claim)]),
        // Where the process does not exist, the error's number stands for a bad descriptor.
        "pidfd_send_signal" => {
            let pidfd = raw(libc::SYS_pidfd_open, [target, 0, 0, 0])();
            raw(libc::SYS_pidfd_send_signal, [pidfd, signal, 0, 0])
        }
        _ => return None,
    })
}

/// Sends a signal to one thread of a process.
#[must_use]
pub fn tgkill(process: i64, thread: i64, signal: i64) -> i64 {
    raw(libc::SYS_tgkill, [process, thread, signal, 0])()
}

/// Marks the number of a call as that of an x32 program, see include/uapi/asm/unistd.h of x86.
const X32: c_long = 0x4000_0000;

fn raw(number: c_long, args: [i64; 4]) -> Prepared {
    // SAFETY: the calls take numbers, and pointers to what outlives them.
    Box::new(move || match unsafe { libc::syscall(number, args[0], args[1], args[2], args[3]) } {
        -1 => -i64::from(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
        result => result,
    })
}

/// The head of a siginfo of `SI_QUEUE`, as include/uapi/asm-generic/siginfo.h has it.
#[repr(C)]
struct Queued {
    signal: i32,
    errno: i32,
    code: i32,
    _gap: i32,
    claim: (i32, u32),
    _rest: [u64; 13],
}
const _: () = assert!(size_of::<Queued>() == size_of::<libc::siginfo_t>(), "the kernel reads all of it");

/// Address of a siginfo with the code that sigqueue(3) gives; it lives as long as the process.
fn queued(claim: Claim) -> i64 {
    let claim = (claim.pid, claim.uid);
    let info = Queued { signal: 0, errno: 0, code: libc::SI_QUEUE, _gap: 0, claim, _rest: [0; 13] };
    Box::into_raw(Box::new(info)).expose_provenance().cast_signed() as i64
}

/// kill(2) by `int $0x80`, where it has the number 37.
#[cfg(target_arch = "x86_64")]
fn kill32(target: i64, signal: i64) -> i64 {
    let result: i32;
    // SAFETY: the call reads three registers and writes one. rbx is the compiler's own, so it is saved around the call.
    unsafe {
        std::arch::asm!(
            "xchg rbx, {target}", "int 0x80", "xchg rbx, {target}",
            target = inout(reg) target => _,
            inlateout("eax") 37 => result,
            in("rcx") signal,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    i64::from(result)
}

#[cfg(not(target_arch = "x86_64"))]
fn kill32(_target: i64, _signal: i64) -> i64 {
    -i64::from(libc::ENOSYS)
}
