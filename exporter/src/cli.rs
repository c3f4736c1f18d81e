//! The command line: what can be typed, and what it comes to.

use clap::{Parser, Subcommand};

use self::{check::CheckArgs, serve::ServeArgs, trace::TraceArgs, why::WhyArgs};

pub mod check;
pub mod confine;
pub mod control;
pub mod kernel;
pub mod log;
pub mod metrics;
pub mod serve;
pub mod trace;
pub mod why;

/// The arguments of `killsnoop-exporter`. Without a command it serves.
#[derive(Debug, Parser)]
#[command(
    name = "killsnoop-exporter",
    version,
    about = "Count the signals that are sent on this machine, and tell who sent which to whom",
    long_about = "Count the signals that are sent on this machine, and tell who sent which to whom. Counters are served \
        to Prometheus at /metrics; each call can be sent as an OTLP log record, or shown on the terminal. Without a \
        command it serves.",
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: ServeArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve counters to Prometheus and send events as OTLP logs; what is done without a command
    Serve(Box<ServeArgs>),
    /// Show each call that sends a signal, one line per call
    #[command(long_about = trace::TRACE)]
    Trace(TraceArgs),
    /// Say why processes died: which signal, from whom, and what led to it
    #[command(long_about = why::WHY)]
    Why(WhyArgs),
    /// Say what works on this machine, what does not, and what to do
    #[command(
        long_about = "Load and attach everything, make a call, and say line by line what works on this machine, \
        what does not, why, and what to do. Exits 0 if signals can be counted and streamed here, else 1."
    )]
    Check(CheckArgs),
}

const EXAMPLES: &str = "\
Examples:
  killsnoop-exporter                                    Serve http://localhost:9435/metrics
  killsnoop-exporter --otlp.endpoint http://collector:4317
                                                        And send each call as an OTLP log record
  killsnoop-exporter trace                              Show each call on the terminal
  killsnoop-exporter why nginx                          Say who or what killed nginx
  killsnoop-exporter check                              Say what works here";

impl Cli {
    /// The command, with its arguments.
    #[must_use]
    pub fn command(self) -> Command {
        self.command.unwrap_or_else(|| Command::Serve(Box::new(self.serve)))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        <Cli as CommandFactory>::command().debug_assert();
        trace::Killsnoop::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        for args in [
            &["killsnoop-exporter", "--events.failed"][..],
            &["killsnoop-exporter", "serve", "--events.failed"],
        ] {
            let Command::Serve(args) = Cli::parse_from(args).command() else {
                panic!("{args:?} does not serve")
            };
            assert_eq!(args.events.filter().failed_only, 1);
        }
    }
}
