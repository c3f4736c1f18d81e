//! System calls, by seccomp(2): those that are not named here are answered as a kernel answers that does not have them.
//!
//! That answer, ENOSYS, is what every C library and every crate has another way for, so that one that comes with a newer
//! call goes on. No call is answered by a signal: an exporter that dies at night of a call that nobody thought of tells
//! less than one that goes without. What an attacker wants is refused by either.

use std::{collections::BTreeMap, io};

use nix::libc;
use seccompiler::{
    BpfProgram, Error, SeccompAction,
    SeccompCmpArgLen::Dword,
    SeccompCmpOp::{Eq, MaskedEq},
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

use super::{Finding, State};

/// Calls that may be made with whatever arguments.
#[rustfmt::skip]
const CALLS: &[i64] = &[
    // What is open already. Landlock and what was dropped decide what else can be opened.
    libc::SYS_close, libc::SYS_close_range, libc::SYS_dup, libc::SYS_dup3, libc::SYS_fcntl, libc::SYS_fstat,
    libc::SYS_fstatfs, libc::SYS_getdents64, libc::SYS_lseek, libc::SYS_pread64, libc::SYS_preadv, libc::SYS_read,
    libc::SYS_readv, libc::SYS_write, libc::SYS_writev,
    // What is where.
    libc::SYS_faccessat, libc::SYS_faccessat2, libc::SYS_getcwd, libc::SYS_newfstatat, libc::SYS_readlinkat,
    libc::SYS_statfs, libc::SYS_statx,
    // The control socket goes at the end.
    libc::SYS_unlinkat,
    // Waiting.
    libc::SYS_clock_nanosleep, libc::SYS_epoll_create1, libc::SYS_epoll_ctl, libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2, libc::SYS_eventfd2, libc::SYS_futex, libc::SYS_nanosleep, libc::SYS_pipe2,
    libc::SYS_ppoll, libc::SYS_pselect6, libc::SYS_restart_syscall, libc::SYS_sched_yield,
    // Connections.
    libc::SYS_accept, libc::SYS_accept4, libc::SYS_bind, libc::SYS_connect, libc::SYS_getpeername,
    libc::SYS_getsockname, libc::SYS_getsockopt, libc::SYS_recvfrom, libc::SYS_recvmmsg, libc::SYS_recvmsg,
    libc::SYS_sendmmsg, libc::SYS_sendmsg, libc::SYS_sendto, libc::SYS_setsockopt, libc::SYS_shutdown,
    libc::SYS_socketpair,
    // Memory.
    libc::SYS_brk, libc::SYS_madvise, libc::SYS_mincore, libc::SYS_mremap, libc::SYS_munmap,
    // Threads, their signals, and their end.
    libc::SYS_exit, libc::SYS_exit_group, libc::SYS_membarrier, libc::SYS_rseq, libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn, libc::SYS_sched_getaffinity, libc::SYS_set_robust_list,
    libc::SYS_set_tid_address, libc::SYS_sigaltstack,
    // Time, chance, and who we are.
    libc::SYS_capget, libc::SYS_clock_getres, libc::SYS_clock_gettime, libc::SYS_getcpu, libc::SYS_getegid,
    libc::SYS_geteuid, libc::SYS_getgid, libc::SYS_getpid, libc::SYS_getppid, libc::SYS_getrandom,
    libc::SYS_getresgid, libc::SYS_getresuid, libc::SYS_getrusage, libc::SYS_gettid, libc::SYS_gettimeofday,
    libc::SYS_getuid, libc::SYS_sysinfo, libc::SYS_times, libc::SYS_uname,
];

/// The same in older forms, which newer architectures do not have.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const OLDER: &[i64] = &[
    libc::SYS_access, libc::SYS_dup2, libc::SYS_epoll_create, libc::SYS_epoll_wait, libc::SYS_getrlimit,
    libc::SYS_lstat, libc::SYS_pipe, libc::SYS_poll, libc::SYS_readlink, libc::SYS_select, libc::SYS_stat,
    libc::SYS_time, libc::SYS_unlink,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[i64] = &[libc::SYS_getrlimit];

/// An argument that must have this value in these of its lower 32 bits.
type Argument = (u8, u32, u32);

/// Calls that may be made with some arguments: any of the rows of a call will do, and of a row all must fit.
fn with_arguments() -> Vec<(i64, Argument)> {
    let mut rows = vec![
        // Maps are read: by an iterator, or key by key. None is written or made, and no program is loaded.
        (libc::SYS_bpf, exactly(0, BPF_MAP_LOOKUP_ELEM)),
        (libc::SYS_bpf, exactly(0, BPF_ITER_CREATE)),
        // Nothing is opened to be written or made.
        (libc::SYS_openat, (2, OPENS_TO_WRITE, 0)),
        // A thread and no process; clone3, of which a filter cannot see the arguments, is answered by ENOSYS.
        (libc::SYS_clone, (0, bits(libc::CLONE_THREAD), bits(libc::CLONE_THREAD))),
        // Modules of name services are mapped to be run; what can be run can never be written.
        (libc::SYS_mmap, (2, bits(libc::PROT_WRITE), 0)),
        (libc::SYS_mmap, (2, bits(libc::PROT_EXEC), 0)),
        (libc::SYS_mprotect, (2, bits(libc::PROT_EXEC), 0)),
        // abort(3) sends a signal to its own process, and nothing here to another.
        (libc::SYS_tgkill, exactly(0, std::process::id())),
        // Limits of its own are read: the third argument would be new ones, and no low half of a pointer is 0.
        (libc::SYS_prlimit64, exactly(2, 0)),
        (libc::SYS_prctl, exactly(0, bits(libc::PR_SET_NAME))),
        (libc::SYS_prctl, exactly(0, bits(libc::PR_SET_VMA))),
    ];
    #[cfg(target_arch = "x86_64")]
    rows.push((libc::SYS_open, (1, OPENS_TO_WRITE, 0)));
    rows.extend(FAMILIES.map(|family| (libc::SYS_socket, exactly(0, bits(family)))));
    rows.extend(DEVICE_CALLS.map(|request| (libc::SYS_ioctl, exactly(1, request))));
    rows
}

/// `enum bpf_cmd` of include/uapi/linux/bpf.h.
const BPF_MAP_LOOKUP_ELEM: u32 = 1;
const BPF_ITER_CREATE: u32 = 33;

const OPENS_TO_WRITE: u32 = bits(libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND);

/// The service manager and name services have sockets, and of netlink the C library asks for this machine's addresses.
const FAMILIES: [i32; 4] = [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, libc::AF_NETLINK];

/// Requests of ioctl(2): whether a file is a terminal and how wide, non-blocking sockets, and switching an event of
/// perf off (`PERF_EVENT_IOC_DISABLE`). None that types for somebody else.
#[expect(clippy::cast_possible_truncation, reason = "the kernel takes 32 bits")]
const DEVICE_CALLS: [u32; 6] = [
    libc::TCGETS as u32,
    libc::TIOCGWINSZ as u32,
    libc::FIONBIO as u32,
    libc::FIONREAD as u32,
    libc::FIOCLEX as u32,
    0x2401,
];

const NAME: &str = "seccomp";

/// Leaves this thread, and those that it starts, the calls that are named here.
pub(super) fn restrict() -> Finding {
    match program().and_then(|program| apply_filter(&program)) {
        Ok(()) => Finding::new(NAME, State::InForce, "calls that are not needed are answered by ENOSYS"),
        Err(Error::Seccomp(error)) if is_unknown(&error) => Finding::new(
            NAME,
            State::Absent,
            "calls are not restricted: this kernel is built without CONFIG_SECCOMP_FILTER",
        ),
        Err(error) => Finding::new(NAME, State::Failed, format!("calls are not restricted: {error}")),
    }
}

fn program() -> Result<BpfProgram, Error> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (call, (index, mask, value)) in with_arguments() {
        let condition = SeccompCondition::new(index, Dword, operator(mask), value.into())?;
        rules.entry(call).or_default().push(SeccompRule::new(vec![condition])?);
    }
    // No rule is any arguments.
    rules.extend(CALLS.iter().chain(OLDER).map(|call| (*call, Vec::new())));
    let architecture: TargetArch = std::env::consts::ARCH.try_into()?;
    let refused = SeccompAction::Errno(bits(libc::ENOSYS));
    Ok(SeccompFilter::new(rules, refused, SeccompAction::Allow, architecture)?.try_into()?)
}

fn operator(mask: u32) -> seccompiler::SeccompCmpOp {
    if mask == u32::MAX { Eq } else { MaskedEq(mask.into()) }
}

const fn exactly(index: u8, value: u32) -> Argument {
    (index, u32::MAX, value)
}

/// Flags and numbers of C, of which none is negative.
const fn bits(number: i32) -> u32 {
    number.cast_unsigned()
}

fn is_unknown(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS))
}

#[cfg(test)]
mod tests;
