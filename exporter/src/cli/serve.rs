//! Flags of `serve`: the exporter as a service.

use clap::{Args, builder::NonEmptyStringValueParser, value_parser};
use killsnoop_common::filter::Filter;

use super::{
    control::ControlArgs,
    kernel::KernelArgs,
    log::LogArgs,
    metrics::MetricsArgs,
    trace::{FilterArgs, PID_MAX, uid},
};
use crate::{counters::Class, http::WebArgs, otlp::OtlpArgs, select::Select, signal};

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
    /// What the page of metrics shows.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// Who may ask what died.
    #[command(flatten)]
    pub control: ControlArgs,
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
    #[arg(
        long = "events.class",
        help = "Send these classes of events, with commas between",
        long_help = CLASSES,
        value_name = "CLASS",
        value_delimiter = ',',
        default_value = "kill_call,death,oom_kill",
        value_parser = class
    )]
    class: Vec<Class>,

    /// Send only these signals, and deaths by them: numbers from 0 to 64 or names, with commas between
    ///
    /// None of them counts as noise.
    #[arg(long = "events.signal", value_name = "SIGNAL", value_delimiter = ',', value_parser = signal::parse)]
    signal: Vec<i32>,

    /// Send none of these signals, and no deaths by them
    #[arg(
        long = "events.exclude",
        value_name = "SIGNAL",
        value_delimiter = ',',
        value_parser = signal::parse
    )]
    exclude: Vec<i32>,

    /// Send noise too: signal 0, SIGCHLD, SIGURG, and whatever but SIGABRT a process sends to itself
    #[arg(long = "events.noise")]
    noise: bool,

    /// Send only calls that failed, and nothing else
    #[arg(long = "events.failed")]
    failed: bool,

    /// Send only what this process caused: its pid in the initial pid namespace, 1 or above
    #[arg(long = "events.pid", value_name = "PID", value_parser = value_parser!(u32).range(1..=PID_MAX))]
    pid: Option<u32>,

    /// Send only what has this target: of calls as the caller wrote it, of all else a pid in the initial pid namespace
    ///
    /// Of calls it is a pid, 0 for the caller's own process group, -1 for every process, or a negated process group.
    #[arg(long = "events.tpid", value_name = "PID", allow_negative_numbers = true)]
    tpid: Option<i32>,

    /// Send only what has a process of this name as its sender or target; * in it stands for anything
    ///
    /// Of calls the target is known by its number only, and the sender alone counts. This flag and those that follow may
    /// be given more than once, and one of their values will do. Of different flags, one process has to meet all.
    #[arg(long = "events.comm", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    comm: Vec<String>,

    /// Send only what has this user as its sender or target: a number or a name
    #[arg(long = "events.uid", value_name = "USER", value_delimiter = ',', value_parser = uid)]
    uid: Vec<u32>,

    /// Send only what has a sender or target in this cgroup or below it, such as /system.slice
    #[arg(long = "events.cgroup", value_name = "PATH", value_parser = NonEmptyStringValueParser::new())]
    cgroup: Vec<String>,

    /// Send only what has a sender or target in this container: its name, or the first digits of its id, 4 or more
    #[arg(
        long = "events.container",
        value_name = "CONTAINER",
        value_parser = NonEmptyStringValueParser::new()
    )]
    container: Vec<String>,

    /// Send only what has a sender or target in this Kubernetes pod: its name, or namespace/name, or its uid
    #[arg(long = "events.pod", value_name = "POD", value_parser = NonEmptyStringValueParser::new())]
    pod: Vec<String>,
}

// Not a doc comment of its field, because that would want quotes around each name.
const CLASSES: &str = "Send these classes of events, with commas between

kill_call is each call that sends a signal; death a process that a signal ended, with the verdict who or what did it \
    and why; oom_kill a process that was chosen to die because memory ran out; signal each signal that the kernel sends \
    on its own.";

impl EventArgs {
    /// The filter of the kernel side. Deaths and OOM kills always pass it: they are remembered whether or not they are
    /// sent, and [`EventArgs::select`] says which are.
    #[must_use]
    pub fn filter(&self) -> Filter {
        Filter { deaths: 1, ..self.as_typed_for_trace().filter_of(&self.class, self.noise) }
    }

    /// Which events are sent, of those that the kernel side tells of.
    #[must_use]
    pub fn select(&self) -> Select {
        self.as_typed_for_trace().select(&self.class)
    }

    fn as_typed_for_trace(&self) -> FilterArgs {
        let Self { signal, exclude, failed, pid, tpid, comm, uid, cgroup, container, pod, .. } = self.clone();
        FilterArgs { failed, pid, tpid, signal, exclude, comm, uid, cgroup, container, pod }
    }
}

fn class(name: &str) -> Result<Class, String> {
    Class::ALL.into_iter().find(|class| class.name() == name.trim()).ok_or_else(|| {
        let names = Class::ALL.map(Class::name).join(", ");
        format!("{name:?} is no class of events; give one or more of {names}")
    })
}

#[cfg(test)]
mod tests;
