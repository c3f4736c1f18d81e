//! Flags of `serve`: the exporter as a service.

use clap::{Args, value_parser};
use killsnoop_common::filter::Filter;

use super::{
    kernel::KernelArgs,
    log::LogArgs,
    trace::{FilterArgs, PID_MAX},
};
use crate::{http::WebArgs, otlp::OtlpArgs, signal};

/// Flags of `serve`, as typed.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Where to serve HTTP.
    #[command(flatten)]
    pub web: WebArgs,
    /// Where to send events.
    #[command(flatten)]
    pub otlp: OtlpArgs,
    /// Which events to send.
    #[command(flatten)]
    pub events: EventArgs,
    /// How to watch.
    #[command(flatten)]
    pub kernel: KernelArgs,
    /// What to log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Which events are sent, as typed. Counters are never filtered.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Events (counters are never filtered)")]
pub struct EventArgs {
    /// Send only calls with these signals: numbers from 0 to 64 or names, with commas between
    #[arg(long = "events.signal", value_name = "SIGNAL", value_delimiter = ',', value_parser = signal::parse)]
    signal: Vec<i32>,

    /// Send only calls that failed
    #[arg(long = "events.failed")]
    failed: bool,

    /// Send only calls by this process: its pid in the initial pid namespace, 1 or above
    #[arg(long = "events.pid", value_name = "PID", value_parser = value_parser!(u32).range(1..=PID_MAX))]
    pid: Option<u32>,

    /// Send only calls with this target, as the caller wrote it: a pid, 0, -1, or a negated process group
    #[arg(long = "events.tpid", value_name = "PID", allow_negative_numbers = true)]
    tpid: Option<i32>,
}

impl EventArgs {
    /// The filter of the events.
    #[must_use]
    pub fn filter(&self) -> Filter {
        let Self { signal, failed, pid, tpid } = self;
        FilterArgs { failed: *failed, pid: *pid, tpid: *tpid, signal: signal.clone() }.filter()
    }
}
