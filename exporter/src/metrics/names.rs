//! The names and help texts of all metrics.

/// What all series of one name share.
pub(super) struct Family {
    /// The name as it is scraped.
    pub(super) name: &'static str,
    /// What it says, ended by its full stop: the encoders do not add one.
    pub(super) help: &'static str,
}

pub(super) const KILL_CALLS: Family = Family {
    name: "killsnoop_kill_calls_total",
    help: "Calls that ask for a signal to be sent (kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, \
           pidfd_send_signal), by the signal asked for and by result. Signal 0 only asks whether the target exists.",
};
pub(super) const KILL_CALLS_BY_SYSCALL: Family = Family {
    name: "killsnoop_kill_calls_by_syscall_total",
    help: "The same calls, by system call and by whether they succeeded.",
};
pub(super) const SIGNALS: Family = Family {
    name: "killsnoop_signals_total",
    help: "Signals that were posted to a process, by signal, by what made the kernel send it, and by what became \
           of it.",
};
pub(super) const DEATHS: Family = Family {
    name: "killsnoop_deaths_total",
    help: "Processes that died of a signal, by signal, by what killed them, and by whether the kernel dumped core.",
};
pub(super) const OOM_KILLS: Family = Family {
    name: "killsnoop_oom_kills_total",
    help: "Processes that the kernel chose to kill because memory ran out, by what ran out.",
};
pub(super) const CONTAINER_DEATHS: Family = Family {
    name: "killsnoop_container_deaths_total",
    help: "Processes in containers that died of a signal, as far as their events were read. Containers that had \
           none for long are counted as other.",
};
pub(super) const EVENTS_PRODUCED: Family = Family {
    name: "killsnoop_events_produced_total",
    help: "Events that passed the filter in the kernel, whether or not there was room to send them.",
};
pub(super) const EVENTS_DELIVERED: Family =
    Family { name: "killsnoop_events_delivered_total", help: "Events that reached the receiver of a sink." };
pub(super) const EVENTS_LOST: Family = Family {
    name: "killsnoop_events_lost_total",
    help: "Events lost on their way, by where. Counts of calls, signals and deaths are exact however many events \
           are lost.",
};
pub(super) const EVENTS_PENDING: Family = Family {
    name: "killsnoop_events_pending",
    help: "Events on their way, neither delivered nor lost, by where they wait.",
};
pub(super) const HOOK_ERRORS: Family = Family {
    name: "killsnoop_hook_errors_total",
    help: "Work that a hook in the kernel could not do, by reason. No event is lost by it.",
};
pub(super) const FEATURE_AVAILABLE: Family = Family {
    name: "killsnoop_feature_available",
    help: "Whether this kernel lets something be seen: 1, or 0.",
};
pub(super) const HOOK_INFO: Family = Family {
    name: "killsnoop_hook_info",
    help: "How calls are watched, and whether those of 32-bit programs are seen. The value is always 1.",
};
pub(super) const PROGRAM_ATTACHED: Family =
    Family { name: "killsnoop_program_attached", help: "Whether a BPF program is attached: 1, or 0." };
pub(super) const PROGRAM_RUNS: Family = Family {
    name: "killsnoop_program_run_count_total",
    help: "Runs of a BPF program. The kernel counts them only while the sysctl kernel.bpf_stats_enabled is 1.",
};
pub(super) const PROGRAM_RECURSION_MISSES: Family = Family {
    name: "killsnoop_program_recursion_misses_total",
    help: "Runs of a BPF program that the kernel skipped because it was already running on that CPU.",
};
pub(super) const MAP_ENTRIES: Family =
    Family { name: "killsnoop_map_entries", help: "Entries in use of a BPF map." };
pub(super) const MAP_CAPACITY: Family =
    Family { name: "killsnoop_map_capacity", help: "Entries that a BPF map can hold." };
pub(super) const OTLP_METRICS_PUSHES: Family = Family {
    name: "killsnoop_otlp_metrics_pushes_total",
    help: "Pushes of all metrics by OTLP, by how they ended. What a lost one had, the next one has.",
};
pub(super) const SCRAPE_DURATION: Family = Family {
    name: "killsnoop_scrape_duration_seconds",
    help: "Time it took to read the counters of this page from the kernel.",
};
pub(super) const BUILD_INFO: Family = Family {
    name: "killsnoop_build_info",
    help: "What this exporter was built from, and with which compiler. The value is always 1.",
};
pub(super) const PROCESS_CPU: Family = Family {
    name: "process_cpu_seconds_total",
    help: "Total user and system CPU time spent by the exporter in seconds.",
};
pub(super) const PROCESS_OPEN_FDS: Family =
    Family { name: "process_open_fds", help: "Number of open file descriptors of the exporter." };
pub(super) const PROCESS_MAX_FDS: Family =
    Family { name: "process_max_fds", help: "Maximum number of open file descriptors of the exporter." };
pub(super) const PROCESS_VIRTUAL_MEMORY: Family =
    Family { name: "process_virtual_memory_bytes", help: "Virtual memory size of the exporter in bytes." };
pub(super) const PROCESS_VIRTUAL_MEMORY_MAX: Family = Family {
    name: "process_virtual_memory_max_bytes",
    help: "Maximum amount of virtual memory available to the exporter in bytes.",
};
pub(super) const PROCESS_RESIDENT_MEMORY: Family =
    Family { name: "process_resident_memory_bytes", help: "Resident memory size of the exporter in bytes." };
pub(super) const PROCESS_START_TIME: Family = Family {
    name: "process_start_time_seconds",
    help: "Start time of the exporter since the Unix epoch in seconds.",
};
pub(super) const PROCESS_THREADS: Family =
    Family { name: "process_threads", help: "Number of operating system threads of the exporter." };

/// Units of OpenTelemetry, which has those of UCUM, and what is counted in braces. Whoever is not here has none: what is
/// yes or no, and what only says something by its labels.
const UNITS: [(&Family, &str); 25] = [
    (&KILL_CALLS, "{call}"),
    (&KILL_CALLS_BY_SYSCALL, "{call}"),
    (&SIGNALS, "{signal}"),
    (&DEATHS, "{process}"),
    (&OOM_KILLS, "{process}"),
    (&CONTAINER_DEATHS, "{process}"),
    (&EVENTS_PRODUCED, "{event}"),
    (&EVENTS_DELIVERED, "{event}"),
    (&EVENTS_LOST, "{event}"),
    (&EVENTS_PENDING, "{event}"),
    (&HOOK_ERRORS, "{error}"),
    (&PROGRAM_RUNS, "{run}"),
    (&PROGRAM_RECURSION_MISSES, "{run}"),
    (&MAP_ENTRIES, "{entry}"),
    (&MAP_CAPACITY, "{entry}"),
    (&OTLP_METRICS_PUSHES, "{push}"),
    (&SCRAPE_DURATION, SECONDS),
    (&PROCESS_CPU, SECONDS),
    (&PROCESS_OPEN_FDS, "{file_descriptor}"),
    (&PROCESS_MAX_FDS, "{file_descriptor}"),
    (&PROCESS_VIRTUAL_MEMORY, "By"),
    (&PROCESS_VIRTUAL_MEMORY_MAX, "By"),
    (&PROCESS_RESIDENT_MEMORY, "By"),
    (&PROCESS_START_TIME, SECONDS),
    (&PROCESS_THREADS, "{thread}"),
];

/// The unit of what need not be whole.
pub(super) const SECONDS: &str = "s";

/// A family's unit by its name; empty if it has none.
pub(super) fn unit(name: &str) -> &'static str {
    UNITS.iter().find(|(family, _)| family.name == name).map_or("", |(_, unit)| unit)
}
