//! What is filtered in the kernel: each flag by itself, and together.

use killsnoop_tests::{exporter::trace, sender::Sender};
use serde_json::Value;

/// The calls of the sender in all these tests; the last is what says that nothing more comes.
const STEPS: [&str; 9] = [
    "kill:self:0",
    "kill:self:34",
    "kill:self:64",
    "kill:gone:9",
    "kill:gone:34",
    "kill:-4194300:0",
    "kill:0:0",
    "tgkill:self:56",
    "kill:gone:63",
];

/// Targets and signals of the events that pass, up to the last step's. Every case lets the last step pass.
fn passing(args: &[&str]) -> Vec<(i64, i64)> {
    let sender = Sender::new(&STEPS);
    let pid = sender.pid();
    let own_pid = pid.to_string();
    let args: Vec<_> = args.iter().map(|arg| if *arg == "SELF" { own_pid.as_str() } else { arg }).collect();
    let tracer = trace(&[&["--json", "--log.level", "info"], &args[..]].concat());
    sender.run();
    tracer.stdout.find(|line| line.contains("\"signal\":63").then_some(()));
    let events = tracer.stdout.all().into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let number = |event: &Value, field: &str| event[field].as_i64().unwrap();
    events
        .filter(|event| event["sender"]["pid"] == pid)
        .map(|event| {
            (if event["target"] == pid { 1 } else { number(&event, "target") }, number(&event, "signal"))
        })
        .collect()
}

const GONE: i64 = 4_194_304;

#[test]
fn without_a_filter_every_call_passes() {
    let all = [(1, 0), (1, 34), (1, 64), (GONE, 9), (GONE, 34), (-4_194_300, 0), (0, 0), (1, 56), (GONE, 63)];
    assert_eq!(passing(&["-p", "SELF"]), all);
}

#[test]
fn one_signal_passes_also_real_time_ones_and_zero() {
    assert_eq!(passing(&["-p", "SELF", "-s", "34,63"]), [(1, 34), (GONE, 34), (GONE, 63)]);
    assert_eq!(
        passing(&["-p", "SELF", "-s", "0", "-s", "63"]),
        [(1, 0), (-4_194_300, 0), (0, 0), (GONE, 63)]
    );
    assert_eq!(passing(&["-p", "SELF", "-s", "RTMAX,SIGKILL,RTMAX-1"]), [(1, 64), (GONE, 9), (GONE, 63)]);
}

#[test]
fn only_failed_calls_pass() {
    assert_eq!(passing(&["-p", "SELF", "-x"]), [(GONE, 9), (GONE, 34), (-4_194_300, 0), (GONE, 63)]);
}

#[test]
fn only_calls_for_one_target_pass() {
    assert_eq!(passing(&["-p", "SELF", "-T", "4194304"]), [(GONE, 9), (GONE, 34), (GONE, 63)]);
}

#[test]
fn conditions_together_must_all_hold() {
    assert_eq!(passing(&["-p", "SELF", "-x", "-T", "4194304", "-s", "34,63,0"]), [(GONE, 34), (GONE, 63)]);
}

#[test]
fn only_the_syscalls_asked_for_pass() {
    assert_eq!(passing(&["-p", "SELF", "--syscalls", "kill", "-s", "56,63"]), [(GONE, 63)]);
}

#[test]
fn groups_and_the_own_group_can_be_targets() {
    for (target, expected) in [("-4194300", -4_194_300), ("0", 0)] {
        let sender = Sender::new(&STEPS);
        let tracer = trace(&["--json", "--log.level", "info", "-p", &sender.pid().to_string(), "-T", target]);
        sender.run();
        let events = tracer.stdout.wait_for(1);
        assert_eq!(serde_json::from_str::<Value>(&events[0]).unwrap()["target"], expected);
    }
}

#[test]
fn another_sender_does_not_pass() {
    let (watched, other) = (Sender::new(&["kill:self:34"]), Sender::new(&["kill:self:35"]));
    let tracer = trace(&["--json", "--log.level", "info", "-p", &watched.pid().to_string()]);
    other.run();
    watched.run();
    let event: Value = serde_json::from_str(&tracer.stdout.wait_for(1)[0]).unwrap();
    assert_eq!(event["signal"], 34);
}
