//! Deaths because another process ended, or a file was written.

use killsnoop_tests::verdicts;

use super::one_death;

#[test]
fn who_asked_to_die_with_its_parent_was_killed_by_its_parent() {
    one_death(&["parent", "exits"], "SIGTERM parent_death by parent");

    let told = verdicts::of(&["parent", "killed"]);
    assert_eq!(told.deaths("parent"), ["SIGKILL kill by sender"]);
    assert_eq!(told.deaths("victim"), ["SIGTERM parent_death by parent"]);
    assert_eq!(told.n_deaths(), 2, "{told}");
}

#[test]
fn when_the_first_process_of_a_pid_namespace_ends_it_is_the_killer_of_the_others() {
    let told = verdicts::of(&["init", "exits"]);
    assert_eq!(told.deaths("victim"), ["SIGKILL pidns_exit by init"; 2]);
    assert_eq!(told.n_deaths(), 2, "{told}");

    let told = verdicts::of(&["init", "killed"]);
    assert_eq!(told.deaths("init"), ["SIGKILL kill by outside"]);
    assert_eq!(told.deaths("victim"), ["SIGKILL pidns_exit by init"; 2]);
    assert_eq!(told.n_deaths(), 3, "{told}");
}

#[test]
fn who_writes_to_cgroup_kill_is_the_killer_of_all_in_the_cgroup() {
    let told = verdicts::of(&["cgroup_kill"]);
    assert_eq!(told.played.cannot, None, "every machine that this runs on has cgroups of version 2");
    assert_eq!(told.deaths("victim"), ["SIGKILL cgroup_kill by sender"; 2]);
    assert_eq!(told.n_deaths(), 2, "{told}");
    assert_eq!(told.calls("sender"), [""; 0]);
}
