//! What fleets cost that nobody can put on one machine: calculated line by line from what was measured.

use killsnoop_tests::measure::markdown::{head, row};

use crate::{
    collectors::{OF_AGENT, OF_GATEWAY, SINGLE},
    figures::{Figures, History, Kind, Point, Server},
    fit::Line,
    numbers::{bytes, memory, number, short},
};

/// Sizes of fleets.
const FLEETS: [f64; 3] = [1.0, 100.0, 10_000.0];
/// Seconds.
const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
/// How long Prometheus keeps samples, unless told otherwise, in days.
const KEPT: f64 = 15.0;
/// How long a head may be until it is cut: one and a half of its two hours.
const HEAD: f64 = 3.0 * HOUR;

/// A line of a calculation: what, how for the largest fleet, and what it comes to for each.
struct Sum {
    what: &'static str,
    how: String,
    results: Vec<String>,
}

/// What scraping a fleet costs one Prometheus.
pub(crate) fn metrics(figures: &Figures, kind: Kind) -> Option<String> {
    let line = |of| figures.lines(kind, of).map(|(line, _)| line);
    let (series, ram, cpu) = (line(series)?, line(ram)?, line(cpu)?);
    let page = match kind {
        Kind::Rest => &figures.pages.rest,
        Kind::Busy => &figures.pages.busy,
    };
    let history = figures.histories.iter().find(|one| one.kind == kind)?;
    let (gzip, interval, growth) = (page.gzip as f64, figures.interval, history.growth());
    let (wal, kept) = (history.wal_per_sample(), history.bytes_per_sample());
    let samples = |nodes| series.at(nodes) / interval;
    let last = FLEETS[2];
    let count = |value: f64| number(value, 0);
    let sums = [
        sum("series", grows(series, last, count), |nodes| count(series.at(nodes))),
        sum("samples a second", format!("{} ÷ {interval} s", count(series.at(last))), |nodes| {
            short(samples(nodes))
        }),
        sum(
            "pages a second, with gzip",
            format!("{} × {} ÷ {interval} s", count(last), bytes(gzip)),
            |nodes| format!("{}/s", bytes(nodes * gzip / interval)),
        ),
        sum("CPUs of Prometheus, alerts included", grows(cpu, last, precise), |nodes| short(cpu.at(nodes))),
        sum(
            "its memory after five scrapes",
            grows(ram, last, |value| format!("{} MiB", precise(value))),
            |nodes| memory(ram.at(nodes)),
        ),
        sum("its memory with two hours of samples", format!("× {growth:.2}"), |nodes| {
            memory(ram.at(nodes) * growth)
        }),
        sum(
            "write-ahead log of 3 hours",
            format!("{}/s × 10,800 s × {wal:.2} bytes", short(samples(last))),
            |nodes| bytes(samples(nodes) * HEAD * wal),
        ),
        sum(
            "blocks of a day",
            format!("{}/s × 86,400 s × {kept:.2} bytes", short(samples(last))),
            |nodes| bytes(samples(nodes) * DAY * kept),
        ),
        sum("blocks of 15 days, which are kept by default", "× 15".to_owned(), |nodes| {
            bytes(samples(nodes) * DAY * kept * KEPT)
        }),
    ];
    let titles = ["what", "how, for 10,000"].map(str::to_owned).into_iter().chain(FLEETS.map(nodes));
    Some(table(&titles.collect::<Vec<_>>(), &sums))
}

fn table(titles: &[String], sums: &[Sum]) -> String {
    let mut table = head(&titles[0], &titles[1..]);
    for Sum { what, how, results } in sums {
        table += &row(what, [how].into_iter().chain(results).cloned().map(Some));
    }
    table
}

fn sum(what: &'static str, how: String, of: impl Fn(f64) -> String) -> Sum {
    Sum { what, how, results: FLEETS.map(of).into() }
}

/// A line at so many nodes.
fn grows(line: Line, nodes: f64, show: impl Fn(f64) -> String) -> String {
    format!("{} + {} × {}", show(line.fixed), number(nodes, 0), show(line.each))
}

/// With four digits that say something, for what is multiplied by much.
fn precise(value: f64) -> String {
    match value.abs() {
        large if large >= 10.0 => number(value, 2),
        small if small >= 0.01 => number(value, 4),
        _ => number(value, 6),
    }
}

fn nodes(n: f64) -> String {
    let plural = if n > 1.0 { "s" } else { "" };
    format!("{} node{plural}", number(n, 0))
}

/// What each of these is of one server.
pub(crate) fn series(server: &Server) -> f64 {
    server.series
}

pub(crate) fn samples(server: &Server) -> f64 {
    server.samples_per_second
}

/// Of memory, the most that there was: what must be had.
pub(crate) fn ram(server: &Server) -> f64 {
    server.memory_most
}

pub(crate) fn cpu(server: &Server) -> f64 {
    server.cpu
}

impl History {
    fn end(&self) -> Option<(&Point, &Point)> {
        self.points.first().zip(self.points.last())
    }

    /// How many times the memory of the first scrapes there is at the end.
    pub(crate) fn growth(&self) -> f64 {
        self.end().map_or(1.0, |(first, last)| (last.memory / first.memory).max(1.0))
    }

    /// Without the names of the series, which are written first.
    pub(crate) fn wal_per_sample(&self) -> f64 {
        let rate = |(first, last): (&Point, &Point)| {
            (last.wal_bytes - first.wal_bytes) / (last.samples - first.samples)
        };
        self.end().map_or(0.0, rate)
    }

    /// Of a block.
    pub(crate) fn bytes_per_sample(&self) -> f64 {
        (self.block.chunks_bytes + self.block.index_bytes) / self.block.samples
    }
}

/// What events of a fleet cost its collectors, at some rates.
pub(crate) fn events(figures: &Figures) -> Option<String> {
    let median = |load, of| figures.collector(load, of);
    let stored = median(OF_GATEWAY, |run| run.received_plain)?;
    let agent = median(OF_AGENT, |run| run.cpu)?;
    let titles = [
        "records a second",
        "from agents to the gateway",
        "from there to the store",
        "CPUs of all agents",
        "CPUs of the gateway, by the record",
        "records of a day, uncompressed",
    ];
    let mut table = head("fleet, and events of a node", &titles.map(str::to_owned));
    for nodes in [100.0, 10_000.0] {
        for (per_node, rate, load) in [
            ("1 a minute", 1.0 / 60.0, SINGLE),
            ("1 a second", 1.0, SINGLE),
            ("10 a second", 10.0, OF_GATEWAY),
        ] {
            let (n, cpu) = (nodes * rate, median(load, |run| run.cpu)?);
            let count = number(n, usize::from(n < 10.0));
            let per_second = |each: f64| Some(format!("{}/s", bytes(n * each)));
            table += &row(
                &format!("{}, {per_node}", self::nodes(nodes)),
                [
                    Some(count.clone()),
                    per_second(median(load, |run| run.received)?),
                    per_second(median(load, |run| run.sent)?),
                    Some(short(n * agent / 1e3)),
                    Some(format!("{count} × {cpu:.3} ms = {}", short(n * cpu / 1e3))),
                    Some(bytes(n * stored * DAY)),
                ],
            );
        }
    }
    Some(table)
}
