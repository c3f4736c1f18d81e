//! Deaths because memory ran out. The machine's own memory is left alone.

use std::fs;

use killsnoop_tests::{
    kernel_is_before,
    verdicts::{self, Told},
};

use super::one_death;

/// Who dies has half of 32 MiB or more. Before Linux 6.2 each thread has up to 64 pages that nobody has counted yet.
fn half() -> u64 {
    if kernel_is_before((6, 2)) { 15 << 20 } else { 16 << 20 }
}

/// What ran out is told: the cgroup, by its number, and what the victim had of it.
fn check_memory(told: &Told, trigger: &str, least_bytes: u64) {
    let played = &told.played;
    let (id, path) = played.said("limit").split_once(' ').unwrap();
    let memory = &told.death_of(played.the("victim"))["memory"];
    assert_eq!(memory["scope"], "memcg", "{memory:#}");
    assert_eq!(memory["limit_cgroup_id"].to_string(), id, "{memory:#}");
    assert_eq!(memory["limit_cgroup"], path, "{memory:#}");
    assert!(memory["anon_bytes"].as_u64().is_some_and(|bytes| bytes >= least_bytes), "{memory:#}");

    let kills = told.events("oom_kill").filter(|kill| played.the("victim").is(&kill["victim"]));
    let kills: Vec<_> = kills.collect();
    let [kill] = kills[..] else { panic!("{} OOM kills:\n{told}", kills.len()) };
    assert!(played.the(trigger).is(&kill["trigger"]), "{kill:#}");
    assert_eq!(&kill["memory"], memory);
}

#[test]
fn who_wants_more_than_its_memory_cgroup_may_have_died_of_it() {
    let told = one_death(&["oom", "own"], "SIGKILL oom_memcg by kernel:oom_memcg");
    assert_eq!(told.played.cannot, None);
    check_memory(&told, "victim", half());
}

#[test]
fn who_sleeps_while_another_wants_more_died_because_of_the_other() {
    let told = verdicts::of(&["oom", "sibling"]);
    assert_eq!(told.deaths("victim"), ["SIGKILL oom_memcg by kernel:oom_memcg"], "{told}");
    check_memory(&told, "trigger", half());
    // The kernel may ask again before what the victim had is free, and then choose who asks.
    if told.n_deaths() > 1 {
        assert_eq!(told.deaths("trigger"), ["SIGKILL oom_memcg by kernel:oom_memcg"], "{told}");
    }
    let memory = &told.death_of(told.played.the("victim"))["memory"];
    assert_eq!(memory["oom_score_adj"], 1000, "{memory:#}");
}

#[test]
fn the_cgroup_whose_limit_was_met_is_told_also_if_the_victim_is_in_one_below() {
    let told = one_death(&["oom", "above"], "SIGKILL oom_memcg by kernel:oom_memcg");
    check_memory(&told, "victim", half());
}

#[test]
fn where_a_whole_cgroup_dies_at_once_each_death_is_told_and_where_there_is_no_such_thing_nobody_dies() {
    let told = verdicts::of(&["oom", "group"]);
    if memory_is_of_version_2() {
        assert_eq!(told.played.cannot, None);
        let deaths = told.deaths("victim");
        assert!(
            deaths.iter().all(|death| death.starts_with("SIGKILL oom_memcg by kernel:oom_memcg")),
            "{deaths:?}"
        );
        assert_eq!((deaths.len(), told.n_deaths()), (2, 2), "{told}");
    } else {
        let why = "no memory.oom.group: the memory controller is of version 1";
        assert_eq!((told.played.cannot.as_deref(), told.n_deaths()), (Some(why), 0), "{told}");
    }
}

fn memory_is_of_version_2() -> bool {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap();
    let controllers = |line: &str| line.split(':').nth(1).map(str::to_owned);
    let is_v1 = |controllers: String| controllers.split(',').any(|name| name == "memory");
    !groups.lines().filter_map(controllers).any(is_v1)
}
