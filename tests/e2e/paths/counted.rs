//! What is counted of it on the page of metrics, and what is noise.

use killsnoop_tests::{
    exporter::{Exporter, trace},
    kernel_is_before,
    provoke::Play,
    scrape::Scrape,
    verdicts,
};
use serde_json::Value;

/// Signals that are sent in this file alone, since counters are of the whole machine.
mod own {
    pub(super) const IGNORED: &str = "61";
    pub(super) const ZOMBIE: &str = "57";
    pub(super) const CALLS: &str = "58";
    /// SIGSTKFLT: a standard signal, because real-time signals queue where these are pending already.
    pub(super) const PENDING: &str = "16";
}

fn signals(page: &Scrape, signal: &str, origin: &str, outcome: &str) -> f64 {
    page.value(&format!(
        "killsnoop_signals_total{{signal=\"{signal}\",origin=\"{origin}\",outcome=\"{outcome}\"}}"
    ))
}

fn deaths(page: &Scrape, signal: &str, cause: &str) -> f64 {
    page.value(&format!(
        "killsnoop_deaths_total{{signal=\"{signal}\",cause=\"{cause}\",core_dumped=\"false\"}}"
    ))
}

fn play(scene: &[&str]) {
    let played = Play::new(scene).run();
    assert_eq!(played.cannot, None);
}

#[test]
fn what_became_of_a_signal_is_counted_ignored_pending_already_or_delivered() {
    let exporter = Exporter::start(&[]);
    play(&["ignored", own::IGNORED]);
    play(&["zombie", own::ZOMBIE]);
    play(&["pending", own::PENDING]);
    let page = exporter.scrape();
    let counts = |signal| {
        ["delivered", "ignored", "already_pending"].map(|outcome| signals(&page, signal, "kill", outcome))
    };
    assert_eq!(counts("SIGRTMIN+27"), [0.0, 1.0, 0.0], "ignored");
    // 5.10 says that a zombie gets it.
    let of_zombie = if kernel_is_before((5, 11)) { [1.0, 0.0, 0.0] } else { [0.0, 1.0, 0.0] };
    assert_eq!(counts("SIGRTMIN+23"), of_zombie, "a zombie's");
    assert_eq!(counts("SIGSTKFLT"), [1.0, 0.0, 1.0], "pending");
    assert_eq!(page.calls("SIGSTKFLT", "ok"), 2.0);
    assert_eq!(page.calls("SIGRTMIN+23", "ok"), 1.0);
}

#[test]
fn calls_signals_and_deaths_are_each_counted_once_by_what_caused_them() {
    let exporter = Exporter::start(&[]);
    let rows = [
        ("kill", "kill", 1.0),
        ("tkill", "tkill", 1.0),
        ("tgkill", "tgkill", 1.0),
        // Two calls that are one cause.
        ("rt_sigqueueinfo", "sigqueue", 2.0),
        ("rt_tgsigqueueinfo", "sigqueue", 2.0),
        ("pidfd_send_signal", "pidfd", 1.0),
    ];
    for (call, ..) in rows {
        play(&["call", call, own::CALLS]);
    }
    let page = exporter.scrape();
    for (_, cause, n) in rows {
        assert_eq!(signals(&page, "SIGRTMIN+24", cause, "delivered"), n, "{cause}");
        assert_eq!(deaths(&page, "SIGRTMIN+24", cause), n, "{cause}");
    }
    assert_eq!(page.calls("SIGRTMIN+24", "ok"), 6.0);
}

#[test]
fn what_the_kernel_does_on_its_own_is_counted_by_its_cause() {
    let exporter = Exporter::start(&[]);
    let rows: [(&[&str], &str, &str); 6] = [
        (&["fault", "unmapped"], "SIGSEGV", "fault"),
        (&["pipe", "pipe"], "SIGPIPE", "pipe"),
        (&["timer", "real"], "SIGALRM", "timer"),
        (&["seccomp", "process"], "SIGSYS", "seccomp"),
        (&["terminal", "ctrl_c"], "SIGINT", "tty"),
        (&["oom", "own"], "SIGKILL", "oom_memcg"),
    ];
    let before = exporter.scrape();
    for (scene, ..) in rows {
        play(scene);
    }
    let after = exporter.scrape();
    // Other tests provoke the same, so there may be more.
    for (_, signal, cause) in rows {
        assert!(deaths(&after, signal, cause) >= deaths(&before, signal, cause) + 1.0, "{signal} {cause}");
    }
    let memcg = "killsnoop_oom_kills_total{scope=\"memcg\"}";
    assert!(after.value(memcg) >= before.value(memcg) + 1.0, "{memcg}");
}

#[test]
fn noise_is_counted_and_told_only_to_whoever_asks_for_it() {
    let exporter = Exporter::start(&[]);
    let before = exporter.scrape();
    let told = verdicts::of(&["self"]);
    assert_eq!(told.calls("noisy"), ["kill SIGTERM 4194304 ESRCH"], "the rest is noise");
    assert_eq!(told.signals("noisy"), [""; 0]);
    let after = exporter.scrape();
    for (signal, n) in [("SIGURG", 100.0), ("SIGUSR1", 1.0)] {
        assert!(after.calls(signal, "ok") >= before.calls(signal, "ok") + n, "{signal}");
    }
    let children =
        |page| signals(page, "SIGCHLD", "child", "ignored") + signals(page, "SIGCHLD", "child", "delivered");
    assert!(children(&after) > children(&before));

    let play = Play::new(&["self"]);
    let noisy = play.the("noisy").pid;
    let args = ["--all", "--noise", "--json", "--log.level", "info", "-T", &noisy.to_string()];
    let tracer = trace(&args);
    let played = play.run();
    let events = tracer.stdout.wait_for(102);
    let events = events.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let names: Vec<_> = events.map(|event| event["signal_name"].as_str().unwrap().to_owned()).collect();
    let count = |name| names.iter().filter(|other| *other == name).count();
    assert_eq!([count("SIGCHLD"), count("SIGUSR1"), count("SIGURG")], [1, 1, 100], "{played:#?}");
}

#[test]
fn a_probe_with_signal_0_is_noise_and_no_signal() {
    let told = super::no_death(&["probe"]);
    assert_eq!((told.calls("sender"), told.signals("victim")), (vec![], vec![]));

    let play = Play::new(&["probe"]);
    let sender = play.the("sender").pid.to_string();
    let tracer = trace(&["--all", "--noise", "--json", "--log.level", "info", "-p", &sender]);
    let played = play.run();
    let events = tracer.stdout.wait_for(2);
    let calls = events
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        // Its end is noise too, for its parent.
        .filter(|event| event["event"] == "kill_call");
    let targets: Vec<_> = calls.map(|call| (call["signal"].as_i64(), call["target"].as_i64())).collect();
    let victim = i64::try_from(played.the("victim").pid).unwrap();
    assert_eq!(targets, [(Some(0), Some(victim)), (Some(0), Some(-1))]);
}
