//! A seccomp filter that this process was started with: those of some container runtimes refuse bpf(2) whatever the capabilities.

use std::fs;

use nix::libc::EPERM;

use super::super::KernelError;

/// If a map was refused to a process under a filter: a sentence with the way out.
#[must_use]
pub fn refused_by_filter(error: &KernelError) -> Option<String> {
    refused(error, &fs::read_to_string("/proc/self/status").unwrap_or_default())
}

fn refused(error: &KernelError, status: &str) -> Option<String> {
    let name = error.refused_map(EPERM)?;
    has_filter(status).then(|| {
        format!(
            "map {name} may not be made, most likely for the seccomp filter that this process runs under: let bpf and \
             perf_event_open pass for CAP_BPF and CAP_PERFMON (Kubernetes: seccompProfile of type Localhost or Unconfined; \
             Docker: --security-opt seccomp=FILE; a unit of systemd: SystemCallFilter=)"
        )
    })
}

/// Whether the `Seccomp` of a `status`, see `proc_pid_status(5)`, is that of a filter.
fn has_filter(status: &str) -> bool {
    status.lines().any(|line| line.split_ascii_whitespace().eq(["Seccomp:", "2"]))
}

#[cfg(test)]
mod tests {
    use std::io;

    use aya::{EbpfError, maps::MapError};

    use super::*;

    #[test]
    fn a_map_that_is_refused_under_a_filter_is_told_with_the_filter() {
        let refused_with = |errno, status| {
            let io_error = io::Error::from_raw_os_error(errno);
            let error = MapError::CreateError { name: "EVENTS".to_owned(), io_error };
            refused(&KernelError::Load(EbpfError::MapError(error)), status)
        };
        let text = refused_with(EPERM, "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n").unwrap();
        for part in ["map EVENTS", "seccomp filter", "bpf and", "Kubernetes", "Docker", "SystemCallFilter="] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(refused_with(EPERM, "Seccomp:\t0\nSeccomp_filters:\t2\n"), None);
        assert_eq!(refused_with(nix::libc::EINVAL, "Seccomp:\t2\n"), None);
    }
}
