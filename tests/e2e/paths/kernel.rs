//! Signals that the kernel sends on its own, because of what the victim did.

use std::fs;

use killsnoop_tests::{kernel_is_before, provoke::End};
use tempfile::TempDir;

use super::{no_death, one_death};

/// A death for which no call was made, and no process is told as its sender.
fn by_kernel(scene: &[&str], signal: &str, cause: &str) {
    let told = one_death(scene, &format!("{signal} {cause} by kernel:{cause}"));
    assert_eq!(told.calls("victim"), [""; 0], "{scene:?}");
    let action = if scene[1].ends_with("_ignored") { "ignored" } else { "default" };
    // The kernel resets what is ignored before or after it says so.
    let posted =
        ["default", action].map(|action| format!("{signal} {cause} by kernel:{cause}: delivered, {action}"));
    let signals = told.signals("victim");
    // Linux before 5.16 ends a process for its filter without posting anything, but for a trap.
    if scene[0] == "seccomp" && scene[1] != "trap" && kernel_is_before((5, 16)) {
        assert_eq!(signals, [""; 0], "{scene:?}");
        return;
    }
    assert!(signals.len() == 1 && posted.contains(&signals[0]), "{scene:?}: {signals:?}");
}

#[test]
fn who_reads_where_there_is_no_memory_died_of_a_fault() {
    by_kernel(&["fault", "unmapped"], "SIGSEGV", "fault");
    by_kernel(&["fault", "beyond_file"], "SIGBUS", "fault");
}

#[test]
fn a_fault_kills_whoever_ignores_it() {
    by_kernel(&["fault", "unmapped_ignored"], "SIGSEGV", "fault");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn who_runs_what_the_processor_refuses_died_of_a_fault() {
    by_kernel(&["fault", "illegal"], "SIGILL", "fault");
    by_kernel(&["fault", "division"], "SIGFPE", "fault");
    by_kernel(&["fault", "breakpoint"], "SIGTRAP", "fault");
    // The kernel has no address to tell of, and says of this one no more than that it is its own.
    by_kernel(&["fault", "not_canonical"], "SIGSEGV", "fault");
}

#[test]
fn who_writes_where_nobody_reads_died_of_the_pipe() {
    by_kernel(&["pipe", "pipe"], "SIGPIPE", "pipe");
    by_kernel(&["pipe", "socket"], "SIGPIPE", "pipe");
}

#[test]
fn who_goes_over_a_limit_died_of_the_limit() {
    by_kernel(&["rlimit", "cpu"], "SIGXCPU", "rlimit");
    by_kernel(&["rlimit", "cpu_hard"], "SIGKILL", "rlimit");
    by_kernel(&["rlimit", "fsize"], "SIGXFSZ", "rlimit");
}

#[test]
fn who_makes_a_call_that_a_filter_forbids_died_of_the_filter() {
    by_kernel(&["seccomp", "process"], "SIGSYS", "seccomp");
    by_kernel(&["seccomp", "trap"], "SIGSYS", "seccomp");
    by_kernel(&["seccomp", "thread"], "SIGSYS", "seccomp");
}

#[test]
fn one_of_two_threads_that_a_filter_ends_is_no_death() {
    let told = no_death(&["seccomp", "one_of_two"]);
    assert_eq!(told.played.the("victim").end, Some(End::Exit(0)));
}

#[test]
fn who_calls_abort_died_by_itself_and_whether_it_left_a_core_is_told() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let told = one_death(&["abort", "none", path], "SIGABRT abort by itself");
    assert_eq!(told.calls("victim"), ["tgkill SIGABRT victim ok"]);
    // That what is told agrees with waitpid(2) holds anywhere; that there is a core, where the kernel writes a file.
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let dumps = !pattern.starts_with('|') && !pattern.trim().is_empty();
    let core = if dumps { " with core" } else { "" };
    one_death(&["abort", "core", path], &format!("SIGABRT abort by itself{core}"));
}
