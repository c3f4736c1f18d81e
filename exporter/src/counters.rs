//! What the kernel side has counted, as metrics takes it. The numbers live in the kernel alone and are
//! read at each scrape; user space keeps no second copy.

use std::io;

use killsnoop_common::{
    cause::{Cause, Outcome, Scope},
    kill::{KillKey, Syscall},
    lost::Lost,
};

/// Counters by what they tell apart.
pub type Counts<Key> = Vec<(Key, u64)>;

/// Whoever can read the kernel side's counters.
pub trait Counters: Send + Sync {
    /// Reads all counters, CPUs summed.
    ///
    /// # Errors
    /// If the kernel refuses a map to this process.
    fn snapshot(&self) -> io::Result<Snapshot>;
}

/// All counters at one moment; each family is read in one go, different families one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Calls by signal and result: every legal key, in the order of [`KillKey::all`].
    pub kills: Vec<(KillKey, u64)>,
    /// Calls by system call: every call, those that succeeded and those that failed.
    pub syscalls: Vec<(Syscall, Outcomes)>,
    /// Signals that were posted, by signal (1 to 64), cause and outcome: those that happened, in that order.
    pub signals: Counts<(u32, Cause, Outcome)>,
    /// Processes that died of a signal, by signal, cause and whether the kernel dumped core: those that happened, in
    /// that order.
    pub deaths: Counts<(u32, Cause, bool)>,
    /// Processes that were chosen to die because memory ran out: every scope.
    pub oom_kills: Vec<(Scope, u64)>,
    /// Events that passed the filter, whether or not a ring buffer had room for them: every class.
    pub produced: Vec<(Class, u64)>,
    /// What the hooks could not do, by reason.
    pub lost: Vec<(Lost, u64)>,
    /// The programs that are attached.
    pub programs: Vec<Program>,
    /// The hash maps and how full they are.
    pub maps: Vec<MapFill>,
    /// The hook back end, for instance `tracepoint`.
    pub hook: &'static str,
    /// What can be seen here, and what cannot: every feature.
    pub features: Vec<(Feature, bool)>,
    /// Events taken out of the ring buffer.
    pub n_read: u64,
    /// Of these, those that could not be understood.
    pub n_undecodable: u64,
}

impl Snapshot {
    /// Processes that died of a signal.
    #[must_use]
    pub fn n_deaths(&self) -> u64 {
        self.deaths.iter().map(|(_, n)| n).sum()
    }

    /// Events lost on their way to the sinks.
    #[must_use]
    pub fn n_events_lost(&self) -> u64 {
        let is_event = |reason| matches!(reason, Lost::RingFull | Lost::UrgentRingFull);
        let in_rings: u64 = self.lost.iter().filter(|(reason, _)| is_event(*reason)).map(|(_, n)| n).sum();
        in_rings + self.n_undecodable
    }

    /// Whether every program is attached.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.programs.iter().all(|program| program.attached)
    }
}

/// What a kernel may not let be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Calls that send signals.
    Calls,
    /// Those of 32-bit programs.
    CompatCalls,
    /// What processes run that begin after the exporter.
    Executables,
    /// The limit that an OOM killer met.
    OomLimits,
}

impl Feature {
    /// The feature's name, as labels have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::CompatCalls => "compat_calls",
            Self::Executables => "executables",
            Self::OomLimits => "oom_limits",
        }
    }

    /// What its absence means, for people.
    #[must_use]
    pub const fn absence(self) -> &'static str {
        match self {
            Self::Calls => "calls that send signals are not counted",
            Self::CompatCalls => "calls of 32-bit programs are not counted; what comes of them is",
            Self::Executables => {
                "of processes that begin from now on the name is known, and not the executable"
            }
            Self::OomLimits => "which limit an OOM killer met stays unknown",
        }
    }
}

/// A class of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Calls that send signals.
    KillCall,
    /// Signals as they are posted.
    Signal,
    /// Deaths.
    Death,
    /// OOM kills.
    OomKill,
}

impl Class {
    /// All classes, in the order of the numbers that records have for them.
    pub const ALL: [Self; 4] = [Self::KillCall, Self::Signal, Self::Death, Self::OomKill];

    /// The class's name, as labels have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KillCall => "kill_call",
            Self::Signal => "signal",
            Self::Death => "death",
            Self::OomKill => "oom_kill",
        }
    }
}

/// Calls by whether they worked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Calls that returned 0.
    pub ok: u64,
    /// Calls that returned an error.
    pub error: u64,
}

/// One program of the kernel side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name, and what it hooks, for instance `sys_exit_call:syscalls/sys_exit_kill`.
    pub name: &'static str,
    /// Whether it is attached, and the kernel runs it: programs at its functions can be switched off.
    pub attached: bool,
    /// How often it ran; counted by the kernel only while `kernel.bpf_stats_enabled` is 1.
    pub n_runs: u64,
    /// How often the kernel skipped it because it was already running on that CPU.
    pub n_recursion_misses: u64,
}

/// How full a map is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapFill {
    /// The map's name.
    pub name: &'static str,
    /// Entries in use.
    pub n_entries: u64,
    /// Entries it can hold.
    pub capacity: u64,
}
