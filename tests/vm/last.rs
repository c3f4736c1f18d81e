//! What must not be done to a machine that anybody else needs. It runs in virtual machines only, see tests/vm/run.

use std::fs;

use killsnoop_tests::verdicts;

#[test]
fn when_the_machine_has_no_memory_left_whom_the_kernel_chose_died_of_it() {
    let told = verdicts::of(&["oom_global", "--really"]);
    // A locked-down kernel lets nobody see that it was no limit.
    let is_locked_down = fs::read_to_string("/proc/cmdline").unwrap().contains("lockdown=confidentiality");
    let (cause, scope) = if is_locked_down { ("oom", "unknown") } else { ("oom_global", "global") };
    assert_eq!(told.deaths("victim"), [format!("SIGKILL {cause} by kernel:{cause}")], "{told}");
    let memory = &told.death_of(told.played.the("victim"))["memory"];
    assert_eq!(memory["scope"], scope, "{memory:#}");
    assert_eq!(memory["oom_score_adj"], 1000, "{memory:#}");
    let kills: Vec<_> = told.events("oom_kill").filter(|kill| &kill["memory"] == memory).collect();
    assert_eq!(kills.len(), 1, "{told}");
}
