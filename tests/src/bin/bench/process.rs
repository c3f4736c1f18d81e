//! What the kernel tells of a process, and where a process runs.

use std::fs;

use nix::libc;

/// The CPU of the worker, which makes the calls.
pub(crate) const CALLS: usize = 0;
/// The CPU of all else: the tools and the collector, which inherit it.
pub(crate) const REST: usize = 1;

/// Binds this thread, and what it starts from here on, to one CPU, so that loops are not moved about.
pub(crate) fn pin(cpu: usize) {
    // SAFETY: the set lives on the stack, and its size is given.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}

/// Memory that a process has in use, in MiB; nothing if it is gone.
pub(crate) fn rss(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes / 1024.0)
}

/// Seconds of CPU that a process has used, all its threads together; nothing if it is gone.
pub(crate) fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // A name may hold anything, a closing parenthesis too: fields are counted from the last one.
    let fields: Vec<_> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks: f64 = fields.get(11..13)?.iter().filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    Some(ticks / 100.0)
}
