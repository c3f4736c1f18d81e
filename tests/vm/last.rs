//! What must not be done to a machine that anybody else needs. It runs in virtual machines only, see tests/vm/run.

#![expect(clippy::float_cmp, reason = "counters are whole numbers")]

use std::{fs, io};

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

#[test]
fn an_exporter_that_starts_while_programs_at_functions_are_switched_off_does_without() {
    let off = Off::switch().unwrap();
    let exporter = Exporter::start(&[]);
    let page = exporter.scrape();
    assert!(off.is_none() || !is_at_functions(&page));
    assert!(all_attached(&page));
    assert_eq!(counted(&exporter, 35), 10.0);
    drop(off);
}

#[test]
fn programs_at_functions_that_are_switched_off_later_are_told_as_detached_until_they_are_on_again() {
    let exporter = Exporter::start(&[]);
    let is_at_functions = is_at_functions(&exporter.scrape());
    assert!(all_attached(&exporter.scrape()));
    assert_eq!(counted(&exporter, 36), 10.0);

    let off = Off::switch().unwrap();
    let goes_on = off.is_none() || !is_at_functions;
    assert_eq!(all_attached(&exporter.scrape()), goes_on);
    assert_eq!(counted(&exporter, 37), if goes_on { 10.0 } else { 0.0 });

    drop(off);
    assert!(all_attached(&exporter.scrape()));
    assert_eq!(counted(&exporter, 38), 10.0);
}

/// Programs at functions of the kernel are switched off as long as this lives.
struct Off;

impl Off {
    const SWITCH: &str = "/proc/sys/kernel/ftrace_enabled";

    /// Switches them off; `None` if the kernel refuses that, as 5.10 does while they are in use, and 7.3 always.
    fn switch() -> io::Result<Option<Self>> {
        use io::ErrorKind::{ResourceBusy, Unsupported};
        match fs::write(Self::SWITCH, "0") {
            Err(error) if matches!(error.kind(), ResourceBusy | Unsupported) => Ok(None),
            written => written.map(|()| Some(Self)),
        }
    }
}

impl Drop for Off {
    fn drop(&mut self) {
        // The tests that follow see whether it is on.
        _ = fs::write(Self::SWITCH, "1");
    }
}

fn is_at_functions(page: &Scrape) -> bool {
    let is_hook = |hook: &str| {
        page.series().any(|series| series.starts_with(&format!("killsnoop_hook_info{{backend=\"{hook}\"")))
    };
    is_hook("fexit") || is_hook("kretprobe")
}

fn all_attached(page: &Scrape) -> bool {
    let programs = page.series().filter(|series| series.starts_with("killsnoop_program_attached{"));
    let programs: Vec<_> = programs.map(|series| page.value(series)).collect();
    assert!(programs.len() > 5, "{programs:?}");
    programs.iter().all(|attached| *attached == 1.0)
}

/// How many of ten calls with a signal are counted.
fn counted(exporter: &Exporter, signal: u32) -> f64 {
    let calls = || exporter.scrape().calls(&format!("SIGRTMIN+{}", signal - 34), "ok");
    let before = calls();
    Sender::new(&[&format!("kill:self:{signal}:10")]).run();
    calls() - before
}
