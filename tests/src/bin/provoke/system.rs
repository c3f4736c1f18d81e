//! What the players ask of the system, for any signal number and any name.

use std::{
    ffi::{CString, OsStr},
    fmt, io,
    os::unix::ffi::OsStrExt as _,
    path::Path,
    ptr,
};

use nix::{
    libc::{self, c_int},
    sys::prctl,
    unistd::{Pid, Uid, execv, setresuid},
};

/// How a process ended, as waitpid(2) has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It exited with this status.
    Exit(c_int),
    /// It died of this signal, with or without a core dump.
    Signal(c_int, bool),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "exit {status}"),
            Self::Signal(signal, core) => write!(f, "signal {signal} core {}", u8::from(*core)),
        }
    }
}

/// Ends this process, all its threads, and nothing else: what is buffered and whoever waits to be dropped belong to the
/// process that it was forked from.
pub(crate) fn exit(status: c_int) -> ! {
    // SAFETY: takes a number, and does not return.
    unsafe { libc::_exit(status) }
}

/// Waits for the end of a child, or of any with -1; `None` if there is none.
pub(crate) fn wait(pid: c_int) -> Option<(Pid, End)> {
    let mut status = 0;
    loop {
        // SAFETY: the status is there to be written.
        match unsafe { libc::waitpid(pid, &raw mut status, 0) } {
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            -1 => return None,
            pid => {
                let end = if libc::WIFSIGNALED(status) {
                    End::Signal(libc::WTERMSIG(status), libc::WCOREDUMP(status))
                } else {
                    End::Exit(libc::WEXITSTATUS(status))
                };
                return Some((Pid::from_raw(pid), end));
            }
        }
    }
}

/// Undoes what this process or those before it have set up for signals: nothing is handled, ignored or blocked.
pub(crate) fn reset_signals() {
    for signal in 1..=64 {
        dispose(signal, libc::SIG_DFL);
    }
    mask(libc::SIG_SETMASK, &[]);
}

/// Ignores a signal.
pub(crate) fn ignore(signal: c_int) {
    dispose(signal, libc::SIG_IGN);
}

/// Calls a function when the signal comes. It may do what signal-safety(7) lets it do.
pub(crate) fn handle(signal: c_int, handler: extern "C" fn(c_int)) {
    dispose(signal, handler as *const () as libc::sighandler_t);
}

/// Blocks a signal.
pub(crate) fn block(signal: c_int) {
    mask(libc::SIG_BLOCK, &[signal]);
}

/// Does with a signal what is done by default.
pub(crate) fn default(signal: c_int) {
    dispose(signal, libc::SIG_DFL);
}

fn dispose(signal: c_int, how: libc::sighandler_t) {
    // SAFETY: the handlers of this program only make system calls. What cannot be changed stays.
    unsafe { libc::signal(signal, how) };
}

fn mask(how: c_int, signals: &[c_int]) {
    // SAFETY: all zeros is a set of signals, and the calls read and write it alone.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        libc::sigprocmask(how, &raw const set, ptr::null_mut());
    }
}

/// Sets the soft limit of a resource, and the hard one too if there is one to set.
pub(crate) fn limit(resource: libc::__rlimit_resource_t, soft: u64, hard: Option<u64>) {
    let mut limits = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limits are there to be written and read.
    unsafe {
        libc::getrlimit(resource, &raw mut limits);
        limits.rlim_max = hard.unwrap_or(limits.rlim_max);
        limits.rlim_cur = soft.min(limits.rlim_max);
        assert_eq!(libc::setrlimit(resource, &raw const limits), 0, "{}", io::Error::last_os_error());
    }
}

/// Gives this thread a name of any bytes.
pub(crate) fn rename(name: &[u8]) {
    prctl::set_name(&c_string(OsStr::from_bytes(name))).expect("any bytes are a name");
}

/// Becomes the user nobody, who may signal no process of root's.
pub(crate) fn become_nobody() {
    let nobody = Uid::from_raw(65534);
    setresuid(nobody, nobody, nobody).expect("root may become anybody");
}

/// Runs another program in this process.
pub(crate) fn exec(path: &Path, args: &[&str]) -> ! {
    let path = c_string(path.as_os_str());
    let args = args.iter().map(|arg| c_string(OsStr::new(arg)));
    let args: Vec<_> = std::iter::once(path.clone()).chain(args).collect();
    let Err(error) = execv(&path, &args);
    panic!("cannot run {}: {error}", path.to_string_lossy());
}

/// Keeps a processor busy until a signal ends it.
pub(crate) fn burn() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

fn c_string(text: &OsStr) -> CString {
    CString::new(text.as_bytes()).expect("there is no NUL in it")
}
