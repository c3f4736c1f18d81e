//! Tests of the flags: what can be typed, and what it comes to.

use clap::{CommandFactory, error::ErrorKind};
use killsnoop_common::filter::{POSTED_BY_KERNEL, POSTED_NONE, SignalSet};

use super::*;
use crate::select::Who;

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

fn set(signals: &[i32]) -> SignalSet {
    signals.iter().fold(SignalSet::EMPTY, |set, signal| set.with(*signal))
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
    let signals = |signals: &[i32]| Filter { signals: set(signals), ..KILL_ONLY };
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
        ("--exclude URG,17 --exclude 0", Filter { excluded: set(&[0, 17, 23]), ..KILL_ONLY }),
    ];
    for (arguments, filter) in rows {
        let config = killsnoop(arguments).unwrap();
        assert_eq!(config.filter, filter, "{arguments}");
        assert_eq!(
            config.output,
            Options { form: Form::Table(BCC), header: true, color: false, count: None }
        );
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
    let output = Options { form: Form::Table(WITH_SYSCALL), header: true, color: false, count: None };
    let select = Select { classes: CALLS.to_vec(), ..Select::ALL };
    let color = Color::Auto;
    assert_eq!(config, TraceConfig { filter: Filter::ALL, select, output, color, duration: None });

    let arguments = "--no-header --count 3 --duration 90s --syscalls tkill,kill --names --timestamp";
    let columns = Columns { microseconds: true, syscall: true, names: true };
    let config = trace(arguments).unwrap();
    let form = Form::Table(columns);
    assert_eq!(config.output, Options { form, header: false, color: false, count: Some(3) });
    assert_eq!(config.filter, Filter { syscalls: 0b11, ..Filter::ALL });
    assert_eq!(config.duration, Some(Duration::from_secs(90)));
    assert_eq!(trace("--json").unwrap().output.form, Form::Json);
}

#[test]
fn all_is_deaths_and_signals_of_the_kernel_too_and_noise_only_on_request() {
    let all = Filter { deaths: 1, posted: POSTED_BY_KERNEL, noise: 0, ..Filter::ALL };
    let failed = Filter { failed_only: 1, deaths: 0, posted: POSTED_NONE, ..all };
    for (arguments, filter) in [
        ("--all", all),
        ("--all --noise", Filter { noise: 1, ..all }),
        ("--all -s CHLD", Filter { signals: set(&[17]), noise: 1, ..all }),
        ("--all --exclude TERM", Filter { excluded: set(&[15]), ..all }),
        ("--all --syscalls kill", Filter { syscalls: 1, ..all }),
        ("--all -x", failed),
        ("--all -p 7 -T 9", Filter { sender: 7, has_target: 1, target: 9, ..all }),
    ] {
        let config = trace(arguments).unwrap();
        assert_eq!(config.filter, filter, "{arguments}");
        assert_eq!(config.select.classes, Class::ALL, "{arguments}");
        assert_eq!(config.select.filter.signals, filter.signals, "{arguments}");
        assert_eq!(config.select.filter.sender, filter.sender, "{arguments}");
    }
    assert_eq!(trace("-s CHLD").unwrap().select.classes, CALLS);
}

#[test]
fn processes_are_chosen_by_name_user_and_place() {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let none = Who::default;
    for (arguments, who) in [
        ("", none()),
        ("--comm nginx --comm a,b*", Who { comms: texts(&["nginx", "a,b*"]), ..none() }),
        ("--uid 1000,root --uid 33", Who { uids: vec![1000, 0, 33], ..none() }),
        ("--cgroup /system.slice", Who { cgroups: texts(&["/system.slice"]), ..none() }),
        ("--container web --container 0123", Who { containers: texts(&["web", "0123"]), ..none() }),
        ("--pod shop/web-7", Who { pods: texts(&["shop/web-7"]), ..none() }),
    ] {
        assert_eq!(killsnoop(arguments).unwrap().select, trace(arguments).unwrap().select, "{arguments}");
        assert_eq!(trace(arguments).unwrap().select.who, who, "{arguments}");
    }
}

#[test]
fn killsnoop_is_coloured_only_if_it_is_told() {
    for (arguments, of_killsnoop, of_trace) in [
        ("", Color::Never, Color::Auto),
        ("--color always", Color::Always, Color::Always),
        ("--color=auto", Color::Auto, Color::Auto),
        ("--color never", Color::Never, Color::Never),
    ] {
        assert_eq!(killsnoop(arguments).unwrap().color, of_killsnoop, "{arguments}");
        assert_eq!(trace(arguments).unwrap().color, of_trace, "{arguments}");
    }
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
        ("--exclude 65", "'65'"),
        ("--uid nobody-of-this-name", "\"nobody-of-this-name\" is no user of this machine"),
        ("--uid -1", "'-1'"),
        ("--uid 4294967296", "\"4294967296\" is no user"),
        ("--comm=", "'--comm <NAME>'"),
        ("--cgroup=", "'--cgroup <PATH>'"),
        ("--container=", "'--container <CONTAINER>'"),
        ("--pod=", "'--pod <POD>'"),
        ("--color pink", "'pink'"),
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
        ("--noise", "  --all\n"),
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
    assert!(trace.starts_with("Show who sends which signal to whom, by which of the six calls"), "{trace}");
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
