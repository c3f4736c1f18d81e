//! What ships for clusters and fleets, in the hands of the programs that take it: the image, the chart and the kustomize
//! base, the configurations of collectors, Prometheus and Alertmanager. Root is needed.
//!
//! Each judge is also given a broken copy, which it must refuse.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]

mod chart;
mod configurations;
mod container;
mod guide;
mod image;
mod kustomize;
mod manifests;
mod pipeline;
mod seccomp;

use std::process::Command;

use killsnoop_tests::process::Process;
use nix::sys::signal::Signal;

/// Starts a process, kills it with SIGKILL, and returns its number.
fn killed() -> u32 {
    let mut victim = Process::start(Command::new("sleep").arg("infinity"));
    victim.signal(Signal::SIGKILL);
    _ = victim.wait();
    victim.pid()
}
