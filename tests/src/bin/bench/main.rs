//! Measures what the exporter and its peers cost others and themselves: `tests/run bench`.
//!
//! Clocks of a shared machine drift, so nothing is compared across time: each figure is the difference between two loops
//! that ran one after the other, without and with a tool, and the tools take turns. Only ratios carry over to another
//! machine. Whoever cannot start here is a row that says why.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its tables, and ends where it cannot measure"
)]

mod cost;
mod flood;
mod guest;
mod loops;
mod markdown;
mod options;
mod plot;
mod process;
mod readme;
mod reference;
mod report;
mod running;
mod scrape;
mod stats;
mod tools;
mod versions;
mod worker;

use std::{env, fs, path::Path, time::Duration};

use killsnoop_tests::{measure::progress, otelcol::Otelcol, root};

use crate::{options::Options, progress::Step, report::Report, tools::Tool, worker::Worker};

fn main() {
    let args: Vec<_> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["worker", share] => worker::obey(share),
        ["static", file] => scrape::serve(file),
        ["reference", object, program] => reference::hold(Path::new(object), program),
        ["guest", object] => guest::run(Path::new(object)),
        _ => bench(&Options::parse(&args)),
    }
}

fn bench(options: &Options) {
    progress::say("begin");
    process::pin(process::REST);
    let collector = Otelcol::counting();
    let mut worker = Worker::start(worker::WHOLE);
    let reference = reference::build();
    let object = reference.as_deref().map_err(|why| progress::say(&format!("no C references: {why}"))).ok();
    let tools = tools::all(worker.pid(), &collector.grpc(), object);
    let tools: Vec<_> = tools.into_iter().filter(|tool| options.wants(&tool.name)).collect();
    progress::plan(steps(options, &tools));
    let mut report = Report::new(options.pairs, &tools);
    cost::measure(&mut report, &tools, &mut worker, options.pairs);
    flood::measure(&mut report, &tools, &mut worker, options.idle);
    report.scrape = Some(scrape::measure(&mut worker));
    if options.guest {
        report.guest = Some(reference.and_then(|object| guest::measure(&object)));
    }
    progress::end();
    publish(&report, options);
}

/// What there is to do, with times as they are on 2 CPUs; `progress` learns how much slower this machine is.
fn steps(options: &Options, tools: &[Tool]) -> Vec<Step> {
    let step = |name, n, seconds| Step { name, n, each: Duration::from_secs(seconds) };
    let n_flooded = tools.iter().filter(|tool| flood::is_flooded(tool)).count();
    let mut steps = vec![
        step(cost::STEP, options.pairs * tools.len(), 2),
        step(flood::STEP, n_flooded, options.idle.as_secs() + 8),
        step(scrape::STEP, 1, 10),
    ];
    steps.extend(options.guest.then(|| step(guest::STEP, 1, 120)));
    steps
}

/// Puts the figures where people and programs look for them.
fn publish(report: &Report, options: &Options) {
    let (table, picture) = (markdown::page(report), plot::svg(report));
    println!("{table}");
    let target = &options.out;
    save(&target.join("bench.json"), &format!("{:#}\n", report.json()));
    save(&target.join("bench.md"), &table);
    save(&target.join("bench.svg"), &picture);
    if options.write {
        let docs = root().join("docs/bench");
        save(&docs.join("bench.md"), &table);
        save(&docs.join("bench.svg"), &picture);
        readme::fill(report);
    }
}

fn save(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder can be made");
    fs::write(path, text).expect("a file can be written");
    progress::say(&format!("wrote {}", path.display()));
}
