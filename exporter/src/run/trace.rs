//! `trace`, and the binary called as `killsnoop`: events on the terminal until somebody has seen enough.

use std::{
    env,
    fs::File,
    io::{self, IsTerminal as _},
    os::fd::AsFd as _,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use killsnoop_common::lost::Lost;
use killsnoop_exporter::{
    cgroup,
    cli::{
        kernel::KernelArgs,
        log::{Level, LogArgs},
        trace::{Color, TraceConfig},
    },
    counters::Counters,
    ledger::{Ledger, Stage},
    log,
    terminal::{Options, Outcome, Output},
};
use tokio::runtime;

use super::{
    Ending, ended, read,
    watch::{Watch, reach},
};

/// How long a reader of the lines may take for what is left at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs until Ctrl-C, until enough was seen, or until nobody reads any more.
pub(crate) fn run(kernel: &KernelArgs, log: LogArgs, config: TraceConfig) -> Result<ExitCode> {
    log::start(log, Level::Warn);
    // What the output takes of this machine is read, and every thread started after this one has given up the rest.
    let output = Output::new(Options { color: is_colored(config.color), ..config.output });
    let watch = Watch::start(kernel, config.filter, &reach())?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    runtime.block_on(trace(watch, output, config))
}

async fn trace(watch: Watch, output: Output, config: TraceConfig) -> Result<ExitCode> {
    let Watch { kernel, counters, reader } = watch;
    let mut ending = Ending::new()?;
    let (places, cgroups) = cgroup::start().context("cannot start to look at cgroups")?;
    let ledger = Arc::new(Ledger::default());
    // The file behind standard output, without the standard library's buffer: the writer has its own.
    let out = File::from(io::stdout().as_fd().try_clone_to_owned().context("cannot use standard output")?);
    let (sender, mut output) = output.start(Arc::clone(&ledger), out).context("cannot start to write")?;
    let stop_reading = reader.stop();
    let select = config.select;
    let mut reading = read(reader, places, cgroups, move |event| {
        if select.wants(event) {
            sender.offer(event);
        }
    });
    let time_is_up = async {
        match config.duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = ending.wait() => {}
        () = output.ended() => {}
        () = time_is_up => {}
        outcome = &mut reading => return Err(ended("reading events", outcome)),
    }
    kernel.detach();
    stop_reading.stop();
    reading.await.context("reading events died")??;
    let outcome = output.finish(PATIENCE).await;
    let enough = config.output.count.is_some() && matches!(outcome, Outcome::Done);
    if !enough {
        report_losses(&counters, &ledger)?;
    }
    match outcome {
        Outcome::Done | Outcome::Closed | Outcome::TimedOut => Ok(ExitCode::SUCCESS),
        Outcome::Failed(error) => Err(error).context("cannot write to standard output"),
    }
}

/// Whether standard output is to be coloured, by what was asked for or by what it is.
fn is_colored(color: Color) -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => io::stdout().is_terminal() && !is_set("NO_COLOR"),
    }
}

/// Says what was not shown, if anything, and where it was lost. What nobody wanted to read any more is not a loss.
fn report_losses(counters: &impl Counters, ledger: &Ledger) -> Result<()> {
    let lost = counters.snapshot()?.lost;
    let n_lost = |reason| lost.iter().find(|(other, _)| *other == reason).map_or(0, |(_, n)| *n);
    for (n, what) in [
        (n_lost(Lost::RingFull), "events because the ring buffer was full; --ring-size makes it larger"),
        (
            n_lost(Lost::UrgentRingFull),
            "deaths, OOM kills and calls that send SIGKILL because their ring buffer was full",
        ),
        (ledger.n_lost(Stage::Queue), "events because they were not read from standard output fast enough"),
    ] {
        if n > 0 {
            eprintln!("lost {n} {what}");
        }
    }
    Ok(())
}
