//! Makes system calls that send signals, as its arguments say, and prints how often each returned what.
//!
//! ```text
//! sender CALL:TARGET:SIGNAL[:COUNT]...
//! ```
//! CALL is a system call's name, or `kill32` for kill(2) by the entry for 32-bit programs. TARGET is `self`, `gone` (a
//! process that does not exist), or a number. `comm:HEX` as an argument renames the sender from there on, `uid:N` makes it
//! that user. It says `ready PID`, waits for a line on its standard input, and ignores every signal that can be ignored.

#![expect(clippy::print_stdout, reason = "the tests read what it prints")]

use std::{
    collections::BTreeMap,
    env,
    io::{self, BufRead as _},
    mem::zeroed,
    process::{self, ExitCode},
};

use nix::libc;

/// The largest process id a kernel can give is one less, see `PID_MAX_LIMIT` in include/linux/threads.h.
const GONE: i64 = 4_194_304;

fn main() -> ExitCode {
    ignore_signals();
    println!("ready {}", process::id());
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line).is_err() {
        return ExitCode::FAILURE;
    }
    let mut results = BTreeMap::<i64, u64>::new();
    for step in env::args().skip(1) {
        if run(&step, &mut results).is_none() {
            eprintln!("sender: cannot read {step:?}");
            return ExitCode::from(2);
        }
    }
    for (result, n) in results {
        println!("{result} {n}");
    }
    ExitCode::SUCCESS
}

fn run(step: &str, results: &mut BTreeMap<i64, u64>) -> Option<()> {
    let parts: Vec<_> = step.split(':').collect();
    match parts[..] {
        ["comm", hex] => rename(hex),
        ["uid", uid] => become_user(uid.parse().ok()?),
        [call, target, signal] => repeat(call, target, signal.parse().ok()?, 1, results),
        [call, target, signal, n] => repeat(call, target, signal.parse().ok()?, n.parse().ok()?, results),
        _ => None,
    }
}

fn repeat(call: &str, target: &str, signal: i64, n: u64, results: &mut BTreeMap<i64, u64>) -> Option<()> {
    let target = match target {
        "self" => i64::from(process::id()),
        "gone" => GONE,
        number => number.parse().ok()?,
    };
    let call = prepare(call, target, signal)?;
    for _ in 0..n {
        *results.entry(call()).or_default() += 1;
    }
    Some(())
}

/// The call with its arguments in place; it returns 0 or a negated errno.
fn prepare(call: &str, target: i64, signal: i64) -> Option<Box<dyn Fn() -> i64>> {
    let raw = |number: libc::c_long, args: [i64; 4]| {
        // SAFETY: the calls take numbers, and pointers to what outlives them.
        move || match unsafe { libc::syscall(number, args[0], args[1], args[2], args[3]) } {
            -1 => -i64::from(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
            result => result,
        }
    };
    Some(match call {
        "kill" => Box::new(raw(libc::SYS_kill, [target, signal, 0, 0])),
        "tkill" => Box::new(raw(libc::SYS_tkill, [target, signal, 0, 0])),
        "tgkill" => Box::new(raw(libc::SYS_tgkill, [target, target, signal, 0])),
        "rt_sigqueueinfo" => Box::new(raw(libc::SYS_rt_sigqueueinfo, [target, signal, queued(), 0])),
        "rt_tgsigqueueinfo" => Box::new(raw(libc::SYS_rt_tgsigqueueinfo, [target, target, signal, queued()])),
        "pidfd_send_signal" => {
            // SAFETY: takes two numbers. Where the process does not exist, the number stands for a bad descriptor.
            let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, target, 0) };
            Box::new(raw(libc::SYS_pidfd_send_signal, [pidfd, signal, 0, 0]))
        }
        "kill32" => Box::new(move || kill32(target, signal)),
        _ => return None,
    })
}

/// Address of a siginfo with the code that sigqueue(3) gives; it lives as long as the process.
fn queued() -> i64 {
    // SAFETY: all zeros is a valid siginfo.
    let mut info: libc::siginfo_t = unsafe { zeroed() };
    info.si_code = libc::SI_QUEUE;
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

fn rename(hex: &str) -> Option<()> {
    let digits = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    let mut name: Vec<u8> = (0..hex.len()).step_by(2).map(digits).collect::<Option<_>>()?;
    name.push(0);
    // SAFETY: the name ends in NUL and is read before the call returns.
    (unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) } == 0).then_some(())
}

fn become_user(uid: libc::uid_t) -> Option<()> {
    // SAFETY: takes a number.
    (unsafe { libc::setresuid(uid, uid, uid) } == 0).then_some(())
}

fn ignore_signals() {
    for signal in 1..=64 {
        // SAFETY: no handler runs. SIGKILL and SIGSTOP cannot be ignored, nor can what the C library keeps to itself.
        _ = unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}
