//! Where the figures come from.

use std::{collections::BTreeMap, env, fs, path::PathBuf, process::Command};

use killsnoop_tests::{binary, root};
use serde_json::{Value, json};

/// The machine, and the versions of what was measured on it.
pub(crate) struct Machine {
    cpu: String,
    n_cpus: usize,
    kernel: String,
    /// Of the minute before the benchmark began: others at work spoil the figures.
    load: String,
    pub(crate) versions: BTreeMap<&'static str, String>,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let cpus = read("/proc/cpuinfo");
        let models = || cpus.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            cpu: models().next().map_or("unknown", |(_, model)| model).to_owned(),
            n_cpus: models().count(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            versions: versions(),
        }
    }

    pub(crate) fn sentence(&self) -> String {
        let Self { cpu, n_cpus, kernel, load, .. } = self;
        format!("{n_cpus} CPUs, {cpu}, Linux {kernel}; load before the start {load}")
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "cpu": self.cpu, "cpus": self.n_cpus, "kernel": self.kernel, "load_before": self.load,
            "versions": self.versions,
        })
    }
}

fn versions() -> BTreeMap<&'static str, String> {
    let package = |name| first_line(Command::new("dpkg-query").args(["--show", "-f=${Version}", name]));
    let bpftrace = env::var_os("KILLSNOOP_TOOLS_BIN").map(|bin| PathBuf::from(bin).join("bpftrace-new"));
    let bpftrace = bpftrace.unwrap_or_default();
    let commit = ["describe", "--always", "--dirty"];
    let all = [
        ("killsnoop-exporter", first_line(Command::new(binary()).arg("--version"))),
        ("commit", first_line(Command::new("git").args(commit).current_dir(root()))),
        ("bpftrace of Debian testing", first_line(Command::new(bpftrace).arg("--version"))),
        ("bpftrace", package("bpftrace")),
        ("bpfcc-tools", package("bpfcc-tools")),
        ("libbpf-tools", package("libbpf-tools")),
        ("linux-perf", package("linux-perf")),
        ("strace", package("strace")),
    ];
    all.into_iter().filter_map(|(name, version)| Some((name, version?))).collect()
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let line = String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned();
    Some(line).filter(|line| !line.is_empty())
}
