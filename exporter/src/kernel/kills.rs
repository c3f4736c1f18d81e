//! The counters of calls: the map `KILLS`.
//!
//! The kernel shows it whole to whoever has an iterator (`bpf_map_elem`, since Linux 5.9). To look up one key after the other
//! works anywhere, takes longer, and marks the CPU each time: a kernel that preempts the reader meanwhile runs no probe on that
//! CPU, for anybody, until the reader goes on.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read as _},
    os::fd::{AsFd as _, OwnedFd},
};

use aya::{
    Btf, Ebpf,
    maps::{Map, MapData, MapError, PerCpuHashMap, PerCpuValues},
    programs::Program,
    util::nr_cpus,
};
use killsnoop_common::kill::{KillCounts, KillKey, Syscall};

use super::{
    KernelError,
    bpf::{address, bpf, bpf_attach_type::BPF_TRACE_ITER, bpf_cmd, length, nothing, number},
    take_map,
};

const MAP: &str = "KILLS";

/// What the kernel has room for when it shows a map, and so for the values of one key: those of 600 CPUs. See
/// `bpf_seq_read` of `kernel/bpf/bpf_iter.c`.
const SHOWN_AT_ONCE: usize = 32 << 10;

/// Calls by signal and result, and below that by system call.
pub(super) struct Kills {
    map: PerCpuHashMap<MapData, KillKey, KillCounts>,
    whole: Option<Whole>,
}

impl Kills {
    /// Takes the map out.
    ///
    /// # Errors
    /// If the object has none.
    pub(super) fn take(ebpf: &mut Ebpf, whole: Option<Whole>) -> Result<Self, KernelError> {
        Ok(Self { map: take_map(ebpf, MAP)?, whole })
    }

    /// Every legal key with its calls by system call, CPUs summed.
    ///
    /// # Errors
    /// If the kernel refuses it to this process.
    pub(super) fn read(&self) -> io::Result<Vec<(KillKey, KillCounts)>> {
        if let Some(whole) = &self.whole {
            return whole.read();
        }
        let look_up = |key| Ok((key, add_up(&self.map.get(&key, 0)?)));
        KillKey::all().map(look_up).collect::<Result<_, MapError>>().map_err(io::Error::other)
    }
}

/// Puts every legal key into the map, with 0 for all CPUs: so no update can fail, and the first call of a kind is an increase
/// of a counter that was there.
///
/// # Errors
/// If the kernel does not take them.
pub(super) fn seed(ebpf: &mut Ebpf) -> Result<(), KernelError> {
    let failed = |source| KernelError::Map { name: MAP, source };
    let map = ebpf.map_mut(MAP).ok_or_else(|| failed(MapError::InvalidName { name: MAP.to_owned() }))?;
    let mut kills: PerCpuHashMap<_, KillKey, KillCounts> = map.try_into().map_err(failed)?;
    let n_cpus = n_cpus().map_err(|error| failed(MapError::IoError(error)))?;
    for key in KillKey::all() {
        let zeros = PerCpuValues::try_from(vec![KillCounts::default(); n_cpus])
            .map_err(|error| failed(MapError::IoError(error)))?;
        kills.insert(key, zeros, 0).map_err(failed)?;
    }
    Ok(())
}

/// Bytes of the counters of one key.
pub(super) fn counts_len() -> u32 {
    length(n_cpus().unwrap_or(1) * size_of::<KillCounts>())
}

/// The map, as an iterator shows it.
pub(super) struct Whole {
    link: OwnedFd,
    row_len: usize,
}

impl Whole {
    /// Attaches the iterator to the map, which must have its keys.
    ///
    /// # Errors
    /// If the kernel does not have it, does not let this process read it, or has no room to show the values of so many CPUs.
    pub(super) fn new(ebpf: &mut Ebpf, btf: &Btf) -> io::Result<Self> {
        let Some(Program::Iter(program)) = ebpf.program_mut("read_kills") else {
            return Err(io::Error::other("the BPF object has no program for it"));
        };
        program.load("bpf_map_elem", btf).map_err(io::Error::other)?;
        let program = program.fd().map_err(io::Error::other)?.try_clone().map_err(io::Error::other)?;
        let Some(Map::PerCpuHashMap(map)) = ebpf.map(MAP) else {
            return Err(io::Error::other("the BPF object has no such map"));
        };
        // `union bpf_iter_link_info` of include/uapi/linux/bpf.h, of a map; the kernel takes what there is of it.
        let info = number(map.fd().as_fd());
        let mut attr = nothing();
        attr.link_create.__bindgen_anon_1.prog_fd = number(program.as_fd());
        attr.link_create.attach_type = BPF_TRACE_ITER as u32;
        attr.link_create.__bindgen_anon_3.__bindgen_anon_1.iter_info = address(&raw const info);
        attr.link_create.__bindgen_anon_3.__bindgen_anon_1.iter_info_len = length(size_of_val(&info));
        // SAFETY: `info` lives until it returns, and is as long as that.
        let link = unsafe { bpf(bpf_cmd::BPF_LINK_CREATE, &mut attr) }?;
        let whole = Self { link, row_len: size_of::<KillKey>() + n_cpus()? * size_of::<KillCounts>() };
        whole.read()?;
        Ok(whole)
    }

    fn read(&self) -> io::Result<Vec<(KillKey, KillCounts)>> {
        let mut attr = nothing();
        attr.iter_create.link_fd = number(self.link.as_fd());
        // SAFETY: there is no address in it.
        let file = unsafe { bpf(bpf_cmd::BPF_ITER_CREATE, &mut attr) }?;
        let mut file = BufReader::with_capacity(SHOWN_AT_ONCE, File::from(file));
        let mut bytes = vec![0; self.row_len];
        let mut rows = BTreeMap::new();
        for _ in 0..KillKey::N {
            file.read_exact(&mut bytes)?;
            rows.extend([row(&bytes)]);
        }
        KillKey::all().map(|key| Some((key, *rows.get(&key)?))).collect::<Option<_>>().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the kernel does not show all counters")
        })
    }
}

/// A key, and after it the values of all CPUs, as the program `read_kills` writes them.
fn row(bytes: &[u8]) -> (KillKey, KillCounts) {
    let (key, counts) = bytes.split_at(size_of::<KillKey>());
    let (signal, result) = key.split_at(size_of::<u32>());
    let key = KillKey {
        signal: u32::from_ne_bytes(signal.try_into().unwrap_or_default()),
        result: i32::from_ne_bytes(result.try_into().unwrap_or_default()),
    };
    let words = counts.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()));
    let mut sum = KillCounts::default();
    for (n, calls) in words.enumerate() {
        sum.calls[n % Syscall::ALL.len()] += calls;
    }
    (key, sum)
}

fn add_up(values: &PerCpuValues<KillCounts>) -> KillCounts {
    values.iter().fold(KillCounts::default(), |mut sum, counts| {
        sum.calls.iter_mut().zip(counts.calls).for_each(|(sum, calls)| *sum += calls);
        sum
    })
}

fn n_cpus() -> io::Result<usize> {
    nr_cpus().map_err(|(_, error)| error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_key_and_the_sums_of_all_cpus() {
        let key = KillKey { signal: 9, result: -3 };
        let cpu = |first: u64| (first..first + 6).flat_map(u64::to_ne_bytes).collect::<Vec<_>>();
        let bytes = [&9_u32.to_ne_bytes()[..], &(-3_i32).to_ne_bytes(), &cpu(0), &cpu(100)].concat();
        assert_eq!(row(&bytes), (key, KillCounts { calls: [100, 102, 104, 106, 108, 110] }));
    }
}
