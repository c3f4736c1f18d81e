//! The figures as tables: all of them for docs/scale/scale.md, the few that matter for docs/scaling.md.

use killsnoop_tests::measure::markdown::{head, row};

use crate::{
    arithmetic::{self, cpu, ram, samples, series},
    collectors::{OF_AGENT, OF_GATEWAY},
    figures::{Collector, Figures, Kind, NEWER, OLDER, Point, Role, Server},
    fit::Line,
    numbers::{bytes, memory, number, short, spread},
};

const KINDS: [(Kind, &str); 2] = [(Kind::Rest, "at rest"), (Kind::Busy, "busy")];

/// A figure of a server: its name, and in which measure it is shown.
type Column = (&'static str, fn(&Server) -> f64);

/// The same of a collector.
type OfCollector = (&'static str, fn(&Collector) -> f64);

const COLUMNS: [Column; 4] = [
    ("series", series),
    ("samples a second", samples),
    ("CPU, %", |one| cpu(one) * 100.0),
    ("memory, MiB", ram),
];

/// All tables.
pub(crate) fn page(figures: &Figures) -> String {
    [
        intro(figures),
        pages(figures),
        servers(figures),
        fits(figures),
        shapes(figures),
        histories(figures),
        records(figures),
        collectors(figures),
    ]
    .join("\n")
}

/// What docs/scaling.md shows.
pub(crate) fn short_page(figures: &Figures) -> String {
    let titles = ["Ten thousand nodes at rest", "Ten thousand busy nodes"];
    let sums = KINDS.iter().zip(titles).filter_map(|((kind, _), title)| {
        Some(format!("### {title}\n\n{}\n", arithmetic::metrics(figures, *kind)?))
    });
    format!(
        "{}. [All figures](scale/scale.md), with their ranges, and [as JSON](scale/scale.json).\n\n\
         ![Memory and CPU of Prometheus by the number of nodes](scale/scale.svg)\n\n\
         ### A hundred nodes\n\n{}\n{}### Events\n\n{}",
        figures.machine,
        hundred(figures),
        sums.collect::<String>(),
        arithmetic::events(figures).unwrap_or_default()
    )
}

fn intro(figures: &Figures) -> String {
    let versions: Vec<_> =
        figures.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let Figures { machine, interval, window, rounds, .. } = figures;
    format!(
        "# What a fleet costs\n\nMade by `tests/run scale`. {machine}. {}.\n\nNodes are simulated: each serves the page of \
         a real exporter on this machine, with the series of that and values of its own that move as those did. Prometheus \
         scrapes each every {interval} s, for {window} s after the first time; servers of all sizes do so at the same time, \
         and figures are of one process each. Where there is a range it is the median (min … max) of {rounds} rounds. Memory \
         is the most that was in use (RSS).\n",
        versions.join(", ")
    )
}

fn pages(figures: &Figures) -> String {
    let titles = ["series", "of these moved in 15 s", "OpenMetrics, bytes", "with gzip"].map(str::to_owned);
    let mut table = head("page", &titles);
    for (title, size) in [("at rest", &figures.pages.rest), ("busy", &figures.pages.busy)] {
        let all = [size.series, size.moving, size.bytes, size.gzip];
        table += &row(title, all.map(|n| Some(number(n as f64, 0))));
    }
    format!(
        "## Pages\n\nOf the exporter with `--otlp.endpoint`. Busy is after every call with every signal, allowed, forbidden \
         and in vain, and a death of each signal that ends a process.\n\n{table}"
    )
}

fn servers(figures: &Figures) -> String {
    let more: [Column; 3] = [
        ("scrape, ms", |one| one.scrape.unwrap_or_default()),
        ("longest scrape, ms", |one| one.scrape_longest.unwrap_or_default()),
        ("all alerts, ms", |one| one.alerts.unwrap_or_default()),
    ];
    let columns: Vec<_> = COLUMNS.into_iter().chain(more).collect();
    let titles: Vec<_> = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let mut table = head("nodes", &titles);
    for (kind, title) in KINDS {
        let all: Vec<_> = figures.servers(NEWER, Role::Alone, kind).collect();
        for nodes in sizes(&all) {
            let of = |of: fn(&Server) -> f64| {
                spread(all.iter().filter(|one| one.nodes == nodes).map(|one| of(one)))
            };
            table += &row(&format!("{nodes}, {title}"), columns.iter().map(|(_, column)| Some(of(*column))));
        }
    }
    format!("## Prometheus that scrapes nodes and evaluates the alerts\n\n{table}")
}

fn sizes(servers: &[&Server]) -> Vec<usize> {
    let mut sizes: Vec<_> = servers.iter().map(|one| one.nodes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn fits(figures: &Figures) -> String {
    let titles = ["at no nodes", "100 nodes add", "farthest point from the line", "variance explained"]
        .map(str::to_owned);
    let mut table = head("line", &titles);
    for (kind, title) in KINDS {
        for (name, column) in COLUMNS {
            let Some((line, each)) = figures.lines(kind, column) else { continue };
            table += &row(
                &format!("{name}, {title}"),
                [
                    Some(short(line.fixed)),
                    Some(spread(each.iter().map(|line| line.each * 100.0))),
                    Some(short(line.residual)),
                    Some(format!("{:.2} %", line.explained * 100.0)),
                ],
            );
        }
    }
    format!(
        "## Lines through these points\n\nOf least squares, through the points of all rounds; what 100 nodes add is of the \
         line of each round.\n\n{table}"
    )
}

/// One Prometheus or two, the newer or the older.
fn shapes(figures: &Figures) -> String {
    let columns: Vec<Column> = COLUMNS.into_iter().collect();
    let titles = columns.iter().map(|(title, _)| (*title).to_owned());
    let titles: Vec<_> = titles.chain(["bytes sent for a sample".to_owned()]).collect();
    let agents = || figures.servers(NEWER, Role::Agent, Kind::Rest);
    let nodes = agents().map(|one| one.nodes).max().unwrap_or_default();
    let mut table = head(&format!("{nodes} nodes at rest"), &titles);
    for (title, program, role) in [
        ("Prometheus", NEWER, Role::Alone),
        ("an older Prometheus", OLDER, Role::Alone),
        ("agent", NEWER, Role::Agent),
        ("the central one behind it", NEWER, Role::Central),
    ] {
        let all: Vec<_> =
            figures.servers(program, role, Kind::Rest).filter(|one| one.nodes == nodes).collect();
        let version = all.first().map(|one| one.program.clone()).unwrap_or_default();
        let cells = columns.iter().map(|(_, column)| Some(spread(all.iter().map(|one| column(one)))));
        let sent = spread(all.iter().filter_map(|one| one.sent));
        table += &row(&format!("{title}, {version}"), cells.chain([Some(sent)]));
    }
    format!("## Other ways to scrape as many\n\n{table}")
}

fn histories(figures: &Figures) -> String {
    let titles = [
        "nodes",
        "samples of a series",
        "memory at first, MiB",
        "at the end, MiB",
        "write-ahead log, bytes a sample",
        "block, bytes a sample",
        "of these the index",
    ];
    let mut table = head("page", &titles.map(str::to_owned));
    for history in &figures.histories {
        let title = KINDS.iter().find(|(kind, _)| *kind == history.kind).map_or("", |(_, title)| title);
        let memory = |point: Option<&Point>| point.map(|point| short(point.memory));
        let block = &history.block;
        table += &row(
            title,
            [
                Some(history.nodes.to_string()),
                Some(number(block.samples / block.series, 0)),
                memory(history.points.first()),
                memory(history.points.last()),
                Some(short(history.wal_per_sample())),
                Some(short(history.bytes_per_sample())),
                Some(short(block.index_bytes / block.samples)),
            ],
        );
    }
    format!(
        "## Two hours of samples\n\nIn eight minutes: these servers scrape each second without alerts, and with each scrape the nodes \
         move as others do in 15 s. A block is a snapshot at the end; the longer a block, the less of an index there is for a \
         sample.\n\n{table}"
    )
}

fn records(figures: &Figures) -> String {
    let records = &figures.records;
    let mut table = head("record", &["number", "bytes"].map(str::to_owned));
    let mut add = |title: &str, n: Option<usize>, bytes: f64| {
        table += &row(title, [n.map(|n| number(n as f64, 0)), Some(number(bytes, 0))]);
    };
    let n = records.deaths + records.calls + records.others;
    add("death", Some(records.deaths), records.death_bytes);
    add("call", Some(records.calls), records.call_bytes);
    add("all, as in requests", Some(n), records.plain);
    add("all, with `--otlp.compression gzip`", Some(n), records.gzip);
    format!(
        "## Records\n\nWhat a real exporter sent of processes that were killed as fast as one process can, {} records a \
         request.\n\n{table}",
        number(records.per_request, 0)
    )
}

fn collectors(figures: &Figures) -> String {
    let columns: [OfCollector; 6] = [
        ("records a second", |run| run.records / run.seconds),
        ("CPU for 1,000 records, ms", |run| run.cpu * 1e3),
        ("in, bytes a record", |run| run.received),
        ("that is without gzip", |run| run.received_plain),
        ("out, bytes a record", |run| run.sent),
        ("memory, MiB", |run| run.memory_most),
    ];
    let mut table = head("load", &columns.map(|(title, _)| title.to_owned()));
    for (load, senders, runs) in runs(figures) {
        let Some(first) = runs.first() else { continue };
        let plural = if senders == 1 { "" } else { "s" };
        let title = format!(
            "{load}: {senders} sender{plural}, {} × {} records a second each",
            first.requests_per_second, first.records_per_request
        );
        let cells = columns.iter().map(|(_, column)| Some(spread(runs.iter().map(|run| column(run)))));
        table += &row(&title, cells);
    }
    format!(
        "## Collectors\n\nThese records, from simulated senders with a connection and a name each, by OTLP over gRPC: to an \
         agent as exporters send, to a gateway as agents do, with gzip. Bytes are those on the wire.\n\n{table}"
    )
}

/// Runs under the same load, in the order in which they were made.
fn runs(figures: &Figures) -> Vec<(&str, usize, Vec<&Collector>)> {
    let mut all: Vec<(&str, usize, Vec<&Collector>)> = vec![];
    for run in &figures.collectors {
        match all.iter_mut().find(|(load, senders, _)| *load == run.load && *senders == run.senders) {
            Some((.., runs)) => runs.push(run),
            None => all.push((&run.load, run.senders, vec![run])),
        }
    }
    all
}

/// What a hundred nodes cost, which is what most who ask want to know.
fn hundred(figures: &Figures) -> String {
    let at = |kind, of: fn(&Server) -> f64| figures.lines(kind, of).map(|(_, each)| each);
    let add =
        |kind, of| at(kind, of).map(|lines: Vec<Line>| spread(lines.iter().map(|line| line.each * 100.0)));
    let mut table = head("100 nodes add", &["at rest", "busy"].map(str::to_owned));
    for (name, column) in COLUMNS {
        table += &row(&format!("Prometheus: {name}"), KINDS.map(|(kind, _)| add(kind, column)));
    }
    let pages = [&figures.pages.rest, &figures.pages.busy];
    table += &row("pages of one scrape", pages.map(|size| Some(bytes(size.bytes as f64 * 100.0))));
    table +=
        &row("the same with gzip, as they are sent", pages.map(|size| Some(bytes(size.gzip as f64 * 100.0))));
    let runs = |load, of| figures.collector(load, of).unwrap_or_default();
    let (agent, gateway) = (runs(OF_AGENT, |run| run.cpu * 1e3), runs(OF_GATEWAY, |run| run.cpu * 1e3));
    format!(
        "{table}\nPrometheus with no nodes at all takes {}. A record of an event takes {} bytes, {} with gzip; a thousand of \
         them take {} ms of CPU in an agent and {} ms in a gateway, which have {} and {} in use.\n",
        figures.lines(Kind::Rest, ram).map(|(line, _)| memory(line.fixed)).unwrap_or_default(),
        number(figures.records.plain, 0),
        number(figures.records.gzip, 0),
        short(agent),
        short(gateway),
        memory(runs(OF_AGENT, |run| run.memory_most)),
        memory(runs(OF_GATEWAY, |run| run.memory_most)),
    )
}
