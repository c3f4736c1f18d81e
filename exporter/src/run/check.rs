//! `check`: loads and attaches everything, and says line by line what works here, what does not, and what to do.

use std::{
    io::{self, IsTerminal as _, Write},
    process::ExitCode,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use killsnoop_common::{
    filter::{Filter, SignalSet},
    kill::{KillKey, Syscall},
};
use killsnoop_exporter::{
    cli::check::CheckArgs,
    confine::{Finding, State},
    counters::{Counters, Feature},
    event::Event,
    kernel::{self, Backend, Kernel, KernelError, MapCounters, Notice, Seeded, Wanted, privilege},
};
use rustix::process::{getpid, test_kill_process};

use super::watch::{give_up, reach};

/// How long an event may take from the kernel to here, on a machine that has much to do.
const PATIENCE: Duration = Duration::from_secs(10);

/// To the beginning of the line of a terminal, which is emptied.
const ERASE: &str = "\r\x1b[K";

/// Writes one line per finding; success if signals can be counted and streamed here.
pub(crate) fn run(args: &CheckArgs) -> Result<ExitCode> {
    let mut report = Report { out: io::stdout(), is_watched: io::stderr().is_terminal() };
    report.system()?;
    if let Some(missing) = privilege::missing() {
        report.line(Mark::Fail, "privilege", &missing)?;
        return Ok(ExitCode::FAILURE);
    }
    report.line(
        Mark::Ok,
        "privilege",
        "CAP_BPF and CAP_PERFMON, and the kernel's type information is there",
    )?;
    let mut works = None;
    let n_backends = args.kernel.backends().len();
    for (n, backend) in (1..).zip(args.kernel.backends()) {
        report.doing(&format!(
            "trying hook {} ({n} of {n_backends}), then a kill of a process of its own",
            backend.name
        ));
        match try_out(backend, args.kernel.ring_size.0) {
            // It is taken if it was asked for, or counts all.
            Ok(found) if found.may_miss_calls && n_backends > 1 => {
                report.preempted(backend)?;
            }
            Ok(found) => {
                report.backend(backend, works.is_none())?;
                works.get_or_insert(found);
            }
            Err(error) => report.refusal(backend, &error)?,
        }
    }
    let Some(Found { counters, seeded, features, .. }) = works else {
        report.line(Mark::Fail, "verdict", "no hook works here; see the lines above for the reasons")?;
        return Ok(ExitCode::FAILURE);
    };
    report.deaths(&features)?;
    report.executables(seeded)?;
    report.confinement(&give_up(args.kernel.confine, &reach(), &counters))?;
    report.line(Mark::Ok, "verdict", "signals can be counted and streamed here")?;
    Ok(ExitCode::SUCCESS)
}

struct Report<W> {
    out: W,
    /// Whether somebody looks while it is made.
    is_watched: bool,
}

/// What a line begins with: whether something works, or is merely worth knowing.
#[derive(Clone, Copy)]
enum Mark {
    Ok,
    Fail,
    Note,
}

impl<W: Write> Report<W> {
    /// Shows what is being tried, up to the next line: each hook may take ten seconds on a machine that has much to do.
    fn doing(&self, what: &str) {
        if self.is_watched {
            // It is no part of the report, so that nobody misses it where it cannot be written.
            _ = write!(io::stderr(), "{ERASE}{what} …");
        }
    }

    fn line(&mut self, mark: Mark, what: &str, finding: &str) -> Result<()> {
        let mark = match mark {
            Mark::Ok => "ok",
            Mark::Fail => "FAIL",
            Mark::Note => "note",
        };
        if self.is_watched {
            _ = write!(io::stderr(), "{ERASE}");
        }
        writeln!(self.out, "{mark:<5} {what:<16} {finding}")
            .or_else(closed)
            .context("cannot write the report")
    }

    fn system(&mut self) -> Result<()> {
        let system = rustix::system::uname();
        let (release, machine) = (system.release().to_string_lossy(), system.machine().to_string_lossy());
        self.line(Mark::Ok, "kernel", &format!("{release} {machine}"))?;
        match privilege::lockdown() {
            Some(level) => match level.costs() {
                Some(costs) => self.line(Mark::Note, "lockdown", &format!("{level}: {costs}")),
                None => self.line(Mark::Ok, "lockdown", &format!("{level}, which costs nothing")),
            },
            None => Ok(()),
        }
    }

    fn backend(&mut self, backend: &Backend, is_first: bool) -> Result<()> {
        let chosen = if is_first { " (this one will be used)" } else { "" };
        let (done, blind) = match backend {
            Backend { sees_calls: false, .. } => ("calls are not counted", ""),
            Backend { sees_compat: true, .. } => {
                ("a call was counted and its event arrived", "; sees 32-bit calls")
            }
            Backend { .. } => ("a call was counted and its event arrived", "; does not see 32-bit calls"),
        };
        let finding = format!("{done}; {}{blind}{chosen}", backend.tax);
        self.line(Mark::Ok, &format!("hook {}", backend.name), &finding)
    }

    fn preempted(&mut self, backend: &Backend) -> Result<()> {
        let name = backend.name;
        let finding = format!(
            "it works, but this kernel may preempt it and misses the calls of others meanwhile; --hook {name} takes it all \
             the same"
        );
        self.line(Mark::Ok, &format!("hook {name}"), &finding)
    }

    fn refusal(&mut self, backend: &Backend, error: &anyhow::Error) -> Result<()> {
        let obstacle = privilege::no_tracepoints().filter(|_| backend.name == "tracepoint");
        let obstacle = obstacle.map(|obstacle| format!("{obstacle}; ")).unwrap_or_default();
        self.line(Mark::Fail, &format!("hook {}", backend.name), &format!("{obstacle}{error:#}"))
    }

    fn deaths(&mut self, features: &[(Feature, bool)]) -> Result<()> {
        self.line(Mark::Ok, "deaths", "a process that was killed was counted, and its verdict arrived")?;
        let mut absent = features.iter().filter(|(feature, is_there)| {
            !is_there && matches!(feature, Feature::Executables | Feature::OomLimits)
        });
        absent.try_for_each(|(feature, _)| self.line(Mark::Note, feature.name(), feature.absence()))
    }

    fn executables(&mut self, Seeded { n_known, n_refused }: Seeded) -> Result<()> {
        if n_refused == 0 {
            return self.line(Mark::Ok, "executables", "those of all processes that run already are known");
        }
        let n = n_known + n_refused;
        let finding = format!(
            "of {n_refused} of {n} processes that run already they stay unknown; CAP_SYS_PTRACE at the start would tell \
             them"
        );
        self.line(Mark::Note, "executables", &finding)
    }

    fn confinement(&mut self, findings: &[Finding]) -> Result<()> {
        findings.iter().try_for_each(|Finding { mechanism, state, what }| {
            let mark = match state {
                State::InForce => Mark::Ok,
                State::Absent => Mark::Note,
                State::Failed => Mark::Fail,
            };
            self.line(mark, mechanism, what)
        })
    }
}

/// Whoever stopped reading does not want more.
fn closed(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// What was found out with a back end.
struct Found {
    /// They can be read still.
    counters: MapCounters,
    seeded: Seeded,
    features: Vec<(Feature, bool)>,
    may_miss_calls: bool,
}

/// Attaches by one back end, makes a call that sends no signal and lets a process be killed, and waits for the counters and
/// the events of both.
fn try_out(backend: &'static Backend, ring_bytes: u32) -> Result<Found> {
    let me = getpid();
    let filter = Filter {
        sender: me.as_raw_nonzero().get().unsigned_abs(),
        signals: SignalSet::EMPTY.with(0),
        syscalls: 1 << Syscall::Kill as u32,
        deaths: 1,
        ..Filter::ALL
    };
    let wanted = Wanted { backends: std::slice::from_ref(backend), filter, ring_bytes, keep_commands: false };
    let mut kernel = Kernel::attach(&wanted).map_err(only_refusal)?;
    let (features, may_miss_calls) = (kernel.features(), kernel.may_miss_calls());
    let (counters, reader, mut images) = kernel.take()?;
    let seeded = images.seed();
    let stop = reader.stop();
    let (events, arrivals) = mpsc::channel::<Notice>();
    let reading = thread::spawn(move || reader.run(|notice| _ = events.send(notice)));

    let before = probes(&counters)?;
    test_kill_process(me).context("cannot ask whether this process exists")?;
    let after = probes(&counters)?;
    let call = !backend.sees_calls || arrives(&arrivals, |event| matches!(event, Event::Call(_)));
    let victim = kernel::victim().context("cannot start a process and let it be killed")?;
    let death =
        arrives(&arrivals, |event| matches!(event, Event::Death(death) if death.victim.pid == victim));

    kernel.detach();
    stop.stop();
    reading.join().map_err(|_| anyhow::anyhow!("the reader of events panicked"))??;
    if after <= before && backend.sees_calls {
        bail!("it is attached, but a call was not counted; please report this with the kernel's version");
    }
    if !call {
        bail!("it is attached and counts, but no event arrived within ten seconds");
    }
    if !death {
        bail!(
            "a process was killed, but no verdict arrived within ten seconds; please report this with the kernel's version"
        );
    }
    Ok(Found { counters, seeded, features, may_miss_calls })
}

/// Waits for an event, but not for long.
fn arrives(arrivals: &mpsc::Receiver<Notice>, is_it: impl Fn(&Event) -> bool) -> bool {
    let until = Instant::now() + PATIENCE;
    while let Ok(notice) = arrivals.recv_timeout(until.saturating_duration_since(Instant::now())) {
        if matches!(&notice, Notice::Event(event) if is_it(event)) {
            return true;
        }
    }
    false
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
