//! What the hook `tracepoint` wants beyond what all hooks want: to read tracefs, and leave to use perf.

use std::{fs, io, path::Path};

use rustix::thread::CapabilitySet;

use super::{
    effective,
    lockdown::{Lockdown, lockdown},
};

const PARANOID: &str = "/proc/sys/kernel/perf_event_paranoid";

/// Above this value, which is an addition of distributions, `CAP_PERFMON` does not count.
const MOST_PARANOID: i32 = 2;

/// Where tracefs is mounted, or may be reached.
const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// What keeps this process from the hook `tracepoint`, as one sentence with the way out; `None` if nothing that is known.
#[must_use]
pub fn no_tracepoints() -> Option<String> {
    let paranoid = fs::read_to_string(PARANOID).ok().and_then(|level| level.trim().parse().ok());
    let id = |folder| fs::read(Path::new(folder).join("events/syscalls/sys_exit_kill/id")).map(drop);
    refused(paranoid, effective(), lockdown(), &TRACEFS.map(id))
}

fn refused(
    paranoid: Option<i32>,
    effective: CapabilitySet,
    lockdown: Option<Lockdown>,
    tracefs: &[io::Result<()>],
) -> Option<String> {
    if lockdown == Some(Lockdown::Confidentiality) {
        return Some("the kernel is locked down (confidentiality), and perf with it".to_owned());
    }
    if let Some(level) = paranoid.filter(|level| *level > MOST_PARANOID)
        && !effective.contains(CapabilitySet::SYS_ADMIN)
    {
        return Some(format!(
            "{PARANOID} is {level}, with which perf wants CAP_SYS_ADMIN: grant that, or set it to {MOST_PARANOID}"
        ));
    }
    if tracefs.iter().any(Result::is_ok) {
        return None;
    }
    let may_not = |found: &io::Result<()>| {
        found.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    Some(if tracefs.iter().any(may_not) {
        format!("{} belongs to root: run as root, or mount it with a gid= of the exporter's", TRACEFS[0])
    } else {
        format!("tracefs is not there: mount -t tracefs tracefs {}", TRACEFS[0])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: CapabilitySet = CapabilitySet::BPF.union(CapabilitySet::PERFMON);

    fn found(kind: Option<io::ErrorKind>) -> io::Result<()> {
        kind.map_or(Ok(()), |kind| Err(kind.into()))
    }

    #[test]
    fn each_obstacle_has_its_own_way_out() {
        let (denied, missing) = (Some(io::ErrorKind::PermissionDenied), Some(io::ErrorKind::NotFound));
        let rows = [
            (Some(3), TWO, None, [None, None], "is 3, with which perf wants CAP_SYS_ADMIN"),
            (Some(2), TWO, None, [denied, missing], "run as root"),
            (None, TWO, None, [missing, missing], "mount -t tracefs"),
            (Some(1), CapabilitySet::all(), Some(Lockdown::Confidentiality), [None, None], "confidentiality"),
        ];
        for (paranoid, effective, lockdown, tracefs, expected) in rows {
            let text = refused(paranoid, effective, lockdown, &tracefs.map(found)).unwrap();
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn where_nothing_is_in_the_way_nothing_is_told() {
        let missing = Some(io::ErrorKind::NotFound);
        let rows = [
            (Some(3), CapabilitySet::all(), None, [None, None]),
            (Some(2), TWO, Some(Lockdown::Integrity), [missing, None]),
            (None, TWO, Some(Lockdown::None), [None, missing]),
        ];
        for (paranoid, effective, lockdown, tracefs) in rows {
            assert_eq!(refused(paranoid, effective, lockdown, &tracefs.map(found)), None);
        }
    }
}
