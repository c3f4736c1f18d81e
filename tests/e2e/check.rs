//! `check` says what works here, what does not, and what to do.

use std::os::unix::process::CommandExt as _;

use killsnoop_tests::{exporter::command, process::Process};

#[test]
fn check_names_what_works_and_succeeds() {
    let mut check = Process::start(command().arg("check"));
    let status = check.wait();
    assert!(status.success(), "{}\n{}", check.stdout, check.stderr);
    let lines = check.stdout.all();
    for expected in ["kernel", "privilege", "hook tracepoint", "hook raw", "verdict"] {
        assert!(
            lines.iter().any(|line| line.starts_with("ok") && line.contains(expected)),
            "{expected}: {lines:#?}"
        );
    }
}

#[test]
fn without_privilege_check_fails_with_one_line_that_tells_the_way_out() {
    let mut check = Process::start(command().arg("check").uid(65534).gid(65534));
    assert_eq!(check.wait().code(), Some(1));
    let failures: Vec<_> = check.stdout.all().into_iter().filter(|line| line.starts_with("FAIL")).collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].contains("no CAP_BPF and no CAP_PERFMON: run as root, or grant"), "{failures:?}");
}

#[test]
fn check_tries_the_hook_that_was_asked_for_and_no_other() {
    let mut check = Process::start(command().args(["check", "--hook", "raw"]));
    assert!(check.wait().success());
    assert!(!check.stdout.all().iter().any(|line| line.contains("hook tracepoint")), "{}", check.stdout);
}
