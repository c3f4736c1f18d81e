//! Who may know whom. ARCHITECTURE.md has the reasons.

use std::collections::BTreeSet;

use crate::repo::{File, files, none, paths, text, without_comments, words};

const SOURCES: &str = "exporter/src/";

/// Each dependency, and the modules of the exporter in which it may be named; a module stands for all below it.
const PLACES: &[(&str, &[&str])] = &[
    // What carries the architecture: each has one module, so that one module changes with it.
    ("aya", &["kernel"]),
    ("aya_obj", &["kernel/bpf", "kernel/probes"]),
    ("object", &["kernel/marks"]),
    ("axum", &["http"]),
    ("clap", &["cli", "http/args", "main", "otlp/config/args"]),
    ("form_urlencoded", &["landing/filter"]),
    ("jiff", &["run/why", "terminal"]),
    ("landlock", &["confine/files"]),
    ("listenfd", &["service"]),
    ("maud", &["landing"]),
    ("metrics_process", &["metrics"]),
    ("opentelemetry", &["otlp/record"]),
    ("opentelemetry_otlp", &["otlp"]),
    ("opentelemetry_proto", &["otlp"]),
    ("opentelemetry_sdk", &["otlp/config"]),
    ("opentelemetry_semantic_conventions", &["otlp"]),
    ("prometheus_client", &["metrics"]),
    ("prost", &["otlp/http", "otlp/service"]),
    ("rustls", &["otlp/config/connection", "otlp/tls"]),
    ("sd_notify", &["service"]),
    ("seccompiler", &["confine/calls"]),
    ("tonic", &["otlp"]),
    ("tonic_prost", &["otlp/grpc"]),
    ("tonic_types", &["otlp"]),
    ("tracing_subscriber", &["log"]),
    ("uuid", &["otlp/resource"]),
    // HTTP has two ends, a server and a client.
    ("bytes", &["otlp/http"]),
    ("flate2", &["otlp/http"]),
    // In `run` it is this crate's own module of that name.
    ("http", &["otlp", "run/serve"]),
    ("http_body_util", &["otlp/http"]),
    ("httpdate", &["otlp/retry"]),
    ("hyper", &["http/server", "otlp"]),
    ("hyper_rustls", &["otlp/client", "otlp/tls"]),
    ("hyper_util", &["http/server", "otlp"]),
    ("tower", &["http/server", "otlp/grpc"]),
    ("tower_http", &["http"]),
    // The system: numbers and names of signals and errors, clocks, sockets, processes.
    ("nix", &["cli/trace", "confine/calls", "errno", "http", "kernel", "signal"]),
    (
        "rustix",
        &[
            "cgroup/mounts",
            "cli/kernel",
            "confine",
            "control",
            "event",
            "clock",
            "kernel",
            "landing",
            "otlp/resource",
            "run/check",
            "service",
        ],
    ),
    // Small tools.
    ("anyhow", &["http", "run"]),
    ("humantime", &["cli/trace", "cli/why", "otlp", "verdict/json"]),
    ("percent_encoding", &["otlp/settings"]),
    ("serde_json", &["cgroup/names", "control", "otlp/http", "run/why", "verdict/json"]),
    ("thiserror", &["control", "http/bind", "kernel", "metrics/page", "otlp/grpc", "service"]),
    ("tokio", &["control/server", "http", "otlp", "pulse", "run", "service", "terminal/writer"]),
    ("tokio_util", &["control/server", "http", "run/serve"]),
    ("tracing", &["cli/log", "control", "http", "kernel", "log", "otlp", "run", "service"]),
    // The wire: whoever touches an event or a counter.
    (
        "killsnoop_common",
        &[
            "cli", "counters", "event", "kernel", "landing", "metrics", "otlp", "recent", "run", "select",
            "signal", "terminal", "verdict",
        ],
    ),
];

/// Each module of the library, and all others that it names. `main` and `run`, where kernel and sinks meet, name all.
const KNOWS: &[(&str, &[&str])] = &[
    ("cgroup", &["event"]),
    (
        "cli",
        &[
            "confine", "counters", "http", "kernel", "metrics", "otlp", "recent", "select", "signal",
            "terminal",
        ],
    ),
    ("clock", &[]),
    ("confine", &[]),
    ("control", &["cli", "event", "recent", "verdict"]),
    ("counters", &[]),
    ("errno", &[]),
    ("event", &["cgroup", "clock", "errno", "signal"]),
    ("http", &["landing", "metrics", "pulse"]),
    ("kernel", &["clock", "counters", "event", "pulse"]),
    ("landing", &["clock", "counters", "event", "ledger", "recent", "signal", "verdict"]),
    ("ledger", &[]),
    ("log", &["cli"]),
    ("metrics", &["cgroup", "counters", "errno", "event", "ledger", "signal"]),
    ("otlp", &["cgroup", "event", "ledger", "metrics", "verdict"]),
    ("pulse", &[]),
    ("recent", &["cgroup", "clock", "event", "ledger", "verdict"]),
    ("select", &["cgroup", "counters", "event"]),
    ("service", &["counters", "ledger", "pulse"]),
    ("signal", &[]),
    ("terminal", &["cgroup", "event", "ledger", "signal", "verdict"]),
    ("verdict", &["cgroup", "event", "signal"]),
];

/// Where code may be that the compiler cannot vouch for.
const UNSAFE: [&str; 4] = ["common", "exporter-ebpf", "exporter/src/kernel", "tests"];

#[test]
fn each_dependency_is_named_in_its_own_modules_only() {
    let (dependencies, rows) = (dependencies(), PLACES.iter().map(|(name, _)| (*name).to_owned()).collect());
    let unlisted =
        dependencies.difference(&rows).map(|name| format!("{name} is a dependency without a place"));
    let gone = rows.difference(&dependencies).map(|name| format!("{name} has a place and is no dependency"));
    let misplaced = PLACES.iter().flat_map(|(dependency, places)| misplaced(dependency, places));
    none(unlisted.chain(gone).chain(misplaced));
}

/// Where a dependency is named although it may not be, and where it may be named although it is not.
fn misplaced(dependency: &str, places: &[&str]) -> Vec<String> {
    let is_in = |file: &File, place: &str| file.is_in(&format!("{SOURCES}{place}"));
    let named_in: Vec<_> = sources().filter(|file| names(file, dependency)).collect();
    let elsewhere = named_in.iter().filter(|file| !places.iter().any(|place| is_in(file, place)));
    let elsewhere = elsewhere.map(|file| format!("{dependency} is named in {}", file.path));
    let unused = places.iter().filter(|place| !named_in.iter().any(|file| is_in(file, place)));
    let unused = unused.map(|place| format!("{dependency} may be named in {place} but is not"));
    elsewhere.chain(unused).collect()
}

#[test]
fn each_module_names_those_that_it_may_know_and_no_other() {
    let modules: BTreeSet<_> = text("exporter/src/lib.rs").lines().filter_map(module).collect();
    assert_eq!(
        KNOWS.iter().map(|(module, _)| *module).collect::<BTreeSet<_>>(),
        modules,
        "the table has a row for each"
    );
    for (module, may) in KNOWS {
        let place = format!("{SOURCES}{module}");
        let known: BTreeSet<_> = sources().filter(|file| file.is_in(&place)).flat_map(neighbours).collect();
        let may: BTreeSet<_> = may.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(known, may, "what {module} names, and what the table lets it name");
    }
}

#[test]
fn unsafe_is_where_the_kernel_is_and_nowhere_else() {
    let may = |file: &&File| UNSAFE.iter().any(|place| file.is_in(place));
    let rust = files().filter(|file| file.is_a("rs") && !may(file));
    let unsafe_ones = rust.filter(|file| words(&without_comments(&file.text)).any(|word| word == "unsafe"));
    none(unsafe_ones.map(|file| file.path.clone()));
}

fn sources() -> impl Iterator<Item = &'static File> {
    files().filter(|file| file.path.starts_with(SOURCES) && file.is_a("rs"))
}

/// What the exporter depends on, by the names that code has for it.
fn dependencies() -> BTreeSet<String> {
    let manifest = text("exporter/Cargo.toml").split("\n[dependencies]\n").nth(1).unwrap();
    let lines = manifest.lines().take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.replace('-', "_")).collect()
}

fn names(file: &File, dependency: &str) -> bool {
    paths(&file.code()).iter().any(|path| path.split("::").next() == Some(dependency))
}

fn module(line: &str) -> Option<&str> {
    line.strip_prefix("pub mod ")?.strip_suffix(';')
}

/// The modules of the library, other than its own, that a file names.
fn neighbours(file: &File) -> Vec<String> {
    let own: Vec<_> = file.path[SOURCES.len()..].trim_end_matches(".rs").split('/').collect();
    let modules = paths(&file.code()).into_iter().filter_map(|path| {
        let n_up = path.split("::").take_while(|part| *part == "super").count();
        let mut parts = path.split("::").skip(n_up);
        let is_at_top = if n_up == 0 { parts.next()? == "crate" } else { n_up >= own.len() };
        is_at_top.then(|| parts.next().map(str::to_owned))?
    });
    modules.filter(|module| module != own[0]).collect()
}
