//! Whether this kernel preempts a program that it runs for a hook.
//!
//! If it does, it does not run the program for whoever comes to the hook on that CPU meanwhile: under a flood from several
//! processes that is some calls of a hundred.

use std::{fs, path::Path};

use super::btf::Btf;

/// The model in force, where a kernel can have several: `none (voluntary) full`.
const CHOSEN: &str = "/sys/kernel/debug/sched/preempt";

/// The kinds of hooks at which it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says it of another kind of hook")]
pub struct Preemption {
    /// The end of its functions (fexit).
    pub functions: bool,
    /// Probes of many functions: not preempted, but where each return needs one of a limited number of places, a task that is
    /// preempted in the function holds one. Since 6.14 each task has places of its own.
    pub probes: bool,
    /// Tracepoints by way of perf: not preempted, but none of them is run on a CPU where somebody who reads or writes a map by a
    /// system call was preempted meanwhile, as `PREEMPT_RT` may at any moment. It is so with probes, too, and with other
    /// models of preemption at the end of a time slice; so this process makes no such call once it watches.
    pub perf_tracepoints: bool,
    /// Tracepoints, where they are allowed to sleep: those of system calls first, in Linux 7.
    pub tracepoints: bool,
}

impl Preemption {
    /// That of the running kernel; what is not known counts as yes, because counting right goes before costing little.
    pub(super) fn of_running_kernel(btf: &Btf) -> Self {
        let is_possible = is_possible();
        let tracepoints = is_possible && btf.function("trace_call_bpf_faultable").is_some();
        let is_realtime = btf.offset("task_struct", "softirq_disable_cnt").is_ok();
        Self {
            functions: is_possible,
            probes: is_possible && btf.offset("fprobe", "hlist_array").is_err(),
            perf_tracepoints: tracepoints || is_realtime,
            tracepoints,
        }
    }
}

fn is_possible() -> bool {
    let system = rustix::system::uname();
    let (release, version) = (system.release().to_string_lossy(), system.version().to_string_lossy());
    let read = |path: &str| fs::read_to_string(Path::new(path)).ok();
    let config = || {
        read(&format!("/boot/config-{release}")).or_else(|| read(&format!("/lib/modules/{release}/config")))
    };
    by_version(&version)
        .or_else(|| by_choice(&read(CHOSEN)?))
        .or_else(|| by_command_line(&read("/proc/cmdline")?))
        .or_else(|| by_config(&config()?))
        .unwrap_or(true)
}

/// What uname(2) says: `#1 SMP PREEMPT_DYNAMIC Debian …` tells that it can be chosen, and not what was.
fn by_version(version: &str) -> Option<bool> {
    let model = version.split_whitespace().find(|word| word.starts_with("PREEMPT"));
    match model {
        None | Some("PREEMPT(none)" | "PREEMPT(voluntary)") => Some(false),
        Some("PREEMPT_DYNAMIC") => None,
        Some(_) => Some(true),
    }
}

fn by_choice(models: &str) -> Option<bool> {
    by_name(models.split_whitespace().find_map(|model| model.strip_prefix('(')?.strip_suffix(')'))?)
}

fn by_command_line(arguments: &str) -> Option<bool> {
    by_name(arguments.split_whitespace().find_map(|argument| argument.strip_prefix("preempt="))?)
}

fn by_name(model: &str) -> Option<bool> {
    match model {
        "none" | "voluntary" => Some(false),
        "full" | "lazy" => Some(true),
        _ => None,
    }
}

/// What the kernel was built with is what it begins with.
fn by_config(config: &str) -> Option<bool> {
    let is_set = |option: &str| config.lines().any(|line| line.strip_prefix(option) == Some("=y"));
    if is_set("CONFIG_PREEMPT_NONE") || is_set("CONFIG_PREEMPT_VOLUNTARY") {
        return Some(false);
    }
    (is_set("CONFIG_PREEMPT") || is_set("CONFIG_PREEMPT_LAZY")).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_in_which_a_kernel_tells_its_model_is_understood() {
        let versions = [
            ("#1 SMP Debian 5.10.234-1 (2025-02-24)", Some(false)),
            ("#1 SMP PREEMPT_DYNAMIC Debian 6.12.1", None),
            ("#1 SMP PREEMPT(lazy) Debian 6.18.15", Some(true)),
            ("#1 SMP PREEMPT(voluntary) x", Some(false)),
            ("#1 SMP PREEMPT_RT Debian", Some(true)),
            ("#1 SMP PREEMPT Debian", Some(true)),
        ];
        for (version, expected) in versions {
            assert_eq!(by_version(version), expected, "{version}");
        }
        assert_eq!(by_choice("none (voluntary) full\n"), Some(false));
        assert_eq!(by_choice("none voluntary full (lazy)"), Some(true));
        assert_eq!(by_choice("none voluntary"), None);
        assert_eq!(by_command_line("quiet preempt=full ro"), Some(true));
        assert_eq!(by_command_line("quiet ro"), None);
        assert_eq!(by_config("# CONFIG_PREEMPT is not set\nCONFIG_PREEMPT_VOLUNTARY=y\n"), Some(false));
        assert_eq!(by_config("CONFIG_PREEMPT=y\nCONFIG_PREEMPT_DYNAMIC=y\n"), Some(true));
        assert_eq!(by_config(""), None);
    }
}
