//! Where the figures come from.

use std::{collections::BTreeMap, fs, process::Command};

use serde_json::{Value, json};

use crate::{binary, root};

/// The machine, and the versions of what was measured on it.
pub struct Machine {
    cpu: String,
    n_cpus: usize,
    kernel: String,
    /// Of the minute before the benchmark began: others at work spoil the figures.
    load: String,
    /// By what they are of.
    pub versions: BTreeMap<&'static str, String>,
}

impl Machine {
    /// Looks at this one, and asks the exporter for its version; the caller has those of others.
    #[must_use]
    pub fn look(others: impl IntoIterator<Item = (&'static str, Option<String>)>) -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let cpus = read("/proc/cpuinfo");
        let models = || cpus.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            cpu: models().next().map_or("unknown", |(_, model)| model).to_owned(),
            n_cpus: models().count(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            versions: own()
                .into_iter()
                .chain(others)
                .filter_map(|(name, version)| Some((name, version?)))
                .collect(),
        }
    }

    /// What it is, in one sentence without its full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { cpu, n_cpus, kernel, load, .. } = self;
        format!("{n_cpus} CPUs, {cpu}, Linux {kernel}; load before the start {load}")
    }

    /// As programs read it.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "cpu": self.cpu, "cpus": self.n_cpus, "kernel": self.kernel, "load_before": self.load,
            "versions": self.versions,
        })
    }
}

/// The exporter, and the sources of what measures it.
fn own() -> [(&'static str, Option<String>); 2] {
    let commit = ["describe", "--always", "--dirty"];
    [
        ("killsnoop-exporter", first_line(Command::new(binary()).arg("--version"))),
        ("commit", first_line(Command::new("git").args(commit).current_dir(root()))),
    ]
}

/// The first line that a command prints, as a rule its version.
#[must_use]
pub fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let line = String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned();
    Some(line).filter(|line| !line.is_empty())
}
