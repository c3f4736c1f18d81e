//! The page of metrics. Every name, help text and label of a metric stands in this file, and in no other.

mod classic;
#[cfg(test)]
pub(crate) mod fake;
mod page;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, LazyLock},
};

use killsnoop_common::{
    kill::{KillKey, RESULT_OTHER, SIGNAL_OTHER},
    lost::Lost,
};
use metrics_process::collector::Metrics as Process;
use prometheus_client::{
    collector::Collector,
    encoding::{
        DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, EncodeMetric, MetricEncoder,
    },
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

pub use page::{Format, Page, RenderError};

use crate::{
    counters::{Program, Snapshot},
    errno,
    ledger::{Ledger, Stage},
    signal,
};

/// What all series of one name share.
struct Family {
    /// The name as it is scraped.
    name: &'static str,
    /// What it says, ended by its full stop: the encoders do not add one.
    help: &'static str,
}

const KILL_CALLS: Family = Family {
    name: "killsnoop_kill_calls_total",
    help: "Calls that ask for a signal to be sent (kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, \
           pidfd_send_signal), by the signal asked for and by result. Signal 0 only asks whether the target exists.",
};
const KILL_CALLS_BY_SYSCALL: Family = Family {
    name: "killsnoop_kill_calls_by_syscall_total",
    help: "The same calls, by system call and by whether they succeeded.",
};
const EVENTS_PRODUCED: Family = Family {
    name: "killsnoop_events_produced_total",
    help: "Events that passed the filter in the kernel, whether or not there was room to send them.",
};
const EVENTS_DELIVERED: Family =
    Family { name: "killsnoop_events_delivered_total", help: "Events that reached the receiver of a sink." };
const EVENTS_LOST: Family = Family {
    name: "killsnoop_events_lost_total",
    help: "Events lost on their way, by where. Counts of calls are exact however many events are lost.",
};
const EVENTS_PENDING: Family = Family {
    name: "killsnoop_events_pending",
    help: "Events on their way, neither delivered nor lost, by where they wait.",
};
const HOOK_ERRORS: Family = Family {
    name: "killsnoop_hook_errors_total",
    help: "Work that a hook in the kernel could not do, by reason. No event is lost by it.",
};
const HOOK_INFO: Family = Family {
    name: "killsnoop_hook_info",
    help: "How calls are watched, and whether those of 32-bit programs are seen. The value is always 1.",
};
const PROGRAM_ATTACHED: Family =
    Family { name: "killsnoop_program_attached", help: "Whether a BPF program is attached: 1, or 0." };
const PROGRAM_RUNS: Family = Family {
    name: "killsnoop_program_run_count_total",
    help: "Runs of a BPF program. The kernel counts them only while the sysctl kernel.bpf_stats_enabled is 1.",
};
const PROGRAM_RECURSION_MISSES: Family = Family {
    name: "killsnoop_program_recursion_misses_total",
    help: "Runs of a BPF program that the kernel skipped because it was already running on that CPU.",
};
const MAP_ENTRIES: Family = Family { name: "killsnoop_map_entries", help: "Entries in use of a BPF map." };
const MAP_CAPACITY: Family =
    Family { name: "killsnoop_map_capacity", help: "Entries that a BPF map can hold." };
const SCRAPE_DURATION: Family = Family {
    name: "killsnoop_scrape_duration_seconds",
    help: "Time it took to read the counters of this page from the kernel.",
};
const BUILD_INFO: Family = Family {
    name: "killsnoop_build_info",
    help: "What this exporter was built from, and with which compiler. The value is always 1.",
};
const PROCESS_CPU: Family = Family {
    name: "process_cpu_seconds_total",
    help: "Total user and system CPU time spent by the exporter in seconds.",
};
const PROCESS_OPEN_FDS: Family =
    Family { name: "process_open_fds", help: "Number of open file descriptors of the exporter." };
const PROCESS_MAX_FDS: Family =
    Family { name: "process_max_fds", help: "Maximum number of open file descriptors of the exporter." };
const PROCESS_VIRTUAL_MEMORY: Family =
    Family { name: "process_virtual_memory_bytes", help: "Virtual memory size of the exporter in bytes." };
const PROCESS_VIRTUAL_MEMORY_MAX: Family = Family {
    name: "process_virtual_memory_max_bytes",
    help: "Maximum amount of virtual memory available to the exporter in bytes.",
};
const PROCESS_RESIDENT_MEMORY: Family =
    Family { name: "process_resident_memory_bytes", help: "Resident memory size of the exporter in bytes." };
const PROCESS_START_TIME: Family = Family {
    name: "process_start_time_seconds",
    help: "Start time of the exporter since the Unix epoch in seconds.",
};
const PROCESS_THREADS: Family =
    Family { name: "process_threads", help: "Number of operating system threads of the exporter." };

/// What is neither a known signal nor a known result.
const OTHER: &str = "other";

/// Signals that everybody knows by name. Their commonest results are shown before they first happen, because
/// `rate()` and `increase()` do not see the first count of a series that was not there.
const STANDARD_SIGNALS: std::ops::RangeInclusive<u32> = 1..=31;
const STANDARD_RESULTS: [&str; 3] = ["ok", "ESRCH", "EPERM"];

/// Names of the signals 0 to 64, made once: those of real-time signals are put together.
static SIGNAL_NAMES: LazyLock<Vec<Cow<'static, str>>> =
    LazyLock::new(|| (0..).map(signal::name).take(SIGNAL_OTHER as usize).collect());

/// Everything that one page shows, read once, so that a page is whole or not there at all.
#[derive(Debug)]
struct Scrape {
    snapshot: Snapshot,
    sinks: Arc<[Sink]>,
    process: Process,
    build: Build,
    read_seconds: f64,
}

/// A sink, as metrics knows it.
#[derive(Debug)]
struct Sink {
    name: &'static str,
    /// Where it can lose an event, in the order of [`Stage::ALL`], for instance `otlp_queue`.
    stages: [String; Stage::ALL.len()],
    ledger: Arc<Ledger>,
}

impl Sink {
    fn new(name: &'static str, ledger: Arc<Ledger>) -> Self {
        Self { name, stages: Stage::ALL.map(|stage| format!("{name}_{}", stage.name())), ledger }
    }
}

/// What the running binary is.
#[derive(Clone, Copy, Debug)]
struct Build {
    version: &'static str,
    revision: &'static str,
    rustversion: &'static str,
    arch: &'static str,
}

impl Build {
    /// Whoever builds a package says what only they know, by environment variables of the compiler.
    const THIS: Self = Self {
        version: env!("CARGO_PKG_VERSION"),
        revision: or_unknown(option_env!("KILLSNOOP_REVISION")),
        rustversion: or_unknown(option_env!("KILLSNOOP_RUSTVERSION")),
        arch: std::env::consts::ARCH,
    };
}

const fn or_unknown(given: Option<&'static str>) -> &'static str {
    match given {
        Some(text) => text,
        None => "unknown",
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        self.encode_calls(encoder)?;
        self.encode_events(encoder)?;
        self.encode_hooks(encoder)?;
        self.encode_programs(encoder)?;
        self.encode_maps(encoder)?;
        self.encode_exporter(encoder)?;
        self.encode_process(encoder)
    }
}

impl Scrape {
    fn encode_calls(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let kills = self.snapshot.kills.iter().filter(|(key, n)| *n > 0 || is_always_shown(*key));
        let labels =
            |key: KillKey| [("signal", signal_label(key.signal)), ("result", result_label(key.result))];
        counters(encoder, &KILL_CALLS, kills.map(|(key, n)| (labels(*key), *n)))?;

        let syscalls = self.snapshot.syscalls.iter().flat_map(|(syscall, outcomes)| {
            [("ok", outcomes.ok), ("error", outcomes.error)]
                .map(|(result, n)| ([("syscall", syscall.name()), ("result", result)], n))
        });
        counters(encoder, &KILL_CALLS_BY_SYSCALL, syscalls)
    }

    fn encode_events(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let produced = self.snapshot.produced.iter().map(|(class, n)| ([("class", class.name())], *n));
        counters(encoder, &EVENTS_PRODUCED, produced)?;

        let delivered = self.sinks.iter().map(|sink| ([("sink", sink.name)], sink.ledger.n_delivered()));
        counters(encoder, &EVENTS_DELIVERED, delivered)?;

        let (in_ring, in_urgent) = (self.n_lost(Lost::RingFull), self.n_lost(Lost::UrgentRingFull));
        let before_sinks =
            [("ring", in_ring), ("ring_urgent", in_urgent), ("decode", self.snapshot.n_undecodable)];
        let in_sinks = self.sinks.iter().flat_map(|sink| {
            Stage::ALL
                .into_iter()
                .zip(&sink.stages)
                .map(|(stage, name)| (name.as_str(), sink.ledger.n_lost(stage)))
        });
        let lost = before_sinks.into_iter().chain(in_sinks);
        counters(encoder, &EVENTS_LOST, lost.map(|(stage, n)| ([("stage", stage)], n)))?;

        // The three are read one after the other, so that for a moment more can have been read than was produced.
        let produced: u64 = self.snapshot.produced.iter().map(|(_, n)| n).sum();
        let pending = produced.saturating_sub(in_ring + in_urgent).saturating_sub(self.snapshot.n_read);
        let pending_in_sinks = self.sinks.iter().map(|sink| (sink.name, sink.ledger.n_pending()));
        let pending = [("ring", pending)].into_iter().chain(pending_in_sinks);
        gauges(encoder, &EVENTS_PENDING, pending.map(|(stage, n)| ([("stage", stage)], n)))
    }

    fn encode_hooks(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let errors = Lost::ALL.into_iter().filter_map(|reason| {
            let label = match reason {
                // These lose an event, and are shown as such.
                Lost::RingFull | Lost::UrgentRingFull => return None,
                Lost::CounterMissing => "counter_missing",
                Lost::CommUnreadable => "comm_unreadable",
                Lost::ImageNotKept => "image_not_kept",
                Lost::SenderNotKept => "sender_not_kept",
                Lost::ImageUnreadable => "image_unreadable",
                Lost::CgroupNotTold => "cgroup_not_told",
            };
            Some(([("reason", label)], self.n_lost(reason)))
        });
        counters(encoder, &HOOK_ERRORS, errors)?;

        let compat = if self.snapshot.sees_compat { "seen" } else { "unseen" };
        gauges(encoder, &HOOK_INFO, [([("backend", self.snapshot.hook), ("compat", compat)], 1_u64)])
    }

    fn encode_programs(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let of_each = |value: fn(&Program) -> u64| {
            self.snapshot.programs.iter().map(move |program| ([("program", program.name)], value(program)))
        };
        gauges(encoder, &PROGRAM_ATTACHED, of_each(|program| program.attached.into()))?;
        counters(encoder, &PROGRAM_RUNS, of_each(|program| program.n_runs))?;
        counters(encoder, &PROGRAM_RECURSION_MISSES, of_each(|program| program.n_recursion_misses))
    }

    fn encode_maps(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let maps = &self.snapshot.maps;
        gauges(encoder, &MAP_ENTRIES, maps.iter().map(|map| ([("map", map.name)], map.n_entries)))?;
        gauges(encoder, &MAP_CAPACITY, maps.iter().map(|map| ([("map", map.name)], map.capacity)))
    }

    fn encode_exporter(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        gauge(encoder, &SCRAPE_DURATION, Some(self.read_seconds))?;
        let Build { version, revision, rustversion, arch } = self.build;
        let labels =
            [("version", version), ("revision", revision), ("rustversion", rustversion), ("arch", arch)];
        gauges(encoder, &BUILD_INFO, [(labels, 1_u64)])
    }

    /// The standard metrics of a process; those that `/proc` did not tell are left out.
    fn encode_process(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let process = &self.process;
        // The reader says 0 for no limit. Others show the greatest number, so that use / limit is not infinite.
        let limit = |limit: Option<u64>| limit.map(|limit| if limit == 0 { u64::MAX } else { limit });
        counter(encoder, &PROCESS_CPU, process.cpu_seconds_total)?;
        gauge(encoder, &PROCESS_OPEN_FDS, process.open_fds)?;
        gauge(encoder, &PROCESS_MAX_FDS, limit(process.max_fds))?;
        gauge(encoder, &PROCESS_VIRTUAL_MEMORY, process.virtual_memory_bytes)?;
        gauge(encoder, &PROCESS_VIRTUAL_MEMORY_MAX, limit(process.virtual_memory_max_bytes))?;
        gauge(encoder, &PROCESS_RESIDENT_MEMORY, process.resident_memory_bytes)?;
        gauge(encoder, &PROCESS_START_TIME, process.start_time_seconds)?;
        gauge(encoder, &PROCESS_THREADS, process.threads)
    }

    fn n_lost(&self, reason: Lost) -> u64 {
        self.snapshot.lost.iter().filter(|(lost, _)| *lost == reason).map(|(_, n)| n).sum()
    }
}

fn is_always_shown(key: KillKey) -> bool {
    STANDARD_SIGNALS.contains(&key.signal) && STANDARD_RESULTS.contains(&result_label(key.result))
}

fn signal_label(signal: u32) -> &'static str {
    SIGNAL_NAMES.get(signal as usize).map_or(OTHER, |name| name.as_ref())
}

fn result_label(result: i32) -> &'static str {
    // `errno::name` takes every positive number for success.
    if result == RESULT_OTHER { OTHER } else { errno::name(result).unwrap_or(OTHER) }
}

/// Writes the counters of a family; of an empty one not even the name, as a family without series says nothing.
fn counters<L: EncodeLabelSet, V: EncodeCounterValue>(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    series: impl IntoIterator<Item = (L, V)>,
) -> fmt::Result {
    let mut series = series.into_iter().peekable();
    if series.peek().is_none() {
        return Ok(());
    }
    let mut metrics = describe(encoder, family, MetricType::Counter)?;
    for (labels, value) in series {
        ConstCounter::new(value).encode(metrics.encode_family(&labels)?)?;
    }
    Ok(())
}

/// Writes the gauges of a family; of an empty one not even the name.
fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    series: impl IntoIterator<Item = (L, V)>,
) -> fmt::Result {
    let mut series = series.into_iter().peekable();
    if series.peek().is_none() {
        return Ok(());
    }
    let mut metrics = describe(encoder, family, MetricType::Gauge)?;
    for (labels, value) in series {
        ConstGauge::new(value).encode(metrics.encode_family(&labels)?)?;
    }
    Ok(())
}

/// Writes a counter without labels, if its value is known.
fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    value: Option<impl EncodeCounterValue>,
) -> fmt::Result {
    let Some(value) = value else { return Ok(()) };
    ConstCounter::new(value).encode(describe(encoder, family, MetricType::Counter)?)
}

/// Writes a gauge without labels, if its value is known.
fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    value: Option<impl EncodeGaugeValue>,
) -> fmt::Result {
    let Some(value) = value else { return Ok(()) };
    ConstGauge::new(value).encode(describe(encoder, family, MetricType::Gauge)?)
}

fn describe<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    family: &Family,
    kind: MetricType,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    // The encoders put the suffix back where their format wants it.
    let stem = family.name.strip_suffix("_total").unwrap_or(family.name);
    encoder.encode_descriptor(stem, family.help, None, kind)
}
