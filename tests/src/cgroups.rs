//! Where this machine has its cgroups.

use std::{fs, path::PathBuf};

/// The root of each hierarchy that units and containers are looked for in: cgroup v2, and that of memory in v1.
///
/// # Panics
/// If this process has no list of mounts.
#[must_use]
pub fn roots() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("there is a list of mounts");
    let roots = mounts.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let is_one = kind.starts_with("cgroup2 ") || kind.starts_with("cgroup ") && kind.contains("memory");
        place.split(' ').nth(4).filter(|_| is_one).map(PathBuf::from)
    });
    roots.collect()
}
