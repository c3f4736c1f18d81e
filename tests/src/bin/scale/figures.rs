//! All figures of a run, as scale.json has them. Tables and pictures are made of these alone.

use std::collections::BTreeMap;

use killsnoop_tests::measure::stats::Summary;
use serde::{Deserialize, Serialize};

use crate::{fit::Line, page::Size};

/// What was measured.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Figures {
    /// Where, in one sentence.
    pub(crate) machine: String,
    pub(crate) versions: BTreeMap<String, String>,
    /// Seconds between two scrapes of a node.
    pub(crate) interval: f64,
    /// Seconds for which each server was watched.
    pub(crate) window: f64,
    pub(crate) rounds: usize,
    pub(crate) pages: Pages,
    pub(crate) servers: Vec<Server>,
    pub(crate) histories: Vec<History>,
    pub(crate) records: Records,
    pub(crate) collectors: Vec<Collector>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Pages {
    pub(crate) rest: Size,
    pub(crate) busy: Size,
}

/// Which page the nodes have.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Rest,
    Busy,
}

/// What a Prometheus does.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Scrapes, keeps, and evaluates the alerts: deploy/prometheus/prometheus.yml.
    Alone,
    /// Scrapes and hands on: deploy/prometheus/agent.yml.
    Agent,
    /// Is written to, keeps, and evaluates the alerts: deploy/prometheus/central.yml.
    Central,
}

/// A Prometheus in one round.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Server {
    pub(crate) program: String,
    pub(crate) role: Role,
    pub(crate) kind: Kind,
    pub(crate) nodes: usize,
    pub(crate) round: usize,
    pub(crate) series: f64,
    pub(crate) samples_per_second: f64,
    /// Seconds of CPU a second.
    pub(crate) cpu: f64,
    /// Memory in use, MiB: the median of one look a second, and the most.
    pub(crate) memory: f64,
    pub(crate) memory_most: f64,
    /// Milliseconds that Prometheus waits for a page and reads it: of all nodes the median, and the longest.
    pub(crate) scrape: Option<f64>,
    pub(crate) scrape_longest: Option<f64>,
    /// Milliseconds in which all alerts are evaluated.
    pub(crate) alerts: Option<f64>,
    /// Bytes by remote write, for each sample.
    pub(crate) sent: Option<f64>,
}

/// A Prometheus that scraped often, to see what many scrapes come to.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct History {
    pub(crate) kind: Kind,
    pub(crate) nodes: usize,
    pub(crate) series: f64,
    pub(crate) points: Vec<Point>,
    pub(crate) block: Block,
}

/// How far a history was at one time.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Point {
    pub(crate) samples: f64,
    /// MiB.
    pub(crate) memory: f64,
    pub(crate) wal_bytes: f64,
}

/// What a snapshot of it holds: a block as Prometheus writes one every two hours.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Block {
    pub(crate) samples: f64,
    pub(crate) series: f64,
    pub(crate) chunks_bytes: f64,
    pub(crate) index_bytes: f64,
}

/// What a real exporter sent.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Records {
    pub(crate) deaths: usize,
    pub(crate) calls: usize,
    pub(crate) others: usize,
    /// Bytes of a record: of its death, of the call that was its reason, as they are in a request.
    pub(crate) death_bytes: f64,
    pub(crate) call_bytes: f64,
    /// Bytes of all requests for each record, and with `--otlp.compression gzip`.
    pub(crate) plain: f64,
    pub(crate) gzip: f64,
    pub(crate) per_request: f64,
}

/// An OpenTelemetry Collector in one run.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Collector {
    pub(crate) load: String,
    pub(crate) round: usize,
    pub(crate) senders: usize,
    /// Of each sender.
    pub(crate) requests_per_second: usize,
    pub(crate) records_per_request: usize,
    pub(crate) records: f64,
    pub(crate) seconds: f64,
    /// Seconds of CPU for a thousand records.
    pub(crate) cpu: f64,
    /// Bytes for each record, as they were on the wire: in, out, and what those that came in are without compression.
    pub(crate) received: f64,
    pub(crate) received_plain: f64,
    pub(crate) sent: f64,
    /// MiB.
    pub(crate) memory: f64,
    pub(crate) memory_most: f64,
}

impl Figures {
    /// Servers of one kind.
    pub(crate) fn servers(&self, program: &str, role: Role, kind: Kind) -> impl Iterator<Item = &Server> {
        let wanted =
            move |one: &&Server| one.program.starts_with(program) && one.role == role && one.kind == kind;
        self.servers.iter().filter(wanted)
    }

    /// The median of collectors under this load, of those with the most senders.
    pub(crate) fn collector(&self, load: &str, of: fn(&Collector) -> f64) -> Option<f64> {
        let runs = || self.collectors.iter().filter(|run| run.load == load);
        let most = runs().map(|run| run.senders).max()?;
        Some(Summary::of(runs().filter(|run| run.senders == most).map(of))?.median)
    }

    /// How something grows with the nodes that a Prometheus 3 scrapes: in all rounds together, and in each.
    pub(crate) fn lines(&self, kind: Kind, of: fn(&Server) -> f64) -> Option<(Line, Vec<Line>)> {
        let all: Vec<_> = self.servers(NEWER, Role::Alone, kind).collect();
        let points = |wanted: &dyn Fn(usize) -> bool| {
            let some = all.iter().filter(|one| wanted(one.round));
            some.map(|one| (one.nodes as f64, of(one))).collect::<Vec<_>>()
        };
        let each = (1..=self.rounds).filter_map(|round| Line::through(&points(&|one| one == round)));
        Some((Line::through(&points(&|_| true))?, each.collect()))
    }
}

/// The version that most is measured with, and the oldest that the configuration is for.
pub(crate) const NEWER: &str = "3.";
pub(crate) const OLDER: &str = "2.";
