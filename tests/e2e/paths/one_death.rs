//! One death is told once, whoever else sent something, and however many threads there were.

use super::{no_death, one_death};

#[test]
fn the_death_of_a_process_with_three_threads_is_one_death() {
    let told = one_death(&["threads"], "SIGKILL kill by sender");
    assert_eq!(told.calls("sender"), ["kill SIGKILL victim ok"]);
}

#[test]
fn a_signal_for_one_thread_that_ends_its_process_is_told_as_such() {
    let told = one_death(&["one_thread"], "SIGTERM tgkill by sender");
    assert_eq!(told.calls("sender"), ["tgkill SIGTERM victim ok"]);
    let call = told.events("kill_call").next().unwrap();
    assert_eq!(call["target_tid"].to_string(), told.played.said("thread"));
    assert_eq!(told.death_of(told.played.the("victim"))["fatal"]["to_process"], false);
}

#[test]
fn threads_that_end_because_one_of_them_runs_a_program_or_exits_are_no_deaths() {
    for scene in [&["exec", "first"][..], &["exec", "other"], &["exit_group"]] {
        let told = no_death(scene);
        assert_eq!(told.signals("victim"), [""; 0]);
    }
}

#[test]
fn who_killed_after_another_has_signalled_is_the_killer_and_the_other_is_told_too() {
    for what in ["handled", "blocked"] {
        let told = one_death(&["after", what], "SIGKILL kill by second after SIGTERM kill by first");
        assert_eq!(told.calls("first"), ["kill SIGTERM victim ok"]);
        assert_eq!(told.calls("second"), ["kill SIGKILL victim ok"]);
        let before = &told.death_of(told.played.the("victim"))["preceded_by"];
        let action = if what == "handled" { "handler" } else { "default" };
        assert_eq!(before["action"], action, "{before:#}");
        assert!(before["seconds_before"].as_f64().is_some_and(|seconds| seconds > 0.0), "{before:#}");
    }
}

#[test]
fn who_handles_a_signal_and_raises_it_again_dies_by_itself_after_its_true_sender() {
    one_death(&["raised_again"], "SIGTERM tgkill by itself after SIGTERM kill by sender");
}
