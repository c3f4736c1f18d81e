//! Real Prometheus servers of all sizes side by side, each with a fleet of its own.

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use killsnoop_tests::{
    eventually,
    judge::rendered,
    measure::{process, progress, stats::Summary},
    prometheus::Prometheus,
    root,
};
use tempfile::TempDir;

use crate::{
    figures::{Kind, Role, Server},
    fleet::Fleet,
    patterns::Patterns,
    steps::Steps,
};

const ALONE: &str = "deploy/prometheus/prometheus.yml";
const AGENT: &str = "deploy/prometheus/agent.yml";
const CENTRAL: &str = "deploy/prometheus/central.yml";
/// The alerts, as the configurations name them.
pub(crate) const ALERTS: &str = "dashboards/alerts/killsnoop.yaml";
/// Nobody listens there: who is told of alerts is not measured.
const NOBODY: &str = "127.0.0.1:1";

/// Four scrapes of each node.
pub(crate) const WINDOW: Duration = Duration::from_mins(1);

/// A server of one round.
struct Watched {
    program: &'static str,
    role: Role,
    kind: Kind,
    nodes: usize,
    server: Prometheus,
    memory: Vec<f64>,
    // End after who scrapes them.
    _fleet: Option<Fleet>,
    _targets: Option<TempDir>,
}

/// What a server has done since it began.
struct Reading {
    at: Instant,
    cpu: f64,
    samples: f64,
    sent_bytes: f64,
    sent_samples: f64,
}

/// Which sizes of fleets there are, up to the largest.
pub(crate) fn sizes(most: usize) -> Vec<usize> {
    let mut sizes = vec![1, most / 4, most / 2, most];
    sizes.dedup();
    sizes
}

/// All servers of a round, measured at the same time.
pub(crate) fn round(number: usize, most: usize, patterns: &Patterns, steps: &mut Steps) -> Vec<Server> {
    steps.begin(&format!("Prometheus, round {number}: starts"));
    let mut all = start(most, patterns);
    steps.show("each node is scraped for the first time");
    for one in &all {
        one.wait_for_all_nodes();
    }
    steps.show("watched for four scrapes");
    let before: Vec<_> = all.iter().map(Watched::read).collect();
    let started = Instant::now();
    while started.elapsed() < WINDOW {
        sleep(Duration::from_secs(1));
        for one in &mut all {
            one.memory.extend(process::rss(one.server.process.pid()));
        }
    }
    let after: Vec<_> = all.iter().map(Watched::read).collect();
    let figures = all.iter().zip(before.iter().zip(&after));
    figures.map(|(one, (before, after))| one.figures(number, before, after)).collect()
}

fn start(most: usize, patterns: &Patterns) -> Vec<Watched> {
    let kinds = [Kind::Rest, Kind::Busy];
    let sizes = sizes(most);
    let newer = kinds.iter().flat_map(|kind| sizes.iter().map(|nodes| ("prometheus3", *kind, *nodes)));
    let plans: Vec<_> = newer.chain([("prometheus", Kind::Rest, most.div_ceil(2))]).collect();
    let mut all: Vec<_> = plans
        .into_iter()
        .map(|(program, kind, nodes)| {
            progress::show(&format!("starts {program} for {nodes} nodes"));
            alone(program, kind, nodes, patterns)
        })
        .collect();
    all.extend(agent_and_central(most.div_ceil(2), patterns));
    all
}

fn alone(program: &'static str, kind: Kind, nodes: usize, patterns: &Patterns) -> Watched {
    let fleet = Fleet::start(patterns.of(kind), nodes);
    let server = Prometheus::start(program, &configuration(&fleet, &[]), &[]);
    Watched {
        program,
        role: Role::Alone,
        kind,
        nodes,
        server,
        memory: vec![],
        _fleet: Some(fleet),
        _targets: None,
    }
}

/// The configuration that ships, with these nodes.
pub(crate) fn configuration(fleet: &Fleet, changes: &[(&str, &str)]) -> String {
    let rules = root().join(ALERTS).display().to_string();
    let named = format!("../../{ALERTS}");
    let targets = targets(fleet, "          ");
    let all =
        [("          - localhost:9435\n", targets.as_str()), (&named, &rules), ("localhost:9093", NOBODY)];
    rendered(ALONE, &[&all, changes].concat())
}

fn targets(fleet: &Fleet, indent: &str) -> String {
    fleet.addresses.iter().flat_map(|address| [indent, "- ", address, "\n"]).collect()
}

fn agent_and_central(nodes: usize, patterns: &Patterns) -> [Watched; 2] {
    let kind = Kind::Rest;
    let rules = root().join(ALERTS).display().to_string();
    let changes = [(&*format!("../../{ALERTS}"), &*rules), ("localhost:9093", NOBODY)];
    let central = Prometheus::start(
        "prometheus3",
        &rendered(CENTRAL, &changes),
        &["--web.enable-remote-write-receiver"],
    );
    let fleet = Fleet::start(patterns.of(kind), nodes);
    let folder = TempDir::new().expect("a temporary folder can be had");
    let file = folder.path().join("killsnoop.yml");
    fs::write(&file, format!("- targets:\n{}", targets(&fleet, "    "))).expect("it can be written to");
    let changes = [
        ("targets/*.yml", file.to_str().expect("its path is text")),
        ("prometheus.example.com:9090", &central.address),
    ];
    let agent = Prometheus::start("prometheus3", &rendered(AGENT, &changes), &["--agent"]);
    let watched = |role, server, fleet, targets| Watched {
        program: "prometheus3",
        role,
        kind,
        nodes,
        server,
        memory: vec![],
        _fleet: fleet,
        _targets: targets,
    };
    [watched(Role::Agent, agent, Some(fleet), Some(folder)), watched(Role::Central, central, None, None)]
}

impl Watched {
    fn wait_for_all_nodes(&self) {
        // What an agent has scraped the central one knows.
        if self.role != Role::Agent {
            wait_for(&self.server, self.nodes);
        }
    }

    fn read(&self) -> Reading {
        let itself = self.server.itself();
        let samples = match self.role {
            Role::Agent => "prometheus_agent_samples_appended_total",
            Role::Alone | Role::Central => "prometheus_tsdb_head_samples_appended_total",
        };
        Reading {
            at: Instant::now(),
            cpu: process::cpu_seconds(self.server.process.pid()).expect("it runs"),
            samples: itself.sum(samples),
            sent_bytes: itself.sum("prometheus_remote_storage_bytes_total"),
            sent_samples: itself.sum("prometheus_remote_storage_samples_total"),
        }
    }

    fn figures(&self, round: usize, before: &Reading, after: &Reading) -> Server {
        let seconds = (after.at - before.at).as_secs_f64();
        let itself = self.server.itself();
        let series = match self.role {
            Role::Agent => "prometheus_agent_active_series",
            Role::Alone | Role::Central => "prometheus_tsdb_head_series",
        };
        let memory = Summary::of(self.memory.iter().copied()).expect("it was looked at");
        let scrapes = self.scrapes();
        let sent = after.sent_samples - before.sent_samples;
        let milliseconds = |seconds: f64| seconds * 1e3;
        let alerts = itself.sum("prometheus_rule_group_last_duration_seconds");
        Server {
            program: version(self.program),
            role: self.role,
            kind: self.kind,
            nodes: self.nodes,
            round,
            series: itself.sum(series),
            samples_per_second: (after.samples - before.samples) / seconds,
            cpu: (after.cpu - before.cpu) / seconds,
            memory: memory.median,
            memory_most: memory.max,
            scrape: scrapes.map(|all| milliseconds(all.median)),
            scrape_longest: scrapes.map(|all| milliseconds(all.max)),
            alerts: (self.role != Role::Agent).then(|| milliseconds(alerts)),
            sent: (sent > 0.0).then(|| (after.sent_bytes - before.sent_bytes) / sent),
        }
    }

    /// Seconds that the last scrape of each node took.
    fn scrapes(&self) -> Option<Summary> {
        if self.role == Role::Agent {
            return None;
        }
        Summary::of(self.server.query("scrape_duration_seconds").iter().map(|row| row.value))
    }
}

/// Waits until each node was scraped.
pub(crate) fn wait_for(server: &Prometheus, nodes: usize) {
    let up = || server.query("count(up{job=\"killsnoop\"} == 1)").first().map(|row| row.value);
    let all = || up().filter(|n| *n >= nodes as f64);
    eventually(all, || format!("{:?} of {nodes} nodes were scraped\n{}", up(), server.process.stderr));
}

/// As a program says it itself: `3.5.3`.
pub(crate) fn version(program: &str) -> String {
    use killsnoop_tests::{measure::machine::first_line, tool};
    let line = first_line(std::process::Command::new(tool(program)).arg("--version")).unwrap_or_default();
    let version = line.split(' ').nth(2).unwrap_or_default();
    version.split(['+', '~', '-']).next().unwrap_or_default().to_owned()
}
