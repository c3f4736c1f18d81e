//! What a terminal sends.

use killsnoop_tests::verdicts;

use super::{no_death, one_death};

#[test]
fn a_key_that_kills_is_told_as_the_terminal_s() {
    for (key, signal) in [("ctrl_c", "SIGINT"), ("ctrl_backslash", "SIGQUIT")] {
        let told = one_death(&["terminal", key], &format!("{signal} tty by kernel:tty"));
        assert_eq!(told.signals("victim"), [format!("{signal} tty by kernel:tty: delivered, default")]);
    }
}

#[test]
fn a_key_that_stops_is_told_and_is_no_death() {
    let told = no_death(&["terminal", "ctrl_z"]);
    assert_eq!(told.signals("victim"), ["SIGTSTP tty by kernel:tty: delivered, default"]);
}

#[test]
fn when_a_terminal_is_hung_up_its_session_died_of_the_terminal() {
    let told = verdicts::of(&["terminal", "hangup"]);
    assert_eq!(told.deaths("leader"), ["SIGHUP tty by kernel:tty"]);
    assert_eq!(told.deaths("victim"), ["SIGHUP tty by kernel:tty"]);
    assert_eq!(told.n_deaths(), 2, "{told}");
}

#[test]
fn when_the_leader_of_a_session_exits_who_is_in_the_foreground_died_of_the_terminal() {
    one_death(&["terminal", "leader_exits"], "SIGHUP tty by kernel:tty");
}
