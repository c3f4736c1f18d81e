//! What is typed to see events on the terminal, as `killsnoop` or as `killsnoop-exporter trace`, and what it comes to.

use std::time::Duration;

use clap::{Args, Parser, value_parser};
use killsnoop_common::{
    filter::{Filter, SignalSet},
    kill::Syscall,
};

use super::{kernel::KernelArgs, log::LogArgs};
use crate::{
    signal,
    terminal::{Columns, Form, Options},
};

/// What to show, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceConfig {
    /// Which events are wanted.
    pub filter: Filter,
    /// How they are shown, and after how many to end.
    pub output: Options,
    /// After what time to end; `None` is when somebody ends it.
    pub duration: Option<Duration>,
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
    answered: one line per call, as it returns. Ends on Ctrl-C, after --count events, or after --duration.";

const FILTERS: &str = "Which calls";
const OUTPUT: &str = "How they are shown";

/// Which calls are shown.
#[derive(Args, Debug)]
#[command(next_help_heading = FILTERS)]
pub struct FilterArgs {
    /// Show only calls that failed
    #[arg(short = 'x', long)]
    pub(super) failed: bool,

    /// Show only calls by this process: its pid in the initial pid namespace, 1 or above
    #[arg(short, long, value_name = "PID", value_parser = value_parser!(u32).range(1..=PID_MAX))]
    pub(super) pid: Option<u32>,

    /// Show only calls with this target, as the caller wrote it
    ///
    /// A pid; 0 for the caller's own process group; -1 for every process; or a negated process group, such as -14076. A
    /// process that is reached as a member of a group is not found by its pid, and a target that is given as a file
    /// descriptor never matches.
    #[arg(short = 'T', long, value_name = "PID", allow_negative_numbers = true)]
    pub(super) tpid: Option<i32>,

    /// Show only these signals: numbers from 0 to 64 or names, with commas between
    ///
    /// Names are those of signal(7), with or without SIG, in any case, real-time signals as RTMIN+1 or RTMAX-1. 0 is no
    /// signal: it only asks whether the target exists. Given more than once, it adds signals.
    #[arg(short, long, value_name = "SIGNAL", value_delimiter = ',', value_parser = signal::parse)]
    pub(super) signal: Vec<i32>,
}

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
}

// Not doc comments of their fields, because those would want quotes around each name.
const KILLSNOOP_SYSCALLS: &str = "Show other calls that send signals too, and which call it was

LIST is one or more of kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo and pidfd_send_signal, with commas \
    between; without =LIST it is all of them. The target of pidfd_send_signal is shown as fd:7, the file descriptor.";
const TRACE_SYSCALLS: &str = "Show only these calls

LIST is one or more of kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo and pidfd_send_signal, with commas \
    between; the default is all of them. The target of pidfd_send_signal is shown as fd:7, the file descriptor.";

/// Calls by their bits, as [`Filter::syscalls`] has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Syscalls(u32);

/// The largest process id that the kernel's type has room for.
pub(super) const PID_MAX: i64 = i32::MAX as i64;

const KILLSNOOP_EXAMPLES: &str = "\
Examples:
  killsnoop                 Show all calls of kill(2)
  killsnoop -x              Show only those that failed
  killsnoop -p 181          Show only those by process 181
  killsnoop -T -14076       Show only those to process group 14076
  killsnoop -n -s KILL,TERM Show only SIGKILL and SIGTERM, by name
  killsnoop --syscalls      Show all calls that send signals, not only kill(2)
  killsnoop --json          Show JSON, one object a line";

const TRACE_EXAMPLES: &str = "\
Examples:
  killsnoop-exporter trace                          Show all calls that send signals
  killsnoop-exporter trace -x --timestamp           Show only those that failed, to the microsecond
  killsnoop-exporter trace -n -s KILL,TERM          Show only SIGKILL and SIGTERM, by name
  killsnoop-exporter trace --syscalls kill,tgkill   Show only kill(2) and tgkill(2)
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
            output: Options { form, header: true, count: None },
            duration: None,
        }
    }
}

impl TraceArgs {
    /// What was typed, as it is used.
    #[must_use]
    pub fn config(&self) -> TraceConfig {
        let Syscalls(syscalls) = self.syscalls.unwrap_or(Syscalls::ALL);
        TraceConfig {
            filter: Filter { syscalls, ..self.filter.filter() },
            output: Options { form: self.format.form(true), header: !self.no_header, count: self.count },
            duration: self.duration,
        }
    }
}

impl FilterArgs {
    /// The filter of the events, for all calls that send signals.
    #[must_use]
    pub fn filter(&self) -> Filter {
        Filter {
            signals: self.signal.iter().fold(SignalSet::EMPTY, |set, signal| set.with(*signal)),
            sender: self.pid.unwrap_or(0),
            has_target: self.tpid.is_some().into(),
            target: self.tpid.unwrap_or(0),
            failed_only: self.failed.into(),
            ..Filter::ALL
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

impl Syscalls {
    const ALL: Self = Self(Filter::ALL.syscalls);

    const fn of(syscall: Syscall) -> Self {
        Self(1 << syscall as u32)
    }
}

/// Reads a list of calls; `all` is all of them.
fn syscalls(list: &str) -> Result<Syscalls, String> {
    if list == "all" {
        return Ok(Syscalls::ALL);
    }
    let bits = list.split(',').map(|name| syscall(name.trim()).map(|syscall| Syscalls::of(syscall).0));
    bits.reduce(|all, one| Ok(all? | one?)).unwrap_or(Ok(0)).map(Syscalls)
}

fn syscall(name: &str) -> Result<Syscall, String> {
    Syscall::ALL.into_iter().find(|syscall| syscall.name() == name).ok_or_else(|| {
        let names = Syscall::ALL.map(Syscall::name).join(", ");
        format!("{name:?} is no call that is traced; give one or more of {names}, or all")
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("nothing can be seen in no time; give a time such as 10s".into()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; give a number and a unit, such as 10s or 5m")),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, error::ErrorKind};

    use super::*;

    /// Stands for the command line of which `trace` is one command.
    #[derive(Debug, Parser)]
    struct Exporter {
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Command {
        Trace(TraceArgs),
    }

    const KILL_ONLY: Filter = Filter { syscalls: 1, ..Filter::ALL };
    const BCC: Columns = Columns { microseconds: false, syscall: false, names: false };
    const WITH_SYSCALL: Columns = Columns { syscall: true, ..BCC };

    fn killsnoop(arguments: &str) -> Result<TraceConfig, clap::Error> {
        let words = std::iter::once("killsnoop").chain(arguments.split_whitespace());
        Killsnoop::try_parse_from(words).map(|args| args.config())
    }

    fn trace(arguments: &str) -> Result<TraceConfig, clap::Error> {
        let words = ["killsnoop-exporter", "trace"].into_iter().chain(arguments.split_whitespace());
        Exporter::try_parse_from(words).map(|Exporter { command: Command::Trace(args) }| args.config())
    }

    /// The long help with its lines joined, so that it reads the same at any width.
    fn help(command: &mut clap::Command) -> String {
        let text = command.render_long_help().to_string();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn definitions_are_sound() {
        Killsnoop::command().debug_assert();
        Exporter::command().debug_assert();
    }

    #[test]
    fn the_flags_of_killsnoop_8_set_its_filters() {
        let signals = |signals: &[i32]| Filter {
            signals: signals.iter().fold(SignalSet::EMPTY, |set, signal| set.with(*signal)),
            ..KILL_ONLY
        };
        let target = |target| Filter { has_target: 1, target, ..KILL_ONLY };
        let rows = [
            ("", KILL_ONLY),
            ("-x", Filter { failed_only: 1, ..KILL_ONLY }),
            ("--failed", Filter { failed_only: 1, ..KILL_ONLY }),
            ("-p 181", Filter { sender: 181, ..KILL_ONLY }),
            ("-p 1 -p 181", Filter { sender: 181, ..KILL_ONLY }),
            ("-x -x", Filter { failed_only: 1, ..KILL_ONLY }),
            ("-p181", Filter { sender: 181, ..KILL_ONLY }),
            ("--pid=4194304", Filter { sender: 4_194_304, ..KILL_ONLY }),
            ("-T 189", target(189)),
            ("-T -14076", target(-14076)),
            ("-T=-14076", target(-14076)),
            ("-T-14076", target(-14076)),
            ("--tpid -1", target(-1)),
            ("--tpid=-1", target(-1)),
            ("-T 0", target(0)),
            ("-T -2147483648", target(i32::MIN)),
            ("-s 9", signals(&[9])),
            ("-s 0", signals(&[0])),
            ("-s 9,15 --signal TERM,rtmin+1 -sHUP", signals(&[1, 9, 15, 35])),
            (
                "-xp 7 -T -5 -s 9",
                Filter { failed_only: 1, sender: 7, has_target: 1, target: -5, ..signals(&[9]) },
            ),
        ];
        for (arguments, filter) in rows {
            let config = killsnoop(arguments).unwrap();
            assert_eq!(config.filter, filter, "{arguments}");
            assert_eq!(config.output, Options { form: Form::Table(BCC), header: true, count: None });
            assert_eq!(config.duration, None);
        }
    }

    #[test]
    fn both_names_of_the_program_read_the_same_filters() {
        for arguments in ["-x", "-p 181", "-T -14076", "-s KILL,15 -s 0", "-x -p 7 -T 0 -s 64"] {
            let filter = Filter { syscalls: 1, ..trace(arguments).unwrap().filter };
            assert_eq!(killsnoop(arguments).unwrap().filter, filter, "{arguments}");
        }
    }

    #[test]
    fn killsnoop_shows_the_call_only_if_there_can_be_several() {
        let rows = [
            ("", 0b1, BCC),
            ("--syscalls", 0b11_1111, WITH_SYSCALL),
            ("--syscalls=all", 0b11_1111, WITH_SYSCALL),
            ("--syscalls=kill", 0b1, WITH_SYSCALL),
            ("--syscalls=tgkill,pidfd_send_signal", 0b10_0100, WITH_SYSCALL),
            ("--syscalls -x", 0b11_1111, WITH_SYSCALL),
            ("-n --timestamp", 0b1, Columns { microseconds: true, syscall: false, names: true }),
        ];
        for (arguments, syscalls, columns) in rows {
            let config = killsnoop(arguments).unwrap();
            assert_eq!(config.filter.syscalls, syscalls, "{arguments}");
            assert_eq!(config.output.form, Form::Table(columns), "{arguments}");
        }
        assert_eq!(killsnoop("--json -n").unwrap().output.form, Form::Json);
    }

    #[test]
    fn trace_shows_all_calls_and_ends_when_it_is_told() {
        let config = trace("").unwrap();
        let output = Options { form: Form::Table(WITH_SYSCALL), header: true, count: None };
        assert_eq!(config, TraceConfig { filter: Filter::ALL, output, duration: None });

        let arguments = "--no-header --count 3 --duration 90s --syscalls tkill,kill --names --timestamp";
        let columns = Columns { microseconds: true, syscall: true, names: true };
        let output = Options { form: Form::Table(columns), header: false, count: Some(3) };
        let filter = Filter { syscalls: 0b11, ..Filter::ALL };
        let duration = Some(Duration::from_secs(90));
        assert_eq!(trace(arguments).unwrap(), TraceConfig { filter, output, duration });
        assert_eq!(trace("--json").unwrap().output.form, Form::Json);
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_its_name() {
        let rows = [
            ("-p 0", "'0'"),
            ("-p=-5", "'-5'"),
            ("-p 2147483648", "'2147483648'"),
            ("-p bash", "'bash'"),
            ("-p 18x", "'18x'"),
            ("-T 2147483648", "'2147483648'"),
            ("-T x", "'x'"),
            ("-s 65", "'65'"),
            ("-s 9,FOO", "\"FOO\" is no signal"),
            ("-s 9,", "\"\" is no signal"),
            ("-s", "'--signal <SIGNAL>'"),
            ("--syscalls=open", "\"open\" is no call that is traced"),
            ("--syscalls=kill,", "\"\" is no call that is traced"),
            ("--unknown", "'--unknown'"),
            ("181", "'181'"),
        ];
        for (arguments, part) in rows {
            for error in [killsnoop(arguments).unwrap_err(), trace(arguments).unwrap_err()] {
                assert_eq!(error.exit_code(), 2, "{arguments}");
                assert!(error.to_string().contains(part), "{arguments}: {error}");
            }
        }
        for (arguments, part) in [
            ("--count 0", "'0'"),
            ("--count many", "'many'"),
            ("--duration 0s", "give a time such as 10s"),
            ("--duration 10", "give a number and a unit"),
            ("--duration soon", "'soon'"),
            ("--syscalls", "'--syscalls <LIST>'"),
        ] {
            let error = trace(arguments).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{arguments}");
            assert!(error.to_string().contains(part), "{arguments}: {error}");
        }
    }

    #[test]
    fn help_and_version_are_no_errors() {
        for (arguments, kind) in [
            ("-h", ErrorKind::DisplayHelp),
            ("--help", ErrorKind::DisplayHelp),
            ("--version", ErrorKind::DisplayVersion),
        ] {
            let error = killsnoop(arguments).unwrap_err();
            assert_eq!((error.kind(), error.exit_code()), (kind, 0));
        }
    }

    #[test]
    fn help_starts_with_what_it_is_for_and_ends_with_examples() {
        let killsnoop = help(&mut Killsnoop::command());
        assert!(killsnoop.starts_with("Show who sends which signal to whom by kill(2), and"), "{killsnoop}");
        assert!(killsnoop.contains("Usage: killsnoop [OPTIONS] "), "{killsnoop}");
        let trace = help(Exporter::command().find_subcommand_mut("trace").unwrap());
        assert!(
            trace.starts_with("Show who sends which signal to whom, by which of the six calls"),
            "{trace}"
        );
        for text in [killsnoop, trace] {
            assert!(text.contains("Examples: killsnoop"), "{text}");
        }
    }

    #[test]
    fn every_flag_says_what_it_does() {
        let exporter = Exporter::command();
        for command in [&Killsnoop::command(), exporter.find_subcommand("trace").unwrap()] {
            for flag in command.get_arguments() {
                assert!(flag.get_help().is_some_and(|help| help.to_string().len() > 10), "{flag}");
            }
        }
    }
}
