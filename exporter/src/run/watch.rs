//! The start of whatever watches: attaches the kernel side, and gives up what is not needed from there on.
//!
//! All of it is done before there is any other thread, because what a thread gives up it gives up for itself and for
//! those that it starts.

use anyhow::Result;
use killsnoop_common::filter::Filter;
use killsnoop_exporter::{
    cgroup,
    cli::{confine::ConfineArgs, kernel::KernelArgs},
    confine::{Finding, Reach, State, confine},
    counters::Counters,
    kernel::{Images, Kernel, KernelError, MapCounters, Reader, Wanted, privilege},
};

/// The kernel side at work.
pub(crate) struct Watch {
    pub(crate) kernel: Kernel,
    pub(crate) counters: MapCounters,
    pub(crate) reader: Reader,
}

impl Watch {
    /// Attaches, learns what runs already if deaths are wanted, and keeps what is in reach beyond [`reach`]. What there is
    /// to say of it is logged.
    pub(crate) fn start(args: &KernelArgs, filter: Filter, reach: &Reach) -> Result<Self> {
        let mut kernel = attach(args, filter)?;
        let (counters, reader, images) = kernel.take()?;
        if filter.deaths == 1 {
            learn(images);
        }
        report(&give_up(args.confine, reach, &counters));
        Ok(Self { kernel, counters, reader })
    }
}

/// What everything that watches goes on to read.
pub(super) fn reach() -> Reach {
    // Processes, numbers of CPUs, and what names cgroups and containers.
    let mut read = vec!["/proc".into(), "/sys/devices/system/cpu".into()];
    read.extend(cgroup::reads());
    Reach { read, ..Reach::default() }
}

/// Confines this thread, unless that is not wanted. The counters are what must be readable from then on.
pub(super) fn give_up(args: ConfineArgs, reach: &Reach, counters: &impl Counters) -> Vec<Finding> {
    if args.unconfined { Vec::new() } else { confine(args.keep, reach, || counters.snapshot().is_ok()) }
}

/// Attaches the kernel side, and says how if that is worth a word.
fn attach(args: &KernelArgs, filter: Filter) -> Result<Kernel> {
    let wanted = Wanted {
        backends: args.backends(),
        filter,
        ring_bytes: args.ring_size.0,
        keep_commands: args.show_command_lines,
    };
    let kernel = Kernel::attach(&wanted).map_err(explained)?;
    for (backend, error) in kernel.refused() {
        tracing::info!("hook {backend} does not work here: {error}");
    }
    if let Some(obstacle) = privilege::no_tracepoints().filter(|_| !kernel.refused().is_empty()) {
        tracing::info!("what keeps from the hook tracepoint: {obstacle}");
    }
    let backend = kernel.backend();
    if kernel.may_miss_calls() {
        tracing::warn!(
            "this kernel may preempt the hook, and misses the calls of others meanwhile: counts of calls are too low"
        );
    }
    let absent: Vec<_> = kernel
        .features()
        .into_iter()
        .filter(|(_, is_there)| !is_there)
        .map(|(feature, _)| feature.absence())
        .collect();
    let blind = if absent.is_empty() { String::new() } else { format!("; {}", absent.join("; ")) };
    tracing::info!("watching with hook {}: {}{blind}", backend.name, backend.tax);
    Ok(kernel)
}

/// What is missing beforehand explains a refusal better than the kernel's errno does.
fn explained(error: KernelError) -> anyhow::Error {
    let no_tracepoints = || matches!(error, KernelError::NoBackend(_)).then(privilege::no_tracepoints)?;
    // Which of the two refused a map, the kernel does not say.
    let of_maps = || {
        let reasons = [privilege::refused_by_filter(&error), privilege::refused_memory(&error)];
        reasons.into_iter().flatten().reduce(|first, second| format!("{first}; or else {second}"))
    };
    match privilege::missing().or_else(of_maps).or_else(no_tracepoints) {
        Some(missing) => anyhow::Error::from(error).context(missing),
        None => error.into(),
    }
}

/// Tells the kernel side what the processes run that are there already. What forbids to look is given up right after.
fn learn(mut images: Images) {
    let seeded = images.seed();
    tracing::debug!("the executables of {} processes are known", seeded.n_known);
    if seeded.n_refused > 0 {
        tracing::info!(
            "the executables of {} processes that run already stay unknown: CAP_SYS_PTRACE at the start would tell them",
            seeded.n_refused
        );
    }
}

fn report(findings: &[Finding]) {
    let holding = findings.iter().filter(|finding| finding.state == State::InForce);
    let holding: Vec<_> = holding.map(|finding| format!("{}: {}", finding.mechanism, finding.what)).collect();
    if holding.is_empty() {
        tracing::info!("not confined");
    } else {
        tracing::info!("confined: {}", holding.join("; "));
    }
    for Finding { mechanism, state, what } in findings {
        match state {
            State::InForce => {}
            State::Absent => tracing::info!("no {mechanism} here: {what}"),
            State::Failed => tracing::warn!("cannot confine by {mechanism}: {what}"),
        }
    }
}
