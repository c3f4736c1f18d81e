//! Who is measured, by version.

use std::{env, path::PathBuf, process::Command};

use killsnoop_tests::measure::machine::first_line;

/// Of all tools that have one.
pub(crate) fn all() -> [(&'static str, Option<String>); 6] {
    let package = |name| first_line(Command::new("dpkg-query").args(["--show", "-f=${Version}", name]));
    let bpftrace = env::var_os("KILLSNOOP_TOOLS_BIN").map(|bin| PathBuf::from(bin).join("bpftrace-new"));
    [
        (
            "bpftrace of Debian testing",
            first_line(Command::new(bpftrace.unwrap_or_default()).arg("--version")),
        ),
        ("bpftrace", package("bpftrace")),
        ("bpfcc-tools", package("bpfcc-tools")),
        ("libbpf-tools", package("libbpf-tools")),
        ("linux-perf", package("linux-perf")),
        ("strace", package("strace")),
    ]
}
