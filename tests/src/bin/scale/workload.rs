//! What makes the series of a busy page, and the records of deaths: processes that signal and die.

use std::{
    env,
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

use killsnoop_tests::process::Process;
use nix::{libc, sys::signal::Signal, unistd::Pid};

/// As deaths are told of best: a name that says something.
const VICTIMS: &str = "web-worker";
const CALLS: [&str; 6] =
    ["kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"];
/// Of the user whose calls fail with EPERM.
const NOBODY: &str = "uid:65534";

/// Makes every call with every signal, that it succeeds, that there is no such process and that it is forbidden; and has a
/// process die of each signal that ends one.
pub(crate) fn stir() {
    let calls_to = |target: &'static str| {
        let calls = CALLS.iter().flat_map(move |call| (0..=65).map(move |signal| (call, signal)));
        // What cannot be ignored would end or stop the sender.
        let calls = calls.filter(move |(_, signal)| target != "self" || !matches!(signal, 9 | 19 | 32 | 33));
        calls.map(move |(call, signal)| format!("{call}:{target}:{signal}"))
    };
    let forbidden = [NOBODY.to_owned()].into_iter().chain(calls_to("1"));
    obey("sender", &calls_to("self").chain(calls_to("gone")).chain(forbidden).collect::<Vec<_>>());
    let ignored = [Signal::SIGCHLD, Signal::SIGCONT, Signal::SIGURG, Signal::SIGWINCH];
    let stops = [Signal::SIGSTOP, Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];
    let ends = |signal: &i32| ![ignored, stops].concat().iter().any(|other| *other as i32 == *signal);
    for signal in (1..=64).filter(ends) {
        die_of(signal);
    }
}

/// Has so many processes killed with SIGKILL.
pub(crate) fn kill(n: usize) {
    obey("victims", &["killed".to_owned(), n.to_string(), VICTIMS.to_owned()]);
}

/// Runs a program that lies beside this one, and that waits for its cue.
fn obey(program: &str, args: &[String]) {
    let own = env::current_exe().expect("the kernel tells what runs");
    let mut process = Process::start(Command::new(own.with_file_name(program)).args(args));
    process.stdout.find(|line| line.strip_prefix("ready ").map(drop));
    process.write("\n");
    let status = process.wait();
    assert!(status.success(), "{program}: {status}\n{}", process.stderr);
}

fn die_of(signal: i32) {
    let mut victim = sleeping();
    let pid = Pid::from_raw(victim.id().cast_signed());
    // SAFETY: takes numbers. nix knows no real-time signals.
    _ = unsafe { libc::kill(pid.as_raw(), signal) };
    victim.wait().expect("a child can be waited for");
}

/// A process that takes each signal as the kernel has it by default, whatever whoever started this one ignores.
fn sleeping() -> Child {
    let by_default = || {
        for signal in 1..=31 {
            // SAFETY: takes a number and no handler. SIGKILL and SIGSTOP are refused, and have no other way.
            _ = unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    let mut command = Command::new("sleep");
    command.arg("20").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: between fork and exec this makes system calls of one kind, and nothing else.
    unsafe { command.pre_exec(by_default) };
    command.spawn().expect("coreutils are there")
}
