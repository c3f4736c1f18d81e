//! What tools cost those who make calls: each loop without and with each tool, the tools taking turns.

use std::{thread, time::Duration};

use killsnoop_tests::measure::{process, progress};

use crate::{
    loops::LOOPS,
    report::Report,
    running::Running,
    tools::{Kind, Tool},
    worker::Worker,
};

/// What this is called while it is done.
pub(crate) const STEP: &str = "pairs";

/// The kernel goes on for a moment with what has just been attached or detached.
const SETTLE: Duration = Duration::from_millis(10);

pub(crate) fn measure(report: &mut Report, tools: &[Tool], worker: &mut Worker, pairs: usize) {
    for pair in 1..=pairs {
        for (n, tool) in tools.iter().enumerate() {
            progress::part(STEP, &tool.name);
            if report.tools[n].why_not.is_none() {
                measure_pair(report, n, tool, worker);
            }
        }
        progress::say(&format!("pair {pair} of {pairs}"));
    }
}

/// Each loop without the tool, then each with it.
fn measure_pair(report: &mut Report, n: usize, tool: &Tool, worker: &mut Worker) {
    let off = LOOPS.each_ref().map(|one| worker.measure(one));
    let running = if tool.kind == Kind::Off { Ok(None) } else { Running::start(tool, worker).map(Some) };
    let running = match running {
        Ok(running) => running,
        Err(why) => return report.tools[n].why_not = Some(why),
    };
    if let Some(running) = &running {
        report.tools[n].starts.push(running.took.as_secs_f64() * 1e3);
        report.tools[n].rss.extend(process::rss(running.pid()));
    }
    thread::sleep(SETTLE);
    let on = LOOPS.each_ref().map(|one| worker.measure(one));
    drop(running);
    thread::sleep(SETTLE);
    for ((one, off), on) in LOOPS.iter().zip(off).zip(on) {
        report.tools[n].push(one.name, off, on);
    }
}
