//! Measures what a fleet costs those who watch it: `tests/run scale`.
//!
//! Nodes are simulated, all else is real: their page is that of the binary that ships, on this kernel, with its series and
//! their movement; Prometheus and the OpenTelemetry Collector run by the configurations that ship. Servers of all sizes run
//! side by side, each figure is of one process, and what 10,000 nodes cost is calculated.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its tables, and ends where it cannot measure"
)]

mod arithmetic;
mod collectors;
mod documents;
mod figures;
mod fit;
mod fleet;
mod history;
mod node;
mod numbers;
mod options;
mod page;
mod patterns;
mod plot;
mod records;
mod senders;
mod servers;
mod steps;
mod tables;
mod wire;
mod workload;

use std::{env, process::Command, sync::Arc};

use killsnoop_tests::{
    measure::{
        machine::{Machine, first_line},
        progress,
    },
    tool,
};

use crate::{
    figures::{Figures, Kind},
    options::Options,
    steps::Steps,
};

fn main() {
    let args: Vec<_> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [node::COMMAND, pattern, n] => node::serve(pattern, n),
        _ => scale(&Options::parse(&args)),
    }
}

fn scale(options: &Options) {
    let figures = if options.again { documents::last() } else { measure(options) };
    progress::end();
    documents::publish(&figures, options.write);
}

fn measure(options: &Options) -> Figures {
    let Options { nodes, rounds, scrapes, .. } = *options;
    let mut steps = Steps::new(3 + 2 * rounds);
    let machine = Machine::look(versions());
    let (patterns, pages) = patterns::take(&mut steps);
    let histories = [(Kind::Rest, nodes.div_ceil(4)), (Kind::Busy, nodes.div_ceil(10))]
        .map(|(kind, nodes)| history::start(kind, nodes, scrapes, &patterns));
    let servers =
        (1..=rounds).flat_map(|round| servers::round(round, nodes, &patterns, &mut steps)).collect();
    steps.begin("records of real deaths");
    let (pool, records) = records::take();
    let pool = Arc::new(pool);
    let collectors =
        (1..=rounds).flat_map(|round| collectors::round(round, nodes, &pool, &mut steps)).collect();
    steps.begin("two hours of samples");
    let histories = histories.map(|history| history.join().expect("it was watched to its end"));
    Figures {
        machine: machine.sentence(),
        versions: machine
            .versions
            .iter()
            .map(|(name, version)| ((*name).to_owned(), version.clone()))
            .collect(),
        interval: patterns::INTERVAL.as_secs_f64(),
        window: servers::WINDOW.as_secs_f64(),
        rounds,
        pages,
        servers,
        histories: histories.into(),
        records,
        collectors,
    }
}

/// Of what is real here.
fn versions() -> [(&'static str, Option<String>); 3] {
    let collector = first_line(Command::new(tool("otelcol")).arg("--version"));
    let collector = collector.and_then(|line| Some(line.rsplit(' ').next()?.to_owned()));
    [
        ("Prometheus", Some(servers::version("prometheus3"))),
        ("Prometheus, the older", Some(servers::version("prometheus"))),
        ("OpenTelemetry Collector", collector),
    ]
}
