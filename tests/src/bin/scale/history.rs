//! What two hours of samples come to in eight minutes: a server that scrapes each second, from nodes that move with each
//! scrape as others do in fifteen seconds.

use std::{
    fs,
    path::Path,
    thread::{self, JoinHandle, sleep},
    time::Duration,
};

use killsnoop_tests::{
    http,
    measure::{process, stats::Summary},
    prometheus::Prometheus,
    root,
};
use serde_json::Value;

use crate::{
    figures::{Block, History, Kind, Point},
    fleet::Fleet,
    patterns::Patterns,
    servers::{ALERTS, configuration, wait_for},
};

/// Scrapes of each node: as many as there are in two hours at 15 seconds, which is what a block holds.
pub(crate) const SCRAPES: usize = 480;
/// Scrapes between two looks.
const LOOK: f64 = 40.0;

/// Starts one that goes on beside all else.
pub(crate) fn start(kind: Kind, nodes: usize, scrapes: usize, patterns: &Patterns) -> JoinHandle<History> {
    let fleet = Fleet::start(patterns.of(kind), nodes);
    // Without alerts: whatever happens fifteen times as often as it did fires more of them, and each is a series.
    let rules = root().join(ALERTS).display().to_string();
    let changes = [("scrape_interval: 15s", "scrape_interval: 1s"), (&rules, "none-*.yaml")];
    let server =
        Prometheus::start("prometheus3", &configuration(&fleet, &changes), &["--web.enable-admin-api"]);
    wait_for(&server, nodes);
    thread::spawn(move || watch(kind, fleet, &server, scrapes))
}

fn watch(kind: Kind, fleet: Fleet, server: &Prometheus, scrapes: usize) -> History {
    let (mut points, mut seen): (Vec<Point>, _) = (vec![], vec![]);
    let series = loop {
        seen.extend(process::rss(server.process.pid()));
        let itself = server.itself();
        let series = itself.sum("prometheus_tsdb_head_series");
        let samples = itself.sum("prometheus_tsdb_head_samples_appended_total");
        let is_last = samples >= series * scrapes as f64;
        let looked = points.last().map_or(0.0, |last| last.samples);
        if is_last || samples - looked >= series * LOOK {
            let memory = Summary::of(seen.drain(..)).expect("it runs");
            points.push(Point {
                samples,
                // As the servers of a round have it: the most between two looks.
                memory: memory.max,
                wal_bytes: size(&server.data().join("wal")),
            });
        }
        if is_last {
            break series;
        }
        sleep(Duration::from_millis(500));
    };
    let nodes = fleet.addresses.len();
    drop(fleet);
    History { kind, nodes, series, points, block: snapshot(server) }
}

/// Makes a block of all that a server holds.
fn snapshot(server: &Prometheus) -> Block {
    let answer = http::post(&server.address, "/api/v1/admin/tsdb/snapshot");
    let answer: Value = serde_json::from_str(answer.text()).expect("an answer is JSON");
    let name = answer["data"]["name"].as_str().unwrap_or_else(|| panic!("no snapshot: {answer}"));
    let blocks = fs::read_dir(server.data().join("snapshots").join(name)).expect("the snapshot is there");
    let mut all = Block { samples: 0.0, series: 0.0, chunks_bytes: 0.0, index_bytes: 0.0 };
    // Two, if an even hour lies in between.
    for block in blocks.map(|block| block.expect("a folder can be read").path()) {
        let meta = fs::read_to_string(block.join("meta.json")).expect("a block says what it holds");
        let meta: Value = serde_json::from_str(&meta).expect("it is JSON");
        let number = |name: &str| meta["stats"][name].as_f64().unwrap_or(0.0);
        all.samples += number("numSamples");
        all.series += number("numSeries");
        all.chunks_bytes += size(&block.join("chunks"));
        all.index_bytes += size(&block.join("index"));
    }
    all
}

/// Bytes of a file, or of all files in a folder. What is removed meanwhile has none.
fn size(path: &Path) -> f64 {
    let Ok(entries) = fs::read_dir(path) else {
        return fs::metadata(path).map_or(0.0, |file| file.len() as f64);
    };
    entries.filter_map(Result::ok).map(|entry| size(&entry.path())).sum()
}
