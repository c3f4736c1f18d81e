//! Reads the counters of the BPF program from its maps.

use std::{
    fs, io,
    os::fd::AsRawFd,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Acquire, Relaxed},
        },
    },
};

use aya::Ebpf;
use killsnoop_common::{
    cause::{Cause, Outcome, Scope},
    death::{SignalCounts, death_index, signal_index},
    kill::{KillCounts, KillKey, SIGNAL_OTHER, Syscall},
    lost::Lost,
};

use super::{
    Backend, KernelError, Reader,
    events::ReaderCounts,
    ftrace,
    hook::Hooked,
    kills::{Kills, Whole},
    shared::Shared,
};
use crate::counters::{Class, Counters, Counts, Feature, MapFill, Outcomes, Program, Snapshot};

/// The counters in the kernel.
pub struct MapCounters {
    kills: Kills,
    signals: Shared,
    deaths: Shared,
    oom_kills: Shared,
    produced: Shared,
    lost: Shared,
    programs: Vec<Hooked>,
    backend: &'static Backend,
    features: Vec<(Feature, bool)>,
    attached: Arc<AtomicBool>,
    reader: Arc<ReaderCounts>,
}

impl MapCounters {
    pub(super) fn new(
        ebpf: &mut Ebpf,
        all_kills: Option<Whole>,
        backend: &'static Backend,
        features: Vec<(Feature, bool)>,
        programs: Vec<Hooked>,
        attached: &Arc<AtomicBool>,
        reader: &Reader,
    ) -> Result<Self, KernelError> {
        Ok(Self {
            kills: Kills::take(ebpf, all_kills)?,
            signals: Shared::take(ebpf, "SIGNALS")?,
            deaths: Shared::take(ebpf, "DEATHS")?,
            oom_kills: Shared::take(ebpf, "OOM_KILLS")?,
            produced: Shared::take(ebpf, "PRODUCED")?,
            lost: Shared::take(ebpf, "LOST")?,
            programs,
            backend,
            features,
            attached: Arc::clone(attached),
            reader: reader.counts(),
        })
    }

    /// As [`Kills::read`] has it; nothing where calls are not counted, since 0 would be a count.
    fn kills(&self) -> io::Result<Vec<(KillKey, KillCounts)>> {
        if self.backend.sees_calls { self.kills.read() } else { Ok(Vec::new()) }
    }

    /// Signals that were posted, by what is told apart, shards summed; those that never happened are left out.
    fn signals(&self) -> Counts<(u32, Cause, Outcome)> {
        let of_cause = |signal, cause| Outcome::ALL.map(move |outcome| (signal, cause, outcome));
        let causes = &Cause::ALL[..Cause::N_OF_SIGNALS];
        let keys = (0..=SIGNAL_OTHER)
            .flat_map(|signal| causes.iter().flat_map(move |cause| of_cause(signal, *cause)));
        let shards = || self.signals.chunks(size_of::<SignalCounts>() / size_of::<u64>());
        let counted = keys.map(|key| {
            let index = signal_index(key.0, key.1, key.2);
            (key, shards().map(|shard| shard[index].load(Relaxed)).sum())
        });
        counted.filter(|(_, n)| *n > 0).collect()
    }

    /// Deaths by what is told apart; those that never happened are left out.
    fn deaths(&self) -> Counts<(u32, Cause, bool)> {
        let of_cause = |signal, cause| [false, true].map(|core_dumped| (signal, cause, core_dumped));
        let keys = (0..=SIGNAL_OTHER)
            .flat_map(|signal| Cause::ALL.into_iter().flat_map(move |cause| of_cause(signal, cause)));
        let counted = keys.map(|key| (key, self.deaths[death_index(key.0, key.1, key.2)].load(Relaxed)));
        counted.filter(|(_, n)| *n > 0).collect()
    }

    /// The programs, each as it stands.
    fn programs(&self) -> io::Result<Vec<Program>> {
        let (is_attached, runs_functions) = (self.attached.load(Relaxed), ftrace::is_on());
        let state = |hooked: &Hooked| program(hooked, is_attached && (runs_functions || !hooked.at_function));
        self.programs.iter().map(state).collect()
    }
}

impl Counters for MapCounters {
    fn snapshot(&self) -> io::Result<Snapshot> {
        // What was read is asked for before what was produced, so that pending events never seem negative.
        let (n_read, n_undecodable) = (self.reader.n_read(), self.reader.n_undecodable());
        let lost = Lost::ALL.iter().zip(numbers(&self.lost)).map(|(reason, n)| (*reason, n)).collect();
        let produced = Class::ALL.into_iter().zip(numbers(&self.produced)).collect();
        let kills = self.kills()?;
        let n_keys = kills.len() as u64;
        Ok(Snapshot {
            syscalls: by_syscall(&kills),
            kills: kills.iter().map(|(key, counts)| (*key, counts.calls.iter().sum())).collect(),
            signals: self.signals(),
            deaths: self.deaths(),
            oom_kills: Scope::ALL.into_iter().zip(numbers(&self.oom_kills)).collect(),
            produced,
            lost,
            programs: self.programs()?,
            // All keys are put in at load and none is ever added or removed.
            maps: vec![MapFill { name: "kills", n_entries: n_keys, capacity: KillKey::N as u64 }],
            hook: self.backend.name,
            features: self.features.clone(),
            n_read,
            n_undecodable,
        })
    }
}

/// What the kernel says of a program, copies summed, see `bpf_prog_show_fdinfo` in kernel/bpf/syscall.c.
fn program(Hooked { name, copies, .. }: &Hooked, attached: bool) -> io::Result<Program> {
    let mut program = Program { name, attached, n_runs: 0, n_recursion_misses: 0 };
    for fd in copies {
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))?;
        program.n_runs += field(&info, "run_cnt");
        program.n_recursion_misses += field(&info, "recursion_misses");
    }
    Ok(program)
}

/// The same calls by system call, and whether they succeeded.
fn by_syscall(kills: &[(KillKey, KillCounts)]) -> Vec<(Syscall, Outcomes)> {
    if kills.is_empty() {
        return Vec::new();
    }
    let calls = |syscall: Syscall, failed| {
        let fitting = kills.iter().filter(|(key, _)| (key.result != 0) == failed);
        fitting.map(|(_, counts)| counts.calls[syscall as usize]).sum()
    };
    Syscall::ALL
        .map(|syscall| (syscall, Outcomes { ok: calls(syscall, false), error: calls(syscall, true) }))
        .to_vec()
}

/// What is counted there now, before whatever is asked for next.
fn numbers(counters: &[AtomicU64]) -> impl Iterator<Item = u64> {
    counters.iter().map(|counter| counter.load(Acquire))
}

/// A number of a `name:<TAB>number` line; 0 where the kernel is too old to show it.
fn field(info: &str, name: &str) -> u64 {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use killsnoop_common::kill::RESULT_OTHER;

    use super::*;

    #[test]
    fn calls_are_summed_by_system_call_and_by_whether_they_succeeded() {
        let row = |result, calls| (KillKey { signal: 9, result }, KillCounts { calls });
        let kills =
            [row(0, [1, 2, 0, 0, 0, 0]), row(-3, [0, 10, 0, 0, 0, 0]), row(RESULT_OTHER, [0, 5, 0, 0, 0, 7])];
        let sums: Vec<_> = by_syscall(&kills).into_iter().map(|(_, sums)| (sums.ok, sums.error)).collect();
        assert_eq!(sums, [(1, 0), (2, 15), (0, 0), (0, 0), (0, 0), (0, 7)]);
    }

    #[test]
    fn numbers_are_taken_from_their_own_line() {
        let info = "pos:\t0\nrun_cnt:\t17\nrecursion_misses:\t3\nverified_insns:\t99\n";
        assert_eq!((field(info, "run_cnt"), field(info, "recursion_misses")), (17, 3));
        assert_eq!(field(info, "run"), 0);
        assert_eq!(field("", "run_cnt"), 0);
    }
}
