//! What the kernel tells of a process.

use std::{fs, time::Duration};

use nix::{time::clock_getcpuclockid, unistd::Pid};

/// Memory that a process has in use, in MiB; nothing if it is gone.
#[must_use]
pub fn rss(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes / 1024.0)
}

/// Seconds of CPU that a process has used, all its threads together; nothing if it is gone. /proc counts in ticks, which are
/// too long for what idles.
#[must_use]
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed())).ok()?;
    Some(Duration::from(clock.now().ok()?).as_secs_f64())
}
