//! Processes that a seccomp filter of their own ends.

use std::{io, os::unix::thread::JoinHandleExt as _, ptr, thread};

use nix::{
    libc::{self, c_int},
    sys::prctl,
    unistd::getppid,
};

use crate::troupe::{Troupe, curtain};

/// The victim makes the call that its filter forbids: `process`, `thread` and `trap` are what the filter then does;
/// `one_of_two` is `thread`, where another thread lives on.
pub(crate) fn seccomp(troupe: &mut Troupe, action: &str) {
    let victim = troupe.cast("victim", |part| {
        part.wait();
        match action {
            "process" => make_the_forbidden_call(libc::SECCOMP_RET_KILL_PROCESS),
            "thread" => make_the_forbidden_call(libc::SECCOMP_RET_KILL_THREAD),
            "trap" => make_the_forbidden_call(libc::SECCOMP_RET_TRAP),
            "one_of_two" => {
                let thread = thread::spawn(|| make_the_forbidden_call(libc::SECCOMP_RET_KILL_THREAD));
                // The standard library would miss what the thread returns; the system only waits for its end.
                // SAFETY: the thread has not been joined, and nothing is to be written.
                assert_eq!(unsafe { libc::pthread_join(thread.into_pthread_t(), ptr::null_mut()) }, 0);
            }
            _ => panic!("there is no action {action}"),
        }
    });
    curtain();
    victim.cue();
}

fn make_the_forbidden_call(action: u32) {
    forbid(libc::SYS_getppid, action);
    panic!("the forbidden call returned {}", getppid());
}

/// From here on, the filter does this to the thread when it makes the call.
fn forbid(call: libc::c_long, action: u32) {
    let statement = |code: u32, jf: u8, k: u32| libc::sock_filter {
        code: u16::try_from(code).expect("codes are small"),
        jt: 0,
        jf,
        k,
    };
    let call = u32::try_from(call).expect("numbers of calls are small");
    let mut filter = [
        // The call's number is the first of what a filter sees.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, call),
        statement(libc::BPF_RET | libc::BPF_K, 0, action),
        statement(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: 4, filter: filter.as_mut_ptr() };
    prctl::set_no_new_privs().expect("nothing forbids it");
    // SAFETY: the program and its filter are there while the call reads them.
    let result: c_int =
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program, 0, 0) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
}
