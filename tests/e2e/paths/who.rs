//! Who the processes of a verdict were, however short they lived and whatever they called themselves.

use std::{env, path::Path, process};

use killsnoop_tests::{
    provoke::Play,
    verdicts::{self, Told, Tracer},
};
use serde_json::Value;
use tempfile::TempDir;

use super::one_death;

/// Bytes of a path that are kept.
const EXE_LEN: usize = 127;

fn cut(path: &Path) -> &str {
    let path = path.to_str().unwrap();
    &path[..path.len().min(EXE_LEN)]
}

fn provoke() -> String {
    let test = env::current_exe().unwrap();
    cut(&test.ancestors().nth(2).unwrap().join("provoke")).to_owned()
}

#[test]
fn a_victim_that_has_only_just_begun_to_run_is_told_with_its_own_name_and_path() {
    const N: usize = 50;
    let folder = TempDir::new().unwrap();
    let told = verdicts::of(&["brief", folder.path().to_str().unwrap(), &N.to_string()]);
    assert_eq!(told.deaths("victim"), vec!["SIGKILL kill by sender"; N]);
    for victim in told.played.all("victim") {
        assert_eq!(told.death_of(victim)["victim"]["exe"], cut(&folder.path().join(&victim.comm)));
    }
}

#[test]
fn a_sender_that_is_gone_at_once_is_told_with_its_own_path_and_those_above_it() {
    let folder = TempDir::new().unwrap();
    let told = one_death(&["brief_sender", folder.path().to_str().unwrap()], "SIGKILL kill by sender");
    let sender = &told.death_of(told.played.the("victim"))["sender"];
    assert_eq!(sender["exe"], cut(&folder.path().join(&told.played.the("sender").comm)));
    assert_eq!(ancestors(sender)[0], told.played.pid);
}

#[test]
fn a_process_that_never_ran_anything_else_has_the_path_of_its_parent() {
    let told = one_death(&["call", "kill", "9"], "SIGKILL kill by sender");
    let death = told.death_of(told.played.the("victim"));
    assert_eq!(death["victim"]["exe"], provoke());
    assert_eq!(death["sender"]["exe"], provoke());
}

#[test]
fn those_above_victim_and_sender_are_told_from_the_parent_upwards() {
    let told = one_death(&["family"], "SIGTERM kill by sender");
    let death = told.death_of(told.played.the("victim"));
    let above = [told.played.the("parent").pid, told.played.pid, process::id().into()];
    assert_eq!(ancestors(&death["victim"])[..3], above);
    assert_eq!(ancestors(&death["sender"])[..3], above);
    assert_eq!(death["victim"]["ancestors"][1]["comm"], "provoke");
}

fn ancestors(process: &Value) -> Vec<u64> {
    let ancestors = process["ancestors"].as_array().unwrap_or_else(|| panic!("no ancestors: {process:#}"));
    ancestors.iter().map(|ancestor| ancestor["pid"].as_u64().unwrap()).collect()
}

#[test]
fn names_that_hold_anything_are_told_as_they_are_and_harm_no_sentence() {
    // A line break, an escape sequence, a quote, a byte that is no UTF-8.
    let told = one_death(&["named", "610a1b5b326a22ff7a"], "SIGKILL kill by sender");
    assert_eq!(told.played.the("victim").comm, "a\n\u{1b}[2j\"\u{fffd}z");
    let verdict = told.death_of(told.played.the("victim"))["verdict"].as_str().unwrap().to_owned();
    assert!(verdict.starts_with("a\\n\\x1b[2j"), "{verdict}");
}

#[test]
fn processes_that_were_there_before_the_tracer_are_told_as_well() {
    let play = Play::new(&["call", "kill", "9"]);
    let told: Told = Tracer::start(&[]).watch(play);
    assert_eq!(told.deaths("victim"), ["SIGKILL kill by sender"]);
    let death = told.death_of(told.played.the("victim"));
    assert_eq!(ancestors(&death["victim"])[..2], [told.played.pid, process::id().into()]);
}
