//! Each event tells the call as it was.

use killsnoop_tests::{exporter::trace, process::Process, sender::Sender};
use serde_json::{Value, json};

/// Lets a sender take these steps while its events are read as JSON, and returns as many as are expected.
fn events_of(args: &[&str], steps: &[&str], n_expected: usize) -> (u32, Vec<Value>) {
    let sender = Sender::new(steps);
    let pid = sender.pid();
    let tracer = tracer(args, pid);
    sender.run();
    (pid, parse(&tracer.stdout.wait_for(n_expected)))
}

fn tracer(args: &[&str], pid: u32) -> Process {
    trace(&[&["--json", "--log.level", "info", "-p", &pid.to_string()], args].concat())
}

fn parse(lines: &[String]) -> Vec<Value> {
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn each_call_is_told_with_its_name_its_target_its_signal_and_its_result() {
    for hook in ["tracepoint", "raw"] {
        let steps = [
            "kill:self:0",
            "tkill:self:34",
            "tgkill:self:64",
            "rt_sigqueueinfo:self:56",
            "rt_tgsigqueueinfo:self:41",
            "kill:gone:9",
            "kill:self:99",
            "tgkill:gone:15",
        ];
        let (pid, events) = events_of(&["--hook", hook], &steps, steps.len());
        let rows: Vec<_> = events
            .iter()
            .map(|event| {
                let field = |name: &str| event[name].clone();
                json!([
                    field("syscall"),
                    field("target"),
                    field("target_tid"),
                    field("signal"),
                    field("result"),
                    field("error")
                ])
            })
            .collect();
        let expected = [
            json!(["kill", pid, null, 0, 0, null]),
            json!(["tkill", pid, null, 34, 0, null]),
            json!(["tgkill", pid, pid, 64, 0, null]),
            json!(["rt_sigqueueinfo", pid, null, 56, 0, null]),
            json!(["rt_tgsigqueueinfo", pid, pid, 41, 0, null]),
            json!(["kill", 4_194_304, null, 9, -3, "ESRCH"]),
            json!(["kill", pid, null, 99, -22, "EINVAL"]),
            json!(["tgkill", 4_194_304, 4_194_304, 15, -3, "ESRCH"]),
        ];
        assert_eq!(rows, expected, "hook {hook}");
    }
}

#[test]
fn the_sender_is_told_with_its_ids_and_its_name() {
    // The name: a line break, an escape, a byte that is no UTF-8.
    let (pid, events) = events_of(&[], &["comm:610a1b5bff7a", "uid:65534", "kill:self:0"], 1);
    let sender = &events[0]["sender"];
    assert_eq!(sender["pid"], pid);
    assert_eq!(sender["tid"], pid);
    assert_eq!(sender["uid"], 65534);
    assert_eq!(sender["comm"], "a\n\u{1b}[\u{fffd}z");
}

#[test]
fn a_file_descriptor_is_not_told_as_a_process() {
    let (_, events) = events_of(&[], &["pidfd_send_signal:self:0"], 1);
    assert_eq!(events[0]["target"], Value::Null);
    assert!(events[0]["pidfd"].as_i64().is_some_and(|fd| fd > 2), "{events:?}");
}

#[test]
fn negative_targets_and_the_own_group_are_told_as_they_were_asked() {
    // A group that does not exist; and the sender's own, by a probe that sends nothing.
    let (_, events) = events_of(&[], &["kill:-4194300:0", "kill:0:0"], 2);
    let targets: Vec<_> = events.iter().map(|event| event["target"].as_i64()).collect();
    assert_eq!(targets, [Some(-4_194_300), Some(0)]);
}

#[test]
fn the_time_of_an_event_is_that_of_its_call() {
    let unix_ns = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        u64::try_from(now.as_nanos()).unwrap()
    };
    let sender = Sender::new(&["kill:self:0"]);
    let tracer = tracer(&[], sender.pid());
    let before = unix_ns();
    sender.run();
    let after = unix_ns();
    let event = &parse(&tracer.stdout.wait_for(1))[0];
    let time = event["time"].as_str().unwrap();
    let seconds = |ns: u64| ns / 1_000_000_000;
    let fraction: u64 = time[20..29].parse().unwrap();
    assert!(time.ends_with('Z'), "{time}");
    // The second of the day and its fraction, without a calendar.
    let of_day = [11..13, 14..16, 17..19].map(|range| time[range].parse::<u64>().unwrap());
    let ns_of_day = (of_day[0] * 3600 + of_day[1] * 60 + of_day[2]) * 1_000_000_000 + fraction;
    let day = 86_400_000_000_000;
    let slack = 5_000_000;
    let late = (ns_of_day + slack + day - before % day) % day;
    assert!(
        late <= after - before + 2 * slack,
        "{time} is not between {} and {}",
        seconds(before),
        seconds(after)
    );
}
