//! The figures in docs/cardinality.md: how large a page is at rest, and at the most. `UPDATE_EXPECT=1 cargo test` writes them anew.

use std::fs;

use super::*;
use crate::{
    counters::Feature,
    event::{Call, Comm},
};

const DOCUMENT: &str = "../../../../docs/cardinality.md";
const FIGURES: &str = "<!-- figures: written by UPDATE_EXPECT=1 cargo test -->\n";
const END: &str = "\n<!-- /figures -->";

/// The programs of the hook that has most, and the six that are always there, each with a name of its own.
const PROGRAMS: [&str; 8] = [
    "native_call",
    "compat_call",
    "cgroup_mkdir",
    "sched_process_exec",
    "sched_process_fork",
    "signal_generate",
    "mark_victim",
    "sched_process_exit",
];

/// A count with as many digits as a machine reaches in years.
const MANY: u64 = 123_456_789_012;

/// Nothing has happened since the start.
fn at_rest() -> Snapshot {
    let program = |name| Program { name, attached: true, n_runs: 0, n_recursion_misses: 0 };
    Snapshot {
        kills: KillKey::all().map(|key| (key, 0)).collect(),
        syscalls: Syscall::ALL.map(|syscall| (syscall, Outcomes::default())).to_vec(),
        oom_kills: Scope::ALL.map(|scope| (scope, 0)).to_vec(),
        produced: Class::ALL.map(|class| (class, 0)).to_vec(),
        lost: Lost::ALL.map(|reason| (reason, 0)).to_vec(),
        // One hook has one program more.
        programs: PROGRAMS[1..].iter().copied().map(program).collect(),
        maps: vec![MapFill { name: "kills", n_entries: KillKey::N as u64, capacity: KillKey::N as u64 }],
        hook: "tracepoint",
        features: [Feature::Calls, Feature::CompatCalls, Feature::Executables, Feature::OomLimits]
            .map(|feature| (feature, true))
            .to_vec(),
        ..Snapshot::default()
    }
}

/// Everything has happened, many times.
fn at_most() -> Snapshot {
    let all = everything();
    let many = |counts: usize| std::iter::repeat_n(MANY, counts);
    Snapshot {
        kills: KillKey::all().map(|key| (key, MANY)).collect(),
        syscalls: Syscall::ALL.map(|syscall| (syscall, Outcomes { ok: MANY, error: MANY })).to_vec(),
        signals: all.signals.iter().map(|(key, _)| *key).zip(many(all.signals.len())).collect(),
        deaths: all.deaths.iter().map(|(key, _)| *key).zip(many(all.deaths.len())).collect(),
        oom_kills: Scope::ALL.map(|scope| (scope, MANY)).to_vec(),
        produced: Class::ALL.map(|class| (class, MANY)).to_vec(),
        lost: Lost::ALL.map(|reason| (reason, MANY)).to_vec(),
        programs: PROGRAMS
            .map(|name| Program { name, attached: true, n_runs: MANY, n_recursion_misses: MANY })
            .to_vec(),
        ..at_rest()
    }
}

fn sinks<const N: usize>(names: [&'static str; N]) -> Arc<[Sink]> {
    Arc::new(names.map(|name| Sink::new(name, Arc::default())))
}

/// As many containers as have series, with the longest names that Kubernetes lets them have.
fn containers() -> ContainerDeaths {
    let deaths = ContainerDeaths::new(ContainerDeaths::MAX_SERIES, ContainerDeaths::EXPIRY);
    for n in 0..=ContainerDeaths::MAX_SERIES {
        let longest = |length: usize| format!("{n:x>length$}");
        let pod = Pod { name: Some(longest(253)), namespace: Some(longest(63)), uid: String::new() };
        let container = Container { name: Some(longest(63)), ..Container::default() };
        let place = Place { container: Some(container), pod: Some(pod), ..Place::default() };
        let death = examples::death();
        deaths.record(&Death { victim: Task { place: Some(Arc::new(place)), ..death.victim }, ..death });
    }
    deaths
}

/// The last event of every series, each with the longest names and numbers.
fn last_events() -> Exemplars {
    let exemplars = Exemplars::default();
    let container = Container { name: Some("x".repeat(63)), ..Container::default() };
    let place = Arc::new(Place { container: Some(container), ..Place::default() });
    let whole = |process: Task| Task {
        pid: 4_194_303,
        comm: Comm::of("fifteen-letters"),
        place: Some(Arc::clone(&place)),
        ..process
    };
    for KillKey { signal, result } in KillKey::all() {
        let signal = i32::try_from(signal).unwrap();
        let result = if result == RESULT_OTHER { -14 } else { result };
        let call = examples::call();
        exemplars.record(&Event::Call(Call {
            signal,
            result,
            sender: whole(call.sender.clone()),
            target: 4_194_303,
            ..call
        }));
    }
    for ((signal, cause, core_dumped), _) in everything().deaths {
        let death = examples::death();
        let mut fatal = death.fatal.clone().unwrap();
        fatal.sender = fatal.sender.map(whole);
        let signal = i32::try_from(signal).unwrap();
        exemplars.record(&Event::Death(Arc::new(Death {
            signal,
            cause,
            core_dumped,
            victim: whole(death.victim.clone()),
            fatal: Some(fatal),
            ..death
        })));
    }
    exemplars
}

/// A page with every series that there can be.
pub(super) fn most() -> Scrape {
    let (sinks, pushes) = (sinks(["otlp", "recent"]), Some(Arc::default()));
    Scrape { sinks, container_deaths: containers().series(), pushes, ..scrape(at_most()) }
}

/// One row of the table: what the page is, its series, and its bytes in each format.
fn row(what: &str, page: impl Fn(Format) -> Scrape) -> String {
    let bytes = [Format::Classic, Format::OpenMetrics, Format::Protobuf]
        .map(|format| page::encode(page(format), format).unwrap().len().to_string());
    let classic = text(page(Format::Classic), Format::Classic);
    let n_series = classic.lines().filter(|line| !line.starts_with('#')).count();
    format!("| {what} | {n_series} | {} |\n", bytes.join(" | "))
}

#[test]
fn the_figures_of_the_page_are_those_of_the_document() {
    let (exemplars, containers) = (last_events(), containers());
    let alone = |_| Scrape { sinks: sinks(["recent"]), ..scrape(at_rest()) };
    let with_otlp = |_| Scrape { sinks: sinks(["otlp", "recent"]), ..scrape(at_rest()) };
    let worst = |_| Scrape { sinks: sinks(["otlp", "recent"]), ..scrape(at_most()) };
    let with_exemplars = |format| {
        // As a page does it: the classic format has none.
        let exemplars = Some(&exemplars).filter(|_| format != Format::Classic);
        Scrape { budgeted: Shown::default().series(&at_most(), exemplars), ..worst(format) }
    };
    let with_containers = |format| Scrape { container_deaths: containers.series(), ..with_exemplars(format) };
    let table = [
        "| page | series | classic text | OpenMetrics | protobuf |\n|---|---|---|---|---|\n".to_owned(),
        row("at rest: nothing has happened since the start", alone),
        row("at rest, with `--otlp.endpoint`", with_otlp),
        row("the most that there can ever be: every counter there, at 123456789012", worst),
        row(
            "the same with an exemplar at each series that can have one, with the longest names",
            with_exemplars,
        ),
        row("the same with `--metrics.container-deaths`, 200 series with the longest names", with_containers),
    ]
    .concat();
    let document =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cardinality.md")).unwrap();
    let (before, rest) = document.split_once(FIGURES).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    expect_file![DOCUMENT].assert_eq(&format!("{before}{FIGURES}\n{table}{END}{after}"));
}

#[test]
fn every_series_of_calls_and_deaths_can_have_an_exemplar() {
    let budgeted = Shown::default().series(&at_most(), Some(&last_events()));
    let page = text(Scrape { budgeted, ..scrape(at_most()) }, Format::OpenMetrics);
    assert_eq!(page.lines().filter(|line| line.contains(" # {")).count(), 236 + 106);
}
