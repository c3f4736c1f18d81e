//! What must not be done to a machine that anybody else needs. It runs in virtual machines only, see tests/vm/run.

#![expect(clippy::float_cmp, reason = "counters are whole numbers")]

use std::fs;

use killsnoop_tests::{exporter::Exporter, scrape::Scrape, sender::Sender, verdicts};

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

/// Where an operator stops the kernel from running programs at its functions.
const FTRACE: &str = "/proc/sys/kernel/ftrace_enabled";

#[test]
fn programs_at_functions_that_are_switched_off_are_told_as_detached_and_a_new_exporter_does_without() {
    let exporter = Exporter::start(&[]);
    let page = exporter.scrape();
    let at_functions = ["fexit", "kretprobe"].iter().any(|hook| is_hook(&page, hook));
    let attached = |page: &Scrape| {
        let programs = page.series().filter(|series| series.starts_with("killsnoop_program_attached{"));
        let programs: Vec<_> = programs.map(|series| page.value(series)).collect();
        assert!(programs.len() > 5, "{programs:?}");
        programs.iter().all(|attached| *attached == 1.0)
    };
    let counted = |exporter: &Exporter, signal: &str| {
        let calls = |page: Scrape| page.calls(&format!("SIGRTMIN+{signal}"), "ok");
        let before = calls(exporter.scrape());
        Sender::new(&[&format!("kill:self:{}:10", 34 + signal.parse::<i64>().unwrap())]).run();
        calls(exporter.scrape()) - before
    };
    assert!(attached(&page) && counted(&exporter, "1") == 10.0);

    fs::write(FTRACE, "0").unwrap();
    let (is_attached, n) = (attached(&exporter.scrape()), counted(&exporter, "2"));
    let other = Exporter::start(&[]);
    let others = counted(&other, "3");
    fs::write(FTRACE, "1").unwrap();

    // Whatever the kernel makes of the switch, nobody is told that all is attached while calls are missed.
    assert_eq!((is_attached, n), if at_functions { (false, 0.0) } else { (true, 10.0) });
    assert!(!is_hook(&other.scrape(), "fexit") && !is_hook(&other.scrape(), "kretprobe"));
    assert_eq!(others, 10.0);
    assert!(attached(&exporter.scrape()) && counted(&exporter, "4") == 10.0, "it is as before");
}

fn is_hook(page: &Scrape, name: &str) -> bool {
    page.series().any(|series| series.starts_with(&format!("killsnoop_hook_info{{backend=\"{name}\"")))
}
