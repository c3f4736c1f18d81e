//! The page of metrics. No other module names a metric or its labels: names and help texts are in `names.rs`, labels are
//! given here.

mod budget;
mod classic;
mod containers;
mod encode;
mod exemplars;
#[cfg(test)]
pub(crate) mod fake;
mod families;
mod label;
mod names;
mod page;
mod rows;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use killsnoop_common::{kill::KillKey, lost::Lost};
use metrics_process::collector::Metrics as Process;
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

pub use containers::ContainerDeaths;
pub use exemplars::Exemplars;
pub use families::{Family, Kind, LastEvent, Series};
pub use page::{Format, Page, RenderError};

use crate::{
    counters::{Feature, Program, Snapshot},
    ledger::{Ledger, Push, Pushes, Stage},
};
use budget::{Combination, Places, Row};
use encode::{Exemplar, counter, counters, counters_with_exemplars, gauge, gauges};
use rows::{DeathKey, SignalKey};

/// Everything that one page shows, read once, so that a page is whole or not there at all.
#[derive(Debug)]
struct Scrape {
    snapshot: Snapshot,
    budgeted: Budgeted,
    /// Empty if deaths are not counted by container.
    container_deaths: Vec<([(&'static str, String); 5], u64)>,
    sinks: Arc<[Sink]>,
    /// `None` if nobody pushes.
    pushes: Option<Arc<Pushes>>,
    process: Process,
    build: Build,
    read_seconds: f64,
}

/// A series with the values of its labels.
type Counter<const N: usize> = ([&'static str; N], u64, Option<Exemplar>);

/// The families that have no more series than `budget.rs` lets them have.
#[derive(Debug)]
struct Budgeted {
    calls: Vec<Counter<2>>,
    signals: Vec<Counter<3>>,
    deaths: Vec<Counter<3>>,
}

/// Which series they have had so far; all pages of an exporter share these.
#[derive(Debug, Default)]
struct Shown {
    calls: Places<KillKey>,
    signals: Places<SignalKey>,
    deaths: Places<DeathKey>,
}

impl Shown {
    /// The series of a snapshot, each with its exemplar if there are any.
    fn series(&mut self, snapshot: &Snapshot, exemplars: Option<&Exemplars>) -> Budgeted {
        Budgeted {
            calls: with_exemplars(self.calls.rows(&snapshot.kills), |keys| exemplars?.of_calls(keys)),
            signals: with_exemplars(self.signals.rows(&snapshot.signals), |_| None),
            deaths: with_exemplars(self.deaths.rows(&snapshot.deaths), |keys| exemplars?.of_deaths(keys)),
        }
    }
}

/// A row that is still at 0 has no exemplar yet: its event may have come since the kernel was read.
fn with_exemplars<C, const N: usize>(
    rows: Vec<Row<C>>,
    last_of: impl Fn(&[C]) -> Option<Exemplar>,
) -> Vec<Counter<N>>
where
    C: Combination<Labels = [&'static str; N]>,
{
    rows.into_iter().map(|row| (row.labels, row.n, last_of(&row.of).filter(|_| row.n > 0))).collect()
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
        self.encode_deaths(encoder)?;
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
        // Where calls are not counted, 0 would be a lie.
        if self.snapshot.features.contains(&(Feature::Calls, false)) {
            return Ok(());
        }
        let calls = self.budgeted.calls.iter().cloned();
        let calls =
            calls.map(|([signal, result], n, last)| ([("signal", signal), ("result", result)], n, last));
        counters_with_exemplars(encoder, &names::KILL_CALLS, calls)?;

        let syscalls = self.snapshot.syscalls.iter().flat_map(|(syscall, outcomes)| {
            [("ok", outcomes.ok), ("error", outcomes.error)]
                .map(|(result, n)| ([("syscall", syscall.name()), ("result", result)], n))
        });
        counters(encoder, &names::KILL_CALLS_BY_SYSCALL, syscalls)
    }

    fn encode_deaths(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let signals = self.budgeted.signals.iter().map(|([signal, origin, outcome], n, _)| {
            ([("signal", *signal), ("origin", *origin), ("outcome", *outcome)], *n)
        });
        counters(encoder, &names::SIGNALS, signals)?;

        let deaths = self.budgeted.deaths.iter().cloned().map(|([signal, cause, core_dumped], n, last)| {
            ([("signal", signal), ("cause", cause), ("core_dumped", core_dumped)], n, last)
        });
        counters_with_exemplars(encoder, &names::DEATHS, deaths)?;

        let oom_kills = self.snapshot.oom_kills.iter().map(|(scope, n)| ([("scope", scope.name())], *n));
        counters(encoder, &names::OOM_KILLS, oom_kills)?;

        let in_containers = self.container_deaths.iter().map(|(labels, n)| (labels.as_slice(), *n));
        counters(encoder, &names::CONTAINER_DEATHS, in_containers)
    }

    fn encode_events(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let produced = self.snapshot.produced.iter().map(|(class, n)| ([("class", class.name())], *n));
        counters(encoder, &names::EVENTS_PRODUCED, produced)?;

        let delivered = self.sinks.iter().map(|sink| ([("sink", sink.name)], sink.ledger.n_delivered()));
        counters(encoder, &names::EVENTS_DELIVERED, delivered)?;

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
        counters(encoder, &names::EVENTS_LOST, lost.map(|(stage, n)| ([("stage", stage)], n)))?;

        // The three are read one after the other, so that for a moment more can have been read than was produced.
        let produced: u64 = self.snapshot.produced.iter().map(|(_, n)| n).sum();
        let pending = produced.saturating_sub(in_ring + in_urgent).saturating_sub(self.snapshot.n_read);
        let pending_in_sinks = self.sinks.iter().map(|sink| (sink.name, sink.ledger.n_pending()));
        let pending = [("ring", pending)].into_iter().chain(pending_in_sinks);
        gauges(encoder, &names::EVENTS_PENDING, pending.map(|(stage, n)| ([("stage", stage)], n)))
    }

    fn encode_hooks(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let errors = Lost::ALL.into_iter().filter_map(|reason| {
            let label = match reason {
                // These lose an event, and are shown as such.
                Lost::RingFull | Lost::UrgentRingFull => return None,
                Lost::CounterMissing => "counter_missing",
                Lost::ImageNotKept => "image_not_kept",
                Lost::SenderNotKept => "sender_not_kept",
                Lost::ImageUnreadable => "image_unreadable",
                Lost::CgroupNotTold => "cgroup_not_told",
            };
            Some(([("reason", label)], self.n_lost(reason)))
        });
        counters(encoder, &names::HOOK_ERRORS, errors)?;

        let features = self.snapshot.features.iter();
        let features =
            features.map(|(feature, is_there)| ([("feature", feature.name())], u64::from(*is_there)));
        gauges(encoder, &names::FEATURE_AVAILABLE, features)?;

        let sees_compat = self.snapshot.features.contains(&(Feature::CompatCalls, true));
        let compat = if sees_compat { "seen" } else { "unseen" };
        gauges(encoder, &names::HOOK_INFO, [([("backend", self.snapshot.hook), ("compat", compat)], 1_u64)])
    }

    fn encode_programs(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let of_each = |value: fn(&Program) -> u64| {
            self.snapshot.programs.iter().map(move |program| ([("program", program.name)], value(program)))
        };
        gauges(encoder, &names::PROGRAM_ATTACHED, of_each(|program| program.attached.into()))?;
        counters(encoder, &names::PROGRAM_RUNS, of_each(|program| program.n_runs))?;
        counters(encoder, &names::PROGRAM_RECURSION_MISSES, of_each(|program| program.n_recursion_misses))
    }

    fn encode_maps(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let maps = &self.snapshot.maps;
        gauges(encoder, &names::MAP_ENTRIES, maps.iter().map(|map| ([("map", map.name)], map.n_entries)))?;
        gauges(encoder, &names::MAP_CAPACITY, maps.iter().map(|map| ([("map", map.name)], map.capacity)))
    }

    fn encode_exporter(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let pushes = self
            .pushes
            .iter()
            .flat_map(|pushes| Push::ALL.into_iter().map(|push| ([("result", push.name())], pushes.n(push))));
        counters(encoder, &names::OTLP_METRICS_PUSHES, pushes)?;

        gauge(encoder, &names::SCRAPE_DURATION, Some(self.read_seconds))?;
        let Build { version, revision, rustversion, arch } = self.build;
        let labels =
            [("version", version), ("revision", revision), ("rustversion", rustversion), ("arch", arch)];
        gauges(encoder, &names::BUILD_INFO, [(labels, 1_u64)])
    }

    /// The standard metrics of a process; those that `/proc` did not tell are left out.
    fn encode_process(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let process = &self.process;
        // The reader says 0 for no limit. Others show the greatest number, so that use / limit is not infinite.
        let limit = |limit: Option<u64>| limit.map(|limit| if limit == 0 { u64::MAX } else { limit });
        counter(encoder, &names::PROCESS_CPU, process.cpu_seconds_total)?;
        gauge(encoder, &names::PROCESS_OPEN_FDS, process.open_fds)?;
        gauge(encoder, &names::PROCESS_MAX_FDS, limit(process.max_fds))?;
        gauge(encoder, &names::PROCESS_VIRTUAL_MEMORY, process.virtual_memory_bytes)?;
        gauge(encoder, &names::PROCESS_VIRTUAL_MEMORY_MAX, limit(process.virtual_memory_max_bytes))?;
        gauge(encoder, &names::PROCESS_RESIDENT_MEMORY, process.resident_memory_bytes)?;
        gauge(encoder, &names::PROCESS_START_TIME, process.start_time_seconds)?;
        gauge(encoder, &names::PROCESS_THREADS, process.threads)
    }

    fn n_lost(&self, reason: Lost) -> u64 {
        self.snapshot.lost.iter().filter(|(lost, _)| *lost == reason).map(|(_, n)| n).sum()
    }
}
