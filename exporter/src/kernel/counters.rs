//! Reads the counters of the BPF program from its maps.

use std::{
    fs, io,
    os::fd::{AsRawFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use aya::{
    Ebpf,
    maps::{Array, MapData, MapError, PerCpuArray, PerCpuHashMap, PerCpuValues},
    util::nr_cpus,
};
use killsnoop_common::{
    cause::{Cause, Outcome, Scope},
    death::{DeathCounts, SignalCounts, death_index, signal_index},
    kill::{KillCounts, KillKey, SIGNAL_OTHER, Syscall},
    lost::Lost,
};

use super::{Backend, KernelError, Reader, events::ReaderCounts, take_map};
use crate::counters::{Class, Counters, Counts, Feature, MapFill, Outcomes, Program, Snapshot};

/// Puts every legal key into the map of calls, with 0 for all CPUs: so no update can fail, and the first call of a kind
/// is an increase of a counter that was there.
pub(super) fn seed(ebpf: &mut Ebpf) -> Result<(), KernelError> {
    let failed = |source| KernelError::Map { name: KILLS, source };
    let map = ebpf.map_mut(KILLS).ok_or_else(|| failed(MapError::InvalidName { name: KILLS.to_owned() }))?;
    let mut kills: PerCpuHashMap<_, KillKey, KillCounts> = map.try_into().map_err(failed)?;
    let n_cpus = nr_cpus().map_err(|(_, error)| failed(MapError::IoError(error)))?;
    for key in KillKey::all() {
        let zeros = PerCpuValues::try_from(vec![KillCounts::default(); n_cpus])
            .map_err(|error| failed(MapError::IoError(error)))?;
        kills.insert(key, zeros, 0).map_err(failed)?;
    }
    Ok(())
}

const KILLS: &str = "KILLS";

/// The counters in the kernel.
pub struct MapCounters {
    kills: PerCpuHashMap<MapData, KillKey, KillCounts>,
    signals: Array<MapData, SignalCounts>,
    deaths: Array<MapData, DeathCounts>,
    oom_kills: Array<MapData, u64>,
    produced: PerCpuArray<MapData, u64>,
    lost: PerCpuArray<MapData, u64>,
    programs: Vec<(&'static str, Vec<OwnedFd>)>,
    backend: &'static Backend,
    features: Vec<(Feature, bool)>,
    attached: Arc<AtomicBool>,
    reader: Arc<ReaderCounts>,
}

impl MapCounters {
    pub(super) fn new(
        ebpf: &mut Ebpf,
        backend: &'static Backend,
        features: Vec<(Feature, bool)>,
        programs: Vec<(&'static str, Vec<OwnedFd>)>,
        attached: &Arc<AtomicBool>,
        reader: &Reader,
    ) -> Result<Self, KernelError> {
        Ok(Self {
            kills: take_map(ebpf, KILLS)?,
            signals: take_map(ebpf, "SIGNALS")?,
            deaths: take_map(ebpf, "DEATHS")?,
            oom_kills: take_map(ebpf, "OOM_KILLS")?,
            produced: take_map(ebpf, "PRODUCED")?,
            lost: take_map(ebpf, "LOST")?,
            programs,
            backend,
            features,
            attached: Arc::clone(attached),
            reader: reader.counts(),
        })
    }

    /// Every legal key with its calls by system call, CPUs summed; nothing where calls are not counted, since 0 would be a
    /// count.
    fn kills(&self) -> Result<Vec<(KillKey, KillCounts)>, MapError> {
        if !self.backend.sees_calls {
            return Ok(Vec::new());
        }
        KillKey::all().map(|key| Ok((key, add_up(&self.kills.get(&key, 0)?)))).collect()
    }

    /// Signals that were posted, by what is told apart, shards summed; those that never happened are left out.
    fn signals(&self) -> Result<Counts<(u32, Cause, Outcome)>, MapError> {
        let mut sums = vec![0; SignalCounts::N];
        for shard in 0..self.signals.len() {
            let counts = self.signals.get(&shard, 0)?;
            sums.iter_mut().zip(counts.counts).for_each(|(sum, n)| *sum += n);
        }
        let of_cause = |signal, cause| Outcome::ALL.map(move |outcome| (signal, cause, outcome));
        let causes = &Cause::ALL[..Cause::N_OF_SIGNALS];
        let keys = (0..=SIGNAL_OTHER)
            .flat_map(|signal| causes.iter().flat_map(move |cause| of_cause(signal, *cause)));
        let counted = keys.map(|key| (key, sums[signal_index(key.0, key.1, key.2)]));
        Ok(counted.filter(|(_, n)| *n > 0).collect())
    }

    /// Deaths by what is told apart; those that never happened are left out.
    fn deaths(&self) -> Result<Counts<(u32, Cause, bool)>, MapError> {
        let counts = self.deaths.get(&0, 0)?.counts;
        let of_cause = |signal, cause| [false, true].map(|core_dumped| (signal, cause, core_dumped));
        let keys = (0..=SIGNAL_OTHER)
            .flat_map(|signal| Cause::ALL.into_iter().flat_map(move |cause| of_cause(signal, cause)));
        let counted = keys.map(|key| (key, counts[death_index(key.0, key.1, key.2)]));
        Ok(counted.filter(|(_, n)| *n > 0).collect())
    }

    fn oom_kills(&self) -> Result<Vec<(Scope, u64)>, MapError> {
        Scope::ALL.into_iter().map(|scope| Ok((scope, self.oom_kills.get(&(scope as u32), 0)?))).collect()
    }

    fn produced(&self) -> Result<Vec<(Class, u64)>, MapError> {
        (0..).zip(Class::ALL).map(|(kind, class)| Ok((class, sum(&self.produced.get(&kind, 0)?)))).collect()
    }

    fn lost(&self) -> Result<Vec<(Lost, u64)>, MapError> {
        Lost::ALL.iter().map(|reason| Ok((*reason, sum(&self.lost.get(&(*reason as u32), 0)?)))).collect()
    }

    /// What the kernel says of a program, copies summed, see `bpf_prog_show_fdinfo` in kernel/bpf/syscall.c.
    fn program(&self, name: &'static str, copies: &[OwnedFd]) -> io::Result<Program> {
        let mut program =
            Program { name, attached: self.attached.load(Relaxed), n_runs: 0, n_recursion_misses: 0 };
        for fd in copies {
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))?;
            program.n_runs += field(&info, "run_cnt");
            program.n_recursion_misses += field(&info, "recursion_misses");
        }
        Ok(program)
    }
}

impl Counters for MapCounters {
    fn snapshot(&self) -> io::Result<Snapshot> {
        // What was read is asked for before what was produced, so that pending events never seem negative.
        let (n_read, n_undecodable) = (self.reader.n_read(), self.reader.n_undecodable());
        let lost = self.lost().map_err(refused)?;
        let produced = self.produced().map_err(refused)?;
        let kills = self.kills().map_err(refused)?;
        let n_keys = kills.len() as u64;
        Ok(Snapshot {
            syscalls: by_syscall(&kills),
            kills: kills.iter().map(|(key, counts)| (*key, counts.calls.iter().sum())).collect(),
            signals: self.signals().map_err(refused)?,
            deaths: self.deaths().map_err(refused)?,
            oom_kills: self.oom_kills().map_err(refused)?,
            produced,
            lost,
            programs: self
                .programs
                .iter()
                .map(|(name, copies)| self.program(name, copies))
                .collect::<Result<_, _>>()?,
            // All keys are put in at load and none is ever added or removed.
            maps: vec![MapFill { name: "kills", n_entries: n_keys, capacity: KillKey::N as u64 }],
            hook: self.backend.name,
            features: self.features.clone(),
            n_read,
            n_undecodable,
        })
    }
}

fn add_up(values: &PerCpuValues<KillCounts>) -> KillCounts {
    values.iter().fold(KillCounts::default(), |mut sum, counts| {
        sum.calls.iter_mut().zip(counts.calls).for_each(|(sum, calls)| *sum += calls);
        sum
    })
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

fn sum(values: &PerCpuValues<u64>) -> u64 {
    values.iter().sum()
}

fn refused(error: MapError) -> io::Error {
    io::Error::other(error)
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
