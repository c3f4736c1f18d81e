//! `check`: loads and attaches everything, and says line by line what works here, what does not, and what to do.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use killsnoop_common::{
    filter::{Filter, SignalSet},
    kill::{KillKey, Syscall},
};
use killsnoop_exporter::{
    cli::check::CheckArgs,
    counters::Counters,
    kernel::{Backend, Kernel, KernelError, Notice, Wanted, privilege},
};
use rustix::process::{getpid, test_kill_process};

/// How long an event may take from the kernel to here.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes one line per finding; success if signals can be counted and streamed here.
pub(crate) fn run(args: &CheckArgs) -> Result<ExitCode> {
    let mut report = Report { out: io::stdout(), works: false };
    let system = rustix::system::uname();
    report.line(
        true,
        "kernel",
        &format!("{} {}", system.release().to_string_lossy(), system.machine().to_string_lossy()),
    )?;
    match privilege::missing() {
        Some(missing) => {
            report.line(false, "privilege", &missing)?;
            return Ok(ExitCode::FAILURE);
        }
        None => report.line(
            true,
            "privilege",
            "CAP_BPF and CAP_PERFMON, and the kernel's type information is there",
        )?,
    }
    for backend in args.kernel.backends() {
        match try_out(backend, args.kernel.ring_size.0) {
            Ok(()) => report.backend(backend)?,
            Err(error) => report.line(false, &format!("hook {}", backend.name), &format!("{error:#}"))?,
        }
    }
    report.verdict()
}

struct Report<W> {
    out: W,
    works: bool,
}

impl<W: Write> Report<W> {
    fn line(&mut self, good: bool, what: &str, finding: &str) -> Result<()> {
        let mark = if good { "ok" } else { "FAIL" };
        writeln!(self.out, "{mark:<5} {what:<16} {finding}")
            .or_else(closed)
            .context("cannot write the report")
    }

    fn backend(&mut self, backend: &Backend) -> Result<()> {
        let chosen = if self.works { "" } else { " (this one will be used)" };
        self.works = true;
        let blind = if backend.sees_compat { "sees 32-bit calls" } else { "does not see 32-bit calls" };
        let finding = format!("a call was counted and its event arrived; {}; {blind}{chosen}", backend.tax);
        self.line(true, &format!("hook {}", backend.name), &finding)
    }

    fn verdict(&mut self) -> Result<ExitCode> {
        if self.works {
            self.line(true, "verdict", "signals can be counted and streamed here")?;
            return Ok(ExitCode::SUCCESS);
        }
        self.line(false, "verdict", "no hook works here; see the lines above for the reasons")?;
        Ok(ExitCode::FAILURE)
    }
}

/// Whoever stopped reading does not want more.
fn closed(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// Attaches by one back end, makes a call that sends no signal, and waits for both its counter and its event.
fn try_out(backend: &'static Backend, ring_bytes: u32) -> Result<()> {
    let me = getpid();
    let filter = Filter {
        sender: me.as_raw_nonzero().get().unsigned_abs(),
        signals: SignalSet::EMPTY.with(0),
        syscalls: 1 << Syscall::Kill as u32,
        ..Filter::ALL
    };
    let wanted = Wanted { backends: std::slice::from_ref(backend), filter, ring_bytes, keep_commands: false };
    let mut kernel = Kernel::attach(&wanted).map_err(only_refusal)?;
    let (counters, reader, _) = kernel.take()?;
    let stop = reader.stop();
    let (events, arrivals) = mpsc::channel::<Notice>();
    let reading = thread::spawn(move || reader.run(|notice| _ = events.send(notice)));

    let before = probes(&counters)?;
    test_kill_process(me).context("cannot ask whether this process exists")?;
    let after = probes(&counters)?;
    let arrival = arrivals.recv_timeout(PATIENCE);

    kernel.detach();
    stop.stop();
    reading.join().map_err(|_| anyhow::anyhow!("the reader of events panicked"))??;
    if after <= before {
        bail!("it is attached, but a call was not counted; please report this with the kernel's version");
    }
    arrival.context("it is attached and counts, but no event arrived within a second")?;
    Ok(())
}

/// Of one back end there is one refusal, which the line names already.
fn only_refusal(error: KernelError) -> anyhow::Error {
    match error {
        KernelError::NoBackend(mut refusals) if refusals.len() == 1 => refusals.remove(0).1.into(),
        error => error.into(),
    }
}

/// How many calls asked, so far, whether a process exists.
fn probes(counters: &impl Counters) -> Result<u64> {
    let snapshot = counters.snapshot()?;
    let key = KillKey::new(0, 0);
    Ok(snapshot.kills.iter().find(|(other, _)| *other == key).map_or(0, |(_, n)| *n))
}
