//! Locked memory: before Linux 5.11 maps count as such, and of that a process may have little.

use nix::libc::EPERM;
use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::CapabilitySet,
};

use super::{super::KernelError, effective};

/// Takes all that this process may have. Newer kernels do not ask.
pub(in crate::kernel) fn allow_memory() {
    let limit = getrlimit(Resource::Memlock);
    let all = Rlimit { current: None, maximum: None };
    let allowed = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current.is_some() && setrlimit(Resource::Memlock, all).is_err() {
        // It may not be had, and the kernel refuses maps, or does not count them at all.
        _ = setrlimit(Resource::Memlock, allowed);
    }
}

/// If a map was refused for want of locked memory: a sentence with the way out.
#[must_use]
pub fn refused_memory(error: &KernelError) -> Option<String> {
    refused(error, effective(), getrlimit(Resource::Memlock).current)
}

fn refused(error: &KernelError, effective: CapabilitySet, limit: Option<u64>) -> Option<String> {
    let name = error.refused_map(EPERM)?;
    let may_be_short = !effective.contains(CapabilitySet::SYS_RESOURCE);
    limit.filter(|_| may_be_short).map(|bytes| {
        format!(
            "no room for map {name}: before Linux 5.11 maps count as locked memory, of which this process may have {} \
             KiB: grant CAP_SYS_RESOURCE too, or raise the limit (a unit of systemd: LimitMEMLOCK=infinity; a shell: \
             ulimit -l unlimited)",
            bytes >> 10
        )
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use aya::{EbpfError, maps::MapError};

    use super::*;

    fn map_refused(errno: i32) -> KernelError {
        let io_error = io::Error::from_raw_os_error(errno);
        KernelError::Load(EbpfError::MapError(MapError::CreateError { name: "EVENTS".to_owned(), io_error }))
    }

    const TWO: CapabilitySet = CapabilitySet::BPF.union(CapabilitySet::PERFMON);

    #[test]
    fn a_map_that_found_no_room_is_told_with_the_capability_and_the_limit() {
        let text = refused(&map_refused(EPERM), TWO, Some(64 << 10)).unwrap();
        for part in ["map EVENTS", "64 KiB", "CAP_SYS_RESOURCE", "LimitMEMLOCK=infinity", "ulimit -l"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn other_refusals_are_not_explained_by_memory() {
        assert_eq!(refused(&map_refused(nix::libc::EINVAL), TWO, Some(64 << 10)), None);
        assert_eq!(refused(&map_refused(EPERM), TWO, None), None, "there is no limit");
        assert_eq!(refused(&map_refused(EPERM), CapabilitySet::all(), Some(64 << 10)), None);
        let other = KernelError::Wait(io::Error::from_raw_os_error(EPERM));
        assert_eq!(refused(&other, TWO, Some(64 << 10)), None);
    }

    #[test]
    fn as_much_as_may_be_had_is_taken() {
        allow_memory();
        let limit = getrlimit(Resource::Memlock);
        assert_eq!(limit.current, limit.maximum);
    }
}
