//! What is typed to see events on the terminal, as `killsnoop` or as `killsnoop-exporter trace`, and what it comes to.

use std::time::Duration;

use clap::{Args, Parser, ValueEnum, value_parser};
use killsnoop_common::{filter::Filter, kill::Syscall};

use self::{
    filter::FILTERS,
    syscalls::{Syscalls, syscalls},
};
use super::{kernel::KernelArgs, log::LogArgs};
use crate::{
    counters::Class,
    select::Select,
    terminal::{Columns, Form, Options},
};

mod filter;
mod syscalls;

pub(super) use filter::{FilterArgs, PID_MAX, uid};

/// What to show, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceConfig {
    /// Which events the kernel side is to tell of.
    pub filter: Filter,
    /// Which of them are wanted.
    pub select: Select,
    /// How they are shown, and after how many to end; not coloured, which is for `color` to say.
    pub output: Options,
    /// Whether lines are coloured.
    pub color: Color,
    /// After what time to end; `None` is when somebody ends it.
    pub duration: Option<Duration>,
}

/// When lines of a table are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// If they go to a terminal, and `NO_COLOR` is not set
    #[value(help = "If they go to a terminal, and NO_COLOR is not set")]
    Auto,
    /// Wherever they go
    Always,
    /// Nowhere
    Never,
}

/// The arguments of `killsnoop`: all of killsnoop(8), and some more.
#[derive(Debug, Parser)]
#[command(
    name = "killsnoop",
    bin_name = "killsnoop",
    version,
    // As in killsnoop(8), the last of several counts.
    args_override_self = true,
    about = "Show who sends which signal to whom by kill(2)",
    long_about = "Show who sends which signal to whom by kill(2), and what the kernel answered: one line per call, \
        as it returns. Flags and lines are those of killsnoop(8) of bcc. Ends on Ctrl-C.",
    after_help = KILLSNOOP_EXAMPLES
)]
pub struct Killsnoop {
    #[command(flatten)]
    filter: FilterArgs,

    #[command(flatten)]
    format: FormatArgs,

    #[arg(
        long,
        help = "Show other calls that send signals too, and which call it was",
        long_help = KILLSNOOP_SYSCALLS,
        value_name = "LIST",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all",
        value_parser = syscalls,
        help_heading = FILTERS
    )]
    syscalls: Option<Syscalls>,

    /// How to watch.
    #[command(flatten)]
    pub kernel: KernelArgs,

    /// What to log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// The arguments of `killsnoop-exporter trace`.
#[derive(Args, Debug)]
#[command(about = "Show each call that sends a signal, one line per call", long_about = TRACE, after_help = TRACE_EXAMPLES)]
pub struct TraceArgs {
    #[command(flatten)]
    filter: FilterArgs,

    #[command(flatten)]
    format: FormatArgs,

    #[arg(
        long,
        help = "Show only these calls",
        long_help = TRACE_SYSCALLS,
        value_name = "LIST",
        value_parser = syscalls,
        help_heading = FILTERS
    )]
    syscalls: Option<Syscalls>,

    /// Show deaths, OOM kills and signals that the kernel sends on its own too
    ///
    /// A death is told in a sentence: who or what killed the process, and why. SYSCALL shows what made the kernel send a
    /// signal, RESULT what became of it: 0 delivered, 1 ignored, 2 pending already, 3 and 4 no room in the queue. Of all
    /// these --pid is the sender and --tpid the target; --comm, --uid, --cgroup, --container and --pod are either. --failed
    /// shows calls only. Signals that say nothing of a death are left out, those of calls too, unless --noise or --signal
    /// asks for them.
    #[arg(long, help_heading = FILTERS)]
    all: bool,

    /// With --all, show signal 0, SIGCHLD, SIGURG, and whatever but SIGABRT a process sends to itself
    #[arg(long, requires = "all", help_heading = FILTERS)]
    noise: bool,

    /// Leave out the line with the names of the columns
    #[arg(long, help_heading = OUTPUT)]
    no_header: bool,

    /// End after so many events, 1 or more
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..), help_heading = OUTPUT)]
    count: Option<u64>,

    /// End after this time, with its unit: 10s, 5m, 1h 30m
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = OUTPUT)]
    duration: Option<Duration>,

    /// How to watch.
    #[command(flatten)]
    pub kernel: KernelArgs,

    /// What to log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// What `trace` does.
pub(super) const TRACE: &str = "Show who sends which signal to whom, by which of the six calls, and what the kernel \
    answered: one line per call, as it returns. With --all, show what the kernel sends on its own and who died of which \
    signal, too. Ends on Ctrl-C, after --count events, or after --duration.";

const OUTPUT: &str = "How they are shown";

/// How events are shown.
#[derive(Args, Debug)]
#[command(next_help_heading = OUTPUT)]
struct FormatArgs {
    /// Show signals by name: SIGKILL, SIGRTMIN+1
    #[arg(short, long)]
    names: bool,

    /// Show the time with microseconds
    #[arg(long)]
    timestamp: bool,

    /// Show each event as a JSON object on a line of its own, with everything that is known of it
    ///
    /// It has names of signals and nanoseconds whether or not --names and --timestamp are given.
    #[arg(long)]
    json: bool,

    /// Colour lines of deaths, OOM kills and calls that failed [default: auto, and never as killsnoop]
    ///
    /// Whatever is asked for, JSON has no colours.
    #[arg(long, value_enum, value_name = "WHEN")]
    color: Option<Color>,
}

// Not doc comments of their fields, because those would want quotes around each name.
const KILLSNOOP_SYSCALLS: &str = "Show other calls that send signals too, and which call it was

LIST is one or more of kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo and pidfd_send_signal, with commas \
    between; without =LIST it is all of them. The target of pidfd_send_signal is shown as fd:7, the file descriptor.";
const TRACE_SYSCALLS: &str = "Show only these calls

LIST is one or more of kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo and pidfd_send_signal, with commas \
    between; the default is all of them. The target of pidfd_send_signal is shown as fd:7, the file descriptor.";

const KILLSNOOP_EXAMPLES: &str = "\
Examples:
  killsnoop                 Show all calls of kill(2)
  killsnoop -x              Show only those that failed
  killsnoop -p 181          Show only those by process 181
  killsnoop -T -14076       Show only those to process group 14076
  killsnoop -n -s KILL,TERM Show only SIGKILL and SIGTERM, by name
  killsnoop --comm nginx    Show only those by processes of this name
  killsnoop --syscalls      Show all calls that send signals, not only kill(2)
  killsnoop --json          Show JSON, one object a line";

const TRACE_EXAMPLES: &str = "\
Examples:
  killsnoop-exporter trace                          Show all calls that send signals
  killsnoop-exporter trace -x --timestamp           Show only those that failed, to the microsecond
  killsnoop-exporter trace -n -s KILL,TERM          Show only SIGKILL and SIGTERM, by name
  killsnoop-exporter trace --syscalls kill,tgkill   Show only kill(2) and tgkill(2)
  killsnoop-exporter trace --all                    Show deaths, OOM kills and signals of the kernel too
  killsnoop-exporter trace --all --pod web-7d9f     Show what the processes of a pod do and what happens to them
  killsnoop-exporter trace -p 181 --duration 1m     Show what process 181 sends in a minute
  killsnoop-exporter trace --json --count 1         Wait for one call, and show it as JSON";

impl Killsnoop {
    /// What was typed, as it is used.
    #[must_use]
    pub fn config(&self) -> TraceConfig {
        let Syscalls(syscalls) = self.syscalls.unwrap_or(Syscalls::of(Syscall::Kill));
        let form = self.format.form(self.syscalls.is_some());
        TraceConfig {
            filter: Filter { syscalls, ..self.filter.filter() },
            select: self.filter.select(&CALLS),
            output: Options { form, header: true, color: false, count: None },
            color: self.format.color.unwrap_or(Color::Never),
            duration: None,
        }
    }
}

impl TraceArgs {
    /// What was typed, as it is used.
    #[must_use]
    pub fn config(&self) -> TraceConfig {
        let Syscalls(syscalls) = self.syscalls.unwrap_or(Syscalls::ALL);
        let classes = if self.all { &Class::ALL[..] } else { &CALLS };
        let filter = self.filter.filter_of(classes, self.noise || !self.all);
        let form = self.format.form(true);
        TraceConfig {
            filter: Filter { syscalls, ..filter },
            select: self.filter.select(classes),
            output: Options { form, header: !self.no_header, color: false, count: self.count },
            color: self.format.color.unwrap_or(Color::Auto),
            duration: self.duration,
        }
    }
}

impl FormatArgs {
    fn form(&self, syscall: bool) -> Form {
        if self.json {
            return Form::Json;
        }
        Form::Table(Columns { microseconds: self.timestamp, syscall, names: self.names })
    }
}

/// What is shown unless more is asked for.
const CALLS: [Class; 1] = [Class::KillCall];

fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("nothing can be seen in no time; give a time such as 10s".into()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; give a number and a unit, such as 10s or 5m")),
    }
}

#[cfg(test)]
mod tests;
