//! What the kernel tells of a process, and where a process runs.

use std::{fs, time::Duration};

use nix::{libc, time::clock_getcpuclockid, unistd::Pid};

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

/// Seconds of CPU that a process has used, all its threads together; nothing if it is gone. /proc counts in ticks, which are
/// too long for what idles.
pub(crate) fn cpu_seconds(pid: u32) -> Option<f64> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed())).ok()?;
    Some(Duration::from(clock.now().ok()?).as_secs_f64())
}
