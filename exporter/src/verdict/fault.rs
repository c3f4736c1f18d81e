//! What the processor or the kernel objected to: `si_code` of a fault in words, from siginfo.h and sigaction(2).

use crate::signal;

/// The name of a fault and its meaning, for instance `SEGV_MAPERR` and `address not mapped`; `None` if the signal has
/// no such code.
#[rustfmt::skip]
pub(super) fn meaning(signal: i32, code: i32) -> Option<(&'static str, &'static str)> {
    Some(match (&*signal::name(signal), code) {
        ("SIGILL", 1) => ("ILL_ILLOPC", "illegal instruction"),
        ("SIGILL", 2) => ("ILL_ILLOPN", "illegal operand of an instruction"),
        ("SIGILL", 3) => ("ILL_ILLADR", "illegal addressing mode of an instruction"),
        ("SIGILL", 4) => ("ILL_ILLTRP", "illegal trap"),
        ("SIGILL", 5) => ("ILL_PRVOPC", "instruction that only the kernel may use"),
        ("SIGILL", 6) => ("ILL_PRVREG", "register that only the kernel may use"),
        ("SIGILL", 7) => ("ILL_COPROC", "coprocessor error"),
        ("SIGILL", 8) => ("ILL_BADSTK", "bad stack"),
        ("SIGILL", 9) => ("ILL_BADIADDR", "instruction address that does not exist"),
        ("SIGFPE", 1) => ("FPE_INTDIV", "integer division by zero"),
        ("SIGFPE", 2) => ("FPE_INTOVF", "integer overflow"),
        ("SIGFPE", 3) => ("FPE_FLTDIV", "floating-point division by zero"),
        ("SIGFPE", 4) => ("FPE_FLTOVF", "floating-point overflow"),
        ("SIGFPE", 5) => ("FPE_FLTUND", "floating-point underflow"),
        ("SIGFPE", 6) => ("FPE_FLTRES", "inexact floating-point result"),
        ("SIGFPE", 7) => ("FPE_FLTINV", "invalid floating-point operation"),
        ("SIGFPE", 8) => ("FPE_FLTSUB", "subscript out of range"),
        ("SIGFPE", 14) => ("FPE_FLTUNK", "floating-point error"),
        ("SIGFPE", 15) => ("FPE_CONDTRAP", "trap on a condition"),
        ("SIGSEGV", 1) => ("SEGV_MAPERR", "address not mapped"),
        ("SIGSEGV", 2) => ("SEGV_ACCERR", "address mapped, but not for such access"),
        ("SIGSEGV", 3) => ("SEGV_BNDERR", "address out of bounds"),
        ("SIGSEGV", 4) => ("SEGV_PKUERR", "address protected by a memory key"),
        ("SIGSEGV", 8) => ("SEGV_MTEAERR", "memory tag does not match, noticed later"),
        ("SIGSEGV", 9) => ("SEGV_MTESERR", "memory tag does not match"),
        ("SIGSEGV", 10) => ("SEGV_CPERR", "jump or return to where it may not go"),
        ("SIGSEGV", 128) => ("SI_KERNEL", "address that cannot exist, or forbidden instruction"),
        ("SIGBUS", 1) => ("BUS_ADRALN", "address not aligned"),
        ("SIGBUS", 2) => ("BUS_ADRERR", "no memory behind the address, as beyond the end of a mapped file"),
        ("SIGBUS", 3) => ("BUS_OBJERR", "hardware error"),
        ("SIGBUS", 4) => ("BUS_MCEERR_AR", "broken memory was used"),
        ("SIGBUS", 5) => ("BUS_MCEERR_AO", "broken memory was found"),
        ("SIGTRAP", 1) => ("TRAP_BRKPT", "breakpoint"),
        ("SIGTRAP", 2) => ("TRAP_TRACE", "single step"),
        ("SIGTRAP", 3) => ("TRAP_BRANCH", "branch trap"),
        ("SIGTRAP", 4) => ("TRAP_HWBKPT", "hardware breakpoint"),
        ("SIGTRAP", 5) => ("TRAP_UNK", "trap"),
        ("SIGTRAP", 6) => ("TRAP_PERF", "perf event"),
        // What the breakpoint instruction of x86 gives.
        ("SIGTRAP", 128) => ("SI_KERNEL", "breakpoint"),
        ("SIGSYS", 1) => ("SYS_SECCOMP", "system call forbidden by seccomp"),
        ("SIGSYS", 2) => ("SYS_USER_DISPATCH", "system call caught by the program itself"),
        (_, 128) => ("SI_KERNEL", "the kernel does not say more"),
        _ => return None,
    })
}

/// A fault in words.
pub(super) fn words(signal: i32, code: Option<i32>) -> String {
    match (code, code.and_then(|code| meaning(signal, code))) {
        (_, Some((name, meaning))) => format!("fault ({name}: {meaning})"),
        (Some(code), None) => format!("fault (code {code})"),
        (None, None) => "fault".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_the_names_of_sigaction_2() {
        let rows = [
            (11, 1, "fault (SEGV_MAPERR: address not mapped)"),
            (7, 2, "fault (BUS_ADRERR: no memory behind the address, as beyond the end of a mapped file)"),
            (4, 1, "fault (ILL_ILLOPC: illegal instruction)"),
            (8, 1, "fault (FPE_INTDIV: integer division by zero)"),
            (5, 1, "fault (TRAP_BRKPT: breakpoint)"),
            (5, 128, "fault (SI_KERNEL: breakpoint)"),
            (11, 128, "fault (SI_KERNEL: address that cannot exist, or forbidden instruction)"),
            (7, 128, "fault (SI_KERNEL: the kernel does not say more)"),
            (11, 77, "fault (code 77)"),
            (9, i32::MIN, "fault (code -2147483648)"),
        ];
        for (signal, code, expected) in rows {
            assert_eq!(words(signal, Some(code)), expected);
        }
        assert_eq!(words(11, None), "fault");
    }
}
