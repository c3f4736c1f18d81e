//! Signals that a process sends by one of the calls.

use killsnoop_tests::verdicts;
#[cfg(target_arch = "x86_64")]
use killsnoop_tests::{provoke::Play, verdicts::Tracer};
use serde_json::json;

use super::{no_death, one_death};

/// A real-time signal that no other test counts.
const REAL_TIME: &str = "60";

#[test]
fn who_is_killed_by_kill_9_was_killed_by_its_caller() {
    let told = one_death(&["call", "kill", "9"], "SIGKILL kill by sender");
    assert_eq!(told.calls("sender"), ["kill SIGKILL victim ok"]);
    assert_eq!(told.signals("victim"), [""; 0], "the call has told of it");
    let death = told.death_of(told.played.the("victim"));
    assert_eq!(death["fatal"]["action"], "default");
    assert_eq!(death["fatal"]["to_process"], true);
    assert_eq!(death["sender"]["uid"], 0);
}

#[test]
fn each_call_is_told_under_its_own_name_and_is_the_cause_of_the_death() {
    let rows = [
        ("kill", "kill"),
        ("tkill", "tkill"),
        ("tgkill", "tgkill"),
        ("rt_sigqueueinfo", "sigqueue"),
        ("rt_tgsigqueueinfo", "sigqueue"),
    ];
    for (call, cause) in rows {
        let told = one_death(&["call", call, "15"], &format!("SIGTERM {cause} by sender"));
        assert_eq!(told.calls("sender"), [format!("{call} SIGTERM victim ok")]);
    }
}

#[test]
fn a_queued_signal_is_told_with_its_caller_and_its_forged_sender_as_a_claim() {
    for call in ["rt_sigqueueinfo", "rt_tgsigqueueinfo"] {
        let told = one_death(&["call", call, "15"], "SIGTERM sigqueue by sender");
        let fatal = &told.death_of(told.played.the("victim"))["fatal"];
        assert_eq!([&fatal["claimed_pid"], &fatal["code"]], [&json!(1), &json!(-1)], "{fatal:#}");
    }
}

#[test]
fn a_call_with_a_file_descriptor_is_told_with_the_process_behind_it() {
    let told = one_death(&["call", "pidfd_send_signal", "15"], "SIGTERM pidfd by sender");
    assert_eq!(told.calls("sender"), ["pidfd_send_signal SIGTERM pidfd ok"]);
    let call = told.events("kill_call").next().unwrap();
    assert_eq!(call["target_pid"], told.played.the("victim").pid);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_death_by_a_call_of_a_32_bit_program_is_told_as_any_other_whether_or_not_the_hook_sees_the_call() {
    for (hook, calls) in [("raw", &["kill SIGTERM victim ok"][..]), ("tracepoint", &[])] {
        let told = Tracer::start(&["--hook", hook]).watch(Play::new(&["call", "kill32", "15"]));
        assert_eq!(
            (told.deaths("victim"), told.n_deaths()),
            (vec!["SIGTERM kill by sender".into()], 1),
            "{hook}"
        );
        assert_eq!(told.calls("sender"), calls, "{hook}");
        assert!(told.events("kill_call").all(|call| call["abi"] == "compat"), "{told}");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_call_of_an_x32_program_kills_where_the_kernel_has_such_calls_and_is_told_then() {
    let told = verdicts::of(&["call", "killx32", "15"]);
    let enosys = -38;
    if told.played.returned() == [enosys] {
        assert_eq!((told.n_deaths(), told.calls("sender")), (0, vec![]), "{told}");
    } else {
        assert_eq!(told.deaths("victim"), ["SIGTERM kill by sender"], "{told}");
        assert_eq!(told.calls("sender"), ["kill SIGTERM victim ok"], "{told}");
    }
}

#[test]
fn calls_that_fail_are_told_with_their_error_and_nobody_dies_of_them() {
    let told = no_death(&["fails"]);
    assert_eq!(told.played.returned(), [-3, -22, -22, -1]);
    let calls = ["kill SIGKILL 4194304 ESRCH", "kill 99 victim EINVAL", "kill -7 victim EINVAL"];
    let mut told_calls = told.calls("sender");
    // Calls that send SIGKILL have a way of their own, and may come earlier or later.
    told_calls.sort_by_key(|call| !call.contains("SIGKILL"));
    assert_eq!(told_calls, calls);
    assert_eq!(told.calls("nobody"), ["kill SIGTERM victim EPERM"]);
    assert_eq!(told.signals("victim"), [""; 0]);
}

#[test]
fn a_signal_that_is_ignored_or_pending_or_sent_to_a_zombie_is_a_call_and_no_death() {
    assert_eq!(no_death(&["ignored", "15"]).calls("sender"), ["kill SIGTERM victim ok"]);
    assert_eq!(no_death(&["pending", "15"]).calls("sender"), ["kill SIGTERM victim ok"; 2]);
    assert_eq!(no_death(&["zombie", "15"]).calls("sender"), ["kill SIGTERM victim ok"]);
}

#[test]
fn one_call_for_a_group_is_one_call_and_as_many_deaths_as_there_are_members() {
    let told = verdicts::of(&["own_group"]);
    assert_eq!(
        (told.deaths("victim"), told.n_deaths()),
        (vec!["SIGTERM kill by sender".into(); 2], 2),
        "{told}"
    );
    assert_eq!(told.calls("sender"), ["kill SIGTERM 0 ok"]);

    let told = verdicts::of(&["group"]);
    assert_eq!(
        (told.deaths("victim"), told.n_deaths()),
        (vec!["SIGTERM kill by sender".into(); 2], 2),
        "{told}"
    );
    assert_eq!(told.calls("sender"), [format!("kill SIGTERM -{} ok", told.played.the("victim").pid)]);
}

#[test]
fn a_call_for_everybody_is_one_call_and_the_death_of_all_in_its_pid_namespace() {
    let told = verdicts::of(&["everybody"]);
    assert_eq!(
        (told.deaths("victim"), told.n_deaths()),
        (vec!["SIGTERM kill by sender".into(); 2], 2),
        "{told}"
    );
    assert_eq!(told.calls("sender"), ["kill SIGTERM -1 ok"]);
}

#[test]
fn a_real_time_signal_kills_as_any_other() {
    let told = one_death(&["call", "kill", REAL_TIME], "SIGRTMIN+26 kill by sender");
    assert_eq!(told.calls("sender"), ["kill SIGRTMIN+26 victim ok"]);
}

#[test]
fn inside_a_pid_namespace_both_numbers_of_a_process_are_told() {
    let told = one_death(&["nested"], "SIGTERM kill by sender");
    let (victim, sender) = (told.played.the("victim"), told.played.the("sender"));
    assert_ne!(victim.pid, victim.ns_pid, "the scene shows nothing");
    assert_eq!(told.calls("sender"), ["kill SIGTERM victim ok"]);
    let call = told.events("kill_call").find(|call| sender.is(&call["sender"])).unwrap();
    assert_eq!([&call["target"], &call["target_pid"]], [&json!(victim.ns_pid), &json!(victim.pid)]);
}

#[test]
fn stopping_and_going_on_is_told_as_calls_and_is_no_death() {
    let told = no_death(&["jobs"]);
    let signals = ["SIGSTOP", "SIGCONT", "SIGTSTP", "SIGCONT"];
    assert_eq!(told.calls("sender"), signals.map(|signal| format!("kill {signal} victim ok")), "{told}");
}
