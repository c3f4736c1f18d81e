//! Makes processes that die, many of them, and prints who they were.
//!
//! ```text
//! victims killed N NAME            N children, all of this name, each killed with SIGKILL by this process
//! victims brief N EXE EXE [again]  N children that run one of the two files in turn and kill themselves at once; with
//!                                  `again` each gets the number of the one before, as far as nobody else takes it
//! EXE die                          what such a child does
//! ```
//! It says `ready PID`, waits for a line on its standard input, and then prints `victim PID` for each that died of SIGKILL,
//! with the file that it ran if there is a choice.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "the tests read what it prints, and what fails fails a test"
)]

use std::{
    env, fs,
    io::{self, BufRead as _},
    process,
};

use nix::{
    libc,
    sys::{
        signal::{Signal, kill},
        wait::{WaitStatus, waitpid},
    },
    unistd::{ForkResult, Pid, execv, fork, getpid, pause},
};

/// Children that live at a time.
const BATCH: usize = 500;

fn main() {
    let args: Vec<_> = env::args().collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    if args[1..] == ["die"] {
        kill(getpid(), Signal::SIGKILL).expect("a process may kill itself");
    }
    println!("ready {}", process::id());
    io::stdin().lock().read_line(&mut String::new()).expect("somebody gives the cue");
    match args[1..] {
        ["killed", n, name] => killed(n.parse().expect("a number"), name),
        ["brief", n, one, other] => brief(n.parse().expect("a number"), [one, other], false),
        ["brief", n, one, other, "again"] => brief(n.parse().expect("a number"), [one, other], true),
        _ => process::exit(2),
    }
}

fn killed(n: usize, name: &str) {
    let name = std::ffi::CString::new(name).expect("a name without a NUL");
    // SAFETY: the name ends in NUL and outlives the call.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    for start in (0..n).step_by(BATCH) {
        let children: Vec<_> = (start..n.min(start + BATCH))
            .map(|_| {
                child(|| {
                    loop {
                        pause();
                    }
                })
            })
            .collect();
        for child in &children {
            kill(*child, Signal::SIGKILL).expect("a child can be killed");
        }
        for child in children {
            println!("victim {}", ended(child));
        }
    }
}

fn brief(n: usize, exes: [&str; 2], again: bool) {
    let mut last: Option<i32> = None;
    for exe in exes.iter().cycle().take(n) {
        if let Some(last) = last.filter(|_| again) {
            // The next process gets the number after this one, see pid_namespaces(7). Somebody else may be quicker.
            _ = fs::write("/proc/sys/kernel/ns_last_pid", (last - 1).to_string());
        }
        let path = std::ffi::CString::new(*exe).expect("a path without a NUL");
        let child = child(|| {
            _ = execv(&path, &[path.as_c_str(), c"die"]);
            process::exit(127)
        });
        last = Some(child.as_raw());
        println!("victim {} {exe}", ended(child));
    }
}

fn child(run: impl FnOnce()) -> Pid {
    // SAFETY: this process has one thread.
    match unsafe { fork() }.expect("a process can be made") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            run();
            process::exit(0)
        }
    }
}

fn ended(child: Pid) -> Pid {
    let status = waitpid(child, None).expect("a child can be waited for");
    assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGKILL, _)), "{status:?}");
    child
}
