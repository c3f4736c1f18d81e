//! `check` says what works here, what does not, and what to do.

use std::process::Command;

use killsnoop_tests::{
    binary,
    exporter::{command, unprivileged},
    process::Process,
    terminal::watched,
};

#[test]
fn check_names_what_works_and_succeeds() {
    let mut check = Process::start(command().arg("check"));
    let status = check.wait();
    assert!(status.success(), "{}\n{}", check.stdout, check.stderr);
    let lines = check.stdout.all();
    for expected in [
        "kernel",
        "privilege",
        "hook tracepoint",
        "hook raw",
        "deaths",
        "executables",
        "no_new_privs",
        "landlock",
        "capabilities",
        "seccomp",
        "verdict",
    ] {
        assert!(
            lines.iter().any(|line| line.starts_with("ok") && line.contains(expected)),
            "{expected}: {lines:#?}"
        );
    }
}

#[test]
fn check_shows_on_a_terminal_what_it_tries_and_leaves_nothing_of_it() {
    let (status, shown) = watched(command().args(["check", "--hook", "raw"]));
    assert!(status.success(), "{shown:?}");
    assert!(shown.contains("\r\u{1b}[Ktrying hook raw (1 of 1)"), "{shown:?}");
    // What was written last emptied the line.
    assert!(shown.ends_with("\r\u{1b}[K"), "{shown:?}");
    // And where nobody looks there is nothing.
    let mut check = Process::start(command().args(["check", "--hook", "raw"]));
    assert!(check.wait().success());
    assert_eq!(check.stderr.all(), [""; 0]);
}

#[test]
fn check_without_a_hook_of_calls_still_sees_a_process_die() {
    let mut check = Process::start(command().args(["check", "--hook", "none"]));
    let status = check.wait();
    assert!(status.success(), "{}\n{}", check.stdout, check.stderr);
    let lines = check.stdout.all();
    for expected in ["ok    hook none        calls are not counted", "ok    deaths"] {
        assert!(lines.iter().any(|line| line.starts_with(expected)), "{expected}: {lines:#?}");
    }
}

#[test]
fn without_privilege_check_fails_with_one_line_that_tells_the_way_out() {
    let mut check = Process::start(&mut unprivileged(&["check"]));
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

/// The binary in a mount namespace of its own, where something is hidden from it.
fn hidden(hide: &str, args: &str) -> Process {
    // Private from /sys on, so that the machine keeps what is hidden here.
    let script = format!("mount --make-rprivate /sys && {hide} && exec \"$0\" {args}");
    Process::start(
        Command::new("unshare")
            .args(["--mount", "--propagation", "unchanged", "sh", "-c", &script])
            .arg(binary()),
    )
}

/// Tracefs can be reached by two ways; the second is not there on every machine.
const NO_TRACEFS: &str = "umount /sys/kernel/tracing && { umount /sys/kernel/debug 2>/dev/null || true; }";

#[test]
fn without_tracefs_the_other_hook_is_found_and_the_first_names_its_remedy() {
    let mut check = hidden(NO_TRACEFS, "check");
    assert!(check.wait().success(), "{}", check.stdout);
    let lines = check.stdout.all();
    let line = |start: &str| {
        lines.iter().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{lines:#?}"))
    };
    assert!(line("FAIL  hook tracepoint").contains("mount -t tracefs tracefs /sys/kernel/tracing"));
    assert!(line("ok    hook raw").contains("this one will be used"));
}

#[test]
fn without_type_information_one_line_says_what_the_kernel_lacks() {
    let mut check = hidden("mount -t tmpfs none /sys/kernel/btf", "check");
    assert_eq!(check.wait().code(), Some(1));
    let failures: Vec<_> = check.stdout.all().into_iter().filter(|line| line.starts_with("FAIL")).collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].contains("CONFIG_DEBUG_INFO_BTF"), "{failures:?}");
}

#[test]
fn what_a_locked_down_kernel_costs_is_noted() {
    let level = "echo 'none integrity [confidentiality]' > /sys/kernel/security/lockdown";
    let mut check =
        hidden(&format!("mount -t tmpfs none /sys/kernel/security && {level}"), "check --hook raw");
    assert!(check.wait().success(), "{}", check.stdout);
    let line = check.stdout.find(|line| line.starts_with("note  lockdown").then(|| line.to_owned()));
    assert!(line.contains("confidentiality: ") && line.contains("lockdown=integrity"), "{line}");
}

#[test]
fn a_hook_that_cannot_be_had_ends_the_start_with_one_line_and_its_remedy() {
    let mut exporter = hidden(NO_TRACEFS, "trace --hook tracepoint");
    assert_eq!(exporter.wait().code(), Some(1));
    let lines = exporter.stderr.all();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].starts_with("error: ") && lines[0].contains("or use --hook raw"), "{lines:#?}");
}
