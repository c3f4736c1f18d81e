//! What this process may do, and what would let it do what it may not.

use std::{fs, path::Path};

use rustix::thread::{CapabilitySet, capabilities};

use super::btf::VMLINUX;

mod filter;
mod lockdown;
mod memory;
mod tracepoints;

pub use self::{
    filter::refused_by_filter,
    lockdown::{Lockdown, lockdown},
    memory::refused_memory,
    tracepoints::no_tracepoints,
};
pub(super) use memory::allow_memory;

/// What loads BPF programs and makes maps, and what lets programs look at the kernel.
const NEEDED: [(CapabilitySet, &str); 2] =
    [(CapabilitySet::BPF, "CAP_BPF"), (CapabilitySet::PERFMON, "CAP_PERFMON")];

const WAY_OUT: &str = "run as root, or grant CAP_BPF and CAP_PERFMON (a unit of systemd: AmbientCapabilities=; a container: \
    capabilities.add; a file: setcap cap_bpf,cap_perfmon+ep)";

/// What is missing, as one sentence with the way out; `None` if nothing is.
#[must_use]
pub fn missing() -> Option<String> {
    let uid_map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    missing_in(effective(), &uid_map, Path::new(VMLINUX).exists())
}

/// Whether the executables of other users' processes may be read, see `proc_pid_exe(5)`.
pub(super) fn may_see_all_executables() -> bool {
    effective().contains(CapabilitySet::SYS_PTRACE)
}

fn missing_in(effective: CapabilitySet, uid_map: &str, has_btf: bool) -> Option<String> {
    let is_there = |wanted| effective.intersects(wanted | CapabilitySet::SYS_ADMIN);
    let names: Vec<_> =
        NEEDED.iter().filter(|(wanted, _)| !is_there(*wanted)).map(|(_, name)| *name).collect();
    if !names.is_empty() {
        return Some(format!("no {}: {WAY_OUT}", names.join(" and no ")));
    }
    if !has_btf {
        return Some(format!(
            "this kernel has no type information at {VMLINUX}: boot one that is built with CONFIG_DEBUG_INFO_BTF"
        ));
    }
    is_of_user_namespace(uid_map).then(|| {
        "the capabilities of a user namespace are none for BPF: run outside of it, for instance in a container that is \
         not rootless"
            .to_owned()
    })
}

/// Whether a `uid_map`, see `user_namespaces(7)`, is that of another namespace than the first, which has all users.
fn is_of_user_namespace(uid_map: &str) -> bool {
    !uid_map.is_empty() && !uid_map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}

/// What this thread may do; all where that cannot be had, so that the kernel itself gives the answer.
fn effective() -> CapabilitySet {
    capabilities(None).map_or(CapabilitySet::all(), |sets| sets.effective)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "         0          0 4294967295\n";

    #[test]
    fn each_missing_capability_is_named_with_the_way_out() {
        let (bpf, perfmon) = (CapabilitySet::BPF, CapabilitySet::PERFMON);
        let rows = [
            (
                CapabilitySet::empty(),
                "no CAP_BPF and no CAP_PERFMON: run as root, or grant CAP_BPF and CAP_PERFMON",
            ),
            (bpf, "no CAP_PERFMON: run as root, or grant"),
            (perfmon, "no CAP_BPF: run as root, or grant"),
        ];
        for (effective, expected) in rows {
            let missing = missing_in(effective, FIRST, true).unwrap();
            assert!(missing.starts_with(expected) && missing.contains("AmbientCapabilities="), "{missing}");
        }
        assert_eq!(missing_in(bpf | perfmon, FIRST, true), None);
        assert!(missing_in(bpf | perfmon, FIRST, false).unwrap().contains("CONFIG_DEBUG_INFO_BTF"));
    }

    #[test]
    fn an_administrator_has_both() {
        assert_eq!(missing_in(CapabilitySet::SYS_ADMIN, FIRST, true), None);
    }

    #[test]
    fn capabilities_of_a_user_namespace_are_told_to_be_none() {
        for uid_map in ["0 1000 1\n", "0 0 65536\n", "0 0 4294967295\n7 7 1\n"] {
            let missing = missing_in(CapabilitySet::all(), uid_map, true).unwrap();
            assert!(missing.contains("user namespace"), "{missing}");
        }
        assert_eq!(missing_in(CapabilitySet::all(), "", true), None);
    }
}
