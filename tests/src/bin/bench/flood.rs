//! What tools do with nothing, and with a million calls from one process as fast as it can make them.

use std::{
    thread,
    time::{Duration, Instant},
};

use killsnoop_tests::{
    measure::{process::cpu_seconds, progress},
    scrape::Scrape,
};
use serde_json::{Value, json};

use crate::{
    report::Report,
    running::Running,
    tools::{Kind, Tool},
    worker::{FLOOD, Worker},
};

/// What this is called while it is done.
pub(crate) const STEP: &str = "idle, then a million calls";

/// How a tool did. Shares are of the calls that were made.
pub(crate) struct Flood {
    /// Calls a second.
    pub(crate) rate: f64,
    /// By the counters, if it has any.
    pub(crate) counted: Option<f64>,
    /// Events that arrived, if it tells of any.
    pub(crate) told: Option<f64>,
    /// Whether it accounts for each event that did not arrive, if it keeps an account.
    pub(crate) accounted: Option<bool>,
    /// Seconds of CPU that it took.
    pub(crate) cpu: f64,
}

pub(crate) fn measure(report: &mut Report, tools: &[Tool], worker: &mut Worker, idle: Duration) {
    for (n, tool) in tools.iter().enumerate() {
        if !is_flooded(tool) || report.tools[n].why_not.is_some() {
            continue;
        }
        progress::part(STEP, &tool.name);
        let running = match Running::start(tool, worker) {
            Ok(running) => running,
            Err(why) => {
                report.tools[n].why_not = Some(why);
                continue;
            }
        };
        running.settle();
        report.tools[n].idle = idle_percent(&running, idle);
        report.tools[n].flood = Some(flood(tool, &running, worker));
    }
    progress::say("floods");
}

/// Whether this is one that tells of calls.
pub(crate) fn is_flooded(tool: &Tool) -> bool {
    matches!(tool.kind, Kind::Ours | Kind::Peer)
}

/// Percent of a CPU while nothing happens.
fn idle_percent(running: &Running, time: Duration) -> Option<f64> {
    let before = cpu_seconds(running.pid())?;
    thread::sleep(time);
    Some((cpu_seconds(running.pid())? - before) / time.as_secs_f64() * 100.0)
}

fn flood(tool: &Tool, running: &Running, worker: &mut Worker) -> Flood {
    let cpu = || cpu_seconds(running.pid()).unwrap_or(f64::NAN);
    let (shown, page, cpu_before) = (running.n_shown(worker.pid()), running.scrape(), cpu());
    let seconds = worker.flood(tool.sees);
    running.settle();
    let n = f64::from(FLOOD);
    let mut flood = Flood { rate: n / seconds, counted: None, told: None, accounted: None, cpu: f64::NAN };
    if let Some(before) = page {
        flood.read(&before, &sent(running));
    } else {
        flood.told = Some((running.n_shown(worker.pid()) - shown) as f64 / n);
    }
    flood.cpu = cpu() - cpu_before;
    flood
}

/// The page once no event is on its way.
fn sent(running: &Running) -> Scrape {
    let started = Instant::now();
    loop {
        let page = running.scrape().expect("it served a page before");
        if page.sum("killsnoop_events_pending") == 0.0 || started.elapsed() > Duration::from_mins(1) {
            return page;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

impl Flood {
    /// Takes the figures that the tool has of itself.
    fn read(&mut self, before: &Scrape, after: &Scrape) {
        let n = f64::from(FLOOD);
        let grown = |of: &dyn Fn(&Scrape) -> f64| of(after) - of(before);
        let sum = |name: &'static str| grown(&|page| page.sum(name));
        self.counted = Some(grown(&|page| page.calls("0", "ok")) / n);
        let produced = sum("killsnoop_events_produced_total");
        let delivered = sum("killsnoop_events_delivered_total");
        // Where no events are made, none can be told.
        if produced > n / 2.0 {
            self.told = Some(delivered / n);
            self.accounted = Some((produced - delivered - sum("killsnoop_events_lost_total")).abs() < 0.5);
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "calls": FLOOD, "calls_per_second": self.rate.round(), "share_counted": self.counted,
            "share_told": self.told, "all_losses_counted": self.accounted, "cpu_seconds": self.cpu,
        })
    }
}
