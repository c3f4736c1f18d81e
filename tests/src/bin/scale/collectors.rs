//! Real OpenTelemetry Collectors by the configurations of a fleet, and what records cost them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, sleep},
    time::{Duration, Instant},
};

use killsnoop_tests::{
    eventually,
    measure::{process, stats::Summary},
    otelcol,
};

use crate::{
    figures::Collector,
    records::Pool,
    senders::{Load, Sent, send},
    steps::Steps,
    wire::{Relay, Store},
};

const AGENT: &str = "deploy/otel-collector/agent.yaml";
const GATEWAY: &str = "deploy/otel-collector/gateway.yaml";
/// How long each run sends, in seconds.
const SECONDS: usize = 10;

/// Loads as figures name them.
pub(crate) const OF_AGENT: &str = "agent";
pub(crate) const OF_GATEWAY: &str = "gateway";
pub(crate) const SINGLE: &str = "gateway, a request for each record";

/// All runs of a round, one after the other.
pub(crate) fn round(number: usize, most: usize, pool: &Arc<Pool>, steps: &mut Steps) -> Vec<Collector> {
    steps.begin(&format!("OpenTelemetry Collectors, round {number}"));
    let load = |senders, requests_per_second, records_per_request, gzip| Load {
        senders,
        requests_per_second,
        records_per_request,
        gzip,
        seconds: SECONDS,
    };
    let mut runs = vec![(OF_AGENT, load(1, 1, 500, false))];
    runs.extend(sizes(most).into_iter().map(|senders| (OF_GATEWAY, load(senders, 1, 10, true))));
    runs.push((SINGLE, load(most, 10, 1, true)));
    let each = runs.into_iter().map(|(name, load)| {
        steps.show(&format!("{name}, {} senders", load.senders));
        if name == OF_AGENT { agent(number, pool, load) } else { gateway(name, number, pool, load) }
    });
    each.collect()
}

fn sizes(most: usize) -> Vec<usize> {
    let mut sizes = vec![most.div_ceil(4), most.div_ceil(2), most];
    sizes.dedup();
    sizes
}

/// Between a node and a gateway that is there, too.
fn agent(round: usize, pool: &Arc<Pool>, load: Load) -> Collector {
    let store = Store::counting();
    let gateway = otelcol::Collector::silent(GATEWAY, &[("LOG_STORE_ENDPOINT", &store.endpoint())]);
    let out = Relay::to(&gateway.grpc);
    let variables = [("GATEWAY_ENDPOINT", out.address.as_str()), ("GATEWAY_INSECURE", "true")];
    let agent = otelcol::Collector::counting(AGENT, &variables);
    measure(OF_AGENT, round, &agent, pool, load, || out.bytes())
}

/// Between many nodes and a log store.
fn gateway(name: &str, round: usize, pool: &Arc<Pool>, load: Load) -> Collector {
    let store = Store::counting();
    let gateway = otelcol::Collector::counting(GATEWAY, &[("LOG_STORE_ENDPOINT", &store.endpoint())]);
    measure(name, round, &gateway, pool, load, || store.bytes())
}

fn measure(
    name: &str,
    round: usize,
    collector: &otelcol::Collector,
    pool: &Arc<Pool>,
    load: Load,
    out: impl Fn() -> f64,
) -> Collector {
    let way_in = Relay::to(&collector.grpc);
    let pid = collector.process.pid();
    let cpu = || process::cpu_seconds(pid).expect("it runs");
    let (looking, before, started) = (Looking::at(pid), cpu(), Instant::now());
    let sent = send(&way_in.address, pool, load);
    wait_for_all(collector, sent);
    let (cpu, seconds) = (cpu() - before, started.elapsed().as_secs_f64());
    let memory = looking.end();
    let records = sent.records as f64;
    Collector {
        load: name.to_owned(),
        round,
        senders: load.senders,
        requests_per_second: load.requests_per_second,
        records_per_request: load.records_per_request,
        records,
        seconds,
        cpu: cpu / records * 1e3,
        received: way_in.bytes() / records,
        received_plain: sent.bytes as f64 / records,
        sent: out() / records,
        memory: memory.median,
        memory_most: memory.max,
    }
}

/// The collector has handed on each record.
fn wait_for_all(collector: &otelcol::Collector, sent: Sent) {
    let handed_on = || collector.n("otelcol_exporter_sent_log_records");
    eventually(
        || (handed_on() >= sent.records as f64).then_some(()),
        || format!("{} of {} records\n{}", handed_on(), sent.records, collector.process.stderr),
    );
}

/// Somebody who looks at the memory of a process now and then.
struct Looking {
    ends: Arc<AtomicBool>,
    thread: thread::JoinHandle<Vec<f64>>,
}

impl Looking {
    fn at(pid: u32) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let thread = thread::spawn(move || {
            let mut seen = vec![];
            while !told.load(Ordering::Relaxed) {
                seen.extend(process::rss(pid));
                sleep(Duration::from_millis(250));
            }
            seen
        });
        Self { ends, thread }
    }

    fn end(self) -> Summary {
        self.ends.store(true, Ordering::Relaxed);
        Summary::of(self.thread.join().expect("looking does not fail")).expect("it looked")
    }
}
