//! The man pages are made of the definitions of the command line, so that they and `--help` say the same; what flags do
//! not tell stands here. `UPDATE_EXPECT=1 cargo test --test man` writes the pages anew.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use clap::{Arg, Command, CommandFactory};
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};
use expect_test::expect_file;
use killsnoop_exporter::cli::{Cli, trace::Killsnoop};

/// When the pages last said something else; not today, so that they stay as they are.
const DATE: &str = "2026-11-21";

const EXPORTER_USAGE: &str = "\
killsnoop-exporter [serve] [OPTIONS]
killsnoop-exporter trace [OPTIONS]
killsnoop-exporter why [OPTIONS] [PID|NAME|CONTAINER]
killsnoop-exporter check [OPTIONS]";

const ENVIRONMENT: &str = r".SH ENVIRONMENT
These variables of OpenTelemetry are read. A flag counts for more than a variable, and a variable with LOGS in its name
for more than the one without. An empty variable counts for nothing. Times are in milliseconds.
";

/// What each variable does, in roff: those that have a flag do the same.
const VARIABLES: [(&str, &str); 18] = [
    (
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT",
        r"Where to send events, metrics, and both, as \fB\-\-otlp.endpoint\fR. Over HTTP, the first two are used as they are, and
/v1/logs or /v1/metrics is added to the third. Of the variables below, too, those for one kind go before that for all.",
    ),
    ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL, OTEL_EXPORTER_OTLP_METRICS_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL", r"As \fB\-\-otlp.protocol\fR."),
    (
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS, OTEL_EXPORTER_OTLP_METRICS_HEADERS, OTEL_EXPORTER_OTLP_HEADERS",
        r"As \fB\-\-otlp.headers\fR, but other users of the machine cannot read them.",
    ),
    ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT, OTEL_EXPORTER_OTLP_METRICS_TIMEOUT, OTEL_EXPORTER_OTLP_TIMEOUT", r"As \fB\-\-otlp.timeout\fR."),
    (
        "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION, OTEL_EXPORTER_OTLP_METRICS_COMPRESSION, OTEL_EXPORTER_OTLP_COMPRESSION",
        r"As \fB\-\-otlp.compression\fR.",
    ),
    (
        "OTEL_EXPORTER_OTLP_LOGS_INSECURE, OTEL_EXPORTER_OTLP_METRICS_INSECURE, OTEL_EXPORTER_OTLP_INSECURE",
        r"As \fB\-\-otlp.insecure\fR: true or false.",
    ),
    (
        "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE, OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE, OTEL_EXPORTER_OTLP_CERTIFICATE",
        r"As \fB\-\-otlp.certificate\fR.",
    ),
    (
        "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE, OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        r"As \fB\-\-otlp.client\-certificate\fR.",
    ),
    (
        "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY, OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY, OTEL_EXPORTER_OTLP_CLIENT_KEY",
        r"As \fB\-\-otlp.client\-key\fR.",
    ),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", r"As \fB\-\-otlp.queue\-size\fR."),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", r"As \fB\-\-otlp.batch\-size\fR."),
    ("OTEL_BLRP_SCHEDULE_DELAY", r"As \fB\-\-otlp.flush\-interval\fR."),
    ("OTEL_METRIC_EXPORT_INTERVAL", r"As \fB\-\-otlp.metrics\-interval\fR."),
    ("OTEL_SDK_DISABLED", "true sends nothing, whatever else is given."),
    ("OTEL_LOGS_EXPORTER", "none sends no events, whatever else is given; otlp is what is done without it."),
    (
        "OTEL_METRICS_EXPORTER",
        r"otlp pushes metrics, as \fB\-\-otlp.metrics\fR does; none pushes nothing, whatever else is given; prometheus is
what is done without it.",
    ),
    ("OTEL_SERVICE_NAME", "The name of this service in each record and metric, instead of killsnoop\\-exporter."),
    (
        "OTEL_RESOURCE_ATTRIBUTES",
        "What else each record and metric says of this service and its machine: name=value,name=value, percent\\-encoded. It counts
for more than what the exporter finds out.",
    ),
];

const EXPORTER_SECTIONS: &str = r#".SH FILES
.TP
.I /sys/kernel/btf/vmlinux
The kernel's type information; without it nothing can be attached.
.TP
.I /sys/kernel/tracing
What the hook tracepoint needs. Only root may read it.
.TP
.I /etc/default/killsnoop\-exporter
Flags and variables of the systemd service.
.TP
.I /usr/lib/systemd/system/killsnoop\-exporter.service
The service. It is told when the exporter watches, what it does, and, as long as its reader of events and its web server
answer, that it lives; see
.BR sd_notify (3).
.TP
.I /usr/lib/systemd/system/killsnoop\-exporter.socket
Its port, for those who want scrapes to wait while it restarts; see
.BR systemd.socket (5).
.TP
.I /run/killsnoop\-exporter/control.sock
Where \fBwhy\fR asks the exporter that runs.
.SH PRIVILEGES
CAP_BPF and CAP_PERFMON are needed; before Linux 5.11 also CAP_SYS_RESOURCE, or a raised limit of locked memory.
CAP_SYS_PTRACE tells the executables of processes that ran before, and CAP_SYS_ADMIN allows the hook tracepoint where
kernel.perf_event_paranoid is 3 or more.
.PP
\fBserve\fR and \fBtrace\fR give up, once they watch and in every thread, all capabilities but those of
\fB\-\-capabilities.keep\fR and one that reading counters may take before Linux 5.19; files and connections that they
do not need, by Landlock; and system calls, by seccomp, which answers others by ENOSYS. They read /proc, cgroups, and
those directories of container runtimes that are there at the start; with OTLP also /etc and libraries, and the port of
the collector is connected to. What a kernel does not have is gone without. \fBcheck\fR says what holds.
.SH "EXIT STATUS"
.TP
.B 0
It ended because it was asked to, by SIGTERM, SIGINT, or the flags of \fBtrace\fR; or \fBcheck\fR found that signals can
be counted and streamed here; or \fBwhy\fR found a death.
.TP
.B 1
It could not start, or had to end: standard error says why. \fBcheck\fR found that no hook works here. \fBwhy\fR found
no death.
.TP
.B 2
A flag or a variable is wrong: standard error says which. \fBwhy\fR could not ask an exporter, or not show its answer.
.SH "SEE ALSO"
.BR killsnoop (8),
.BR kill (2),
.BR signal (7),
.BR capabilities (7)
"#;

const KILLSNOOP_SECTIONS: &str = r#".SH OUTPUT
.TP
.B TIME
When the call returned, in the local time zone.
.TP
.B PID
Who called: a process id in the initial pid namespace.
.TP
.B COMM
The name of the calling thread, which it may choose itself. What could move the cursor, end the line or turn the direction
of the text is shown as an escape, such as \en or \ex1b.
.TP
.B SYSCALL
Which call it was; only with \fB\-\-syscalls\fR.
.TP
.B SIG
The signal as asked, whether or not there is such a signal. 0 is none: it only asks whether the target exists.
.TP
.B TPID
The target as asked, in numbers of the caller's pid namespace: a process, 0 for the caller's process group, \-1 for every
process, or a negated process group. The other calls may also take a thread, or a file descriptor, which is shown as fd:7.
.TP
.B RESULT
What the call returned: 0, or a negated error number, such as \-3 for ESRCH. The numbers are those of
.BR errno (3).
.PP
What is too wide for its column moves the rest of its line. \fB\-\-json\fR shows all of this and more, by names that do
not depend on a width.
.PP
Events that come faster than they are read are lost rather than held up; how many is said on standard error at the end.
.SH "EXIT STATUS"
.TP
.B 0
It ended because it was asked to, or because nobody reads its output any more.
.TP
.B 1
It could not start, or had to end: standard error says why.
.TP
.B 2
A flag is wrong: standard error says which.
.SH "SEE ALSO"
.BR killsnoop\-exporter (8),
.BR kill (2),
.BR signal (7),
.BR errno (3)
"#;

fn exporter() -> Command {
    let mut command = <Cli as CommandFactory>::command().disable_help_subcommand(true);
    command.build();
    command
}

fn killsnoop() -> Command {
    let mut command = Killsnoop::command();
    command.build();
    command
}

fn exporter_page() -> String {
    let command = exporter();
    let mut page = head(&command, EXPORTER_USAGE);
    page += &options(&command);
    page += ".SH SUBCOMMANDS\n";
    for subcommand in command.get_subcommands() {
        page += &subsection(&command, subcommand);
    }
    page += &examples(&command);
    page += ENVIRONMENT;
    for (names, meaning) in VARIABLES {
        let names = names.replace(", ", "\\fR, \\fB");
        page += &[".TP\n\\fB", &names, "\\fR\n", meaning, "\n"].concat();
    }
    tidy(&(page + EXPORTER_SECTIONS))
}

fn killsnoop_page() -> String {
    let command = killsnoop();
    let page = head(&command, "killsnoop [OPTIONS]") + &options(&command) + &examples(&command);
    tidy(&(page + KILLSNOOP_SECTIONS))
}

/// Everything above the options.
fn head(command: &Command, usage: &'static str) -> String {
    // The name comes before it, so that it is no beginning of a sentence.
    let about = command.get_about().unwrap().to_string();
    let about = about[..1].to_lowercase() + &about[1..];
    let man = Man::new(command.clone().about(about).override_usage(usage)).section("8").date(DATE);
    render(|page| {
        man.render_title(page)?;
        man.render_name_section(page)?;
        man.render_synopsis_section(page)?;
        man.render_description_section(page)
    })
}

/// The options, each group under its heading.
fn options(command: &Command) -> String {
    let man = Man::new(command.clone());
    let mut section = render(|page| man.render_options_section(page));
    for heading in command.get_arguments().filter_map(Arg::get_help_heading) {
        let upper = heading.to_uppercase();
        section = section.replace(&format!(".SH {upper}\n"), &format!(".SS {heading}\n"));
        section = section.replace(&format!(".SH \"{upper}\"\n"), &format!(".SS \"{heading}\"\n"));
    }
    section
}

/// A subcommand: what it does, the options that are its own, and the names of those that stand above.
fn subsection(parent: &Command, subcommand: &Command) -> String {
    let is_shared = |arg: &&Arg| {
        let same = |other: &Arg| other.get_long() == arg.get_long() && help(other) == help(arg);
        parent.get_arguments().any(same)
    };
    let (shared, own): (Vec<_>, Vec<_>) = subcommand.get_arguments().partition(is_shared);
    let mut roff = Roff::default();
    roff.control("SS", [subcommand.get_bin_name().unwrap()]);
    roff.text([roman(subcommand.get_long_about().or(subcommand.get_about()).unwrap().to_string())]);
    roff.control("PP", []);
    let mut names = vec![roman("Options that stand above:")];
    for long in shared.iter().filter_map(|arg| arg.get_long()) {
        names.extend([roman(" "), bold(format!("--{long}"))]);
    }
    roff.text(names);
    let own = Command::new("").disable_help_flag(true).disable_version_flag(true).args(
        own.into_iter().filter(|arg| arg.get_id() != "help").cloned().map(|arg| arg.help_heading(None)),
    );
    let own = Man::new(own);
    render(|page| {
        roff.to_writer(page)?;
        own.render_options_section(page)
    })
    .replace(".SH OPTIONS\n", "")
}

fn help(arg: &Arg) -> Option<String> {
    arg.get_long_help().or(arg.get_help()).map(ToString::to_string)
}

/// The examples of `--help`, each command with what it does.
fn examples(command: &Command) -> String {
    let mut roff = Roff::default();
    roff.control("SH", ["EXAMPLES"]);
    let mut all = vec![command];
    all.extend(command.get_subcommands());
    for text in all.into_iter().filter_map(Command::get_after_help) {
        for (typed, meaning) in table(&text.to_string()) {
            roff.control("TP", []);
            roff.text([bold(typed)]);
            roff.text([roman(meaning)]);
        }
    }
    render(|page| roff.to_writer(page))
}

/// Reads the two columns below `Examples:`. What finds no room in the first one has its second on the next line.
fn table(text: &str) -> Vec<(String, String)> {
    let lines: Vec<_> = text.lines().skip(1).collect();
    let first = lines[0].trim_start();
    let column = lines[0].len() - first[first.find("  ").unwrap()..].trim_start().len();
    let mut rows: Vec<(String, String)> = vec![];
    for line in lines {
        let fits = line.len() > column && line.as_bytes()[column - 1] == b' ';
        let (typed, meaning) = if fits { line.split_at(column) } else { (line, "") };
        if typed.trim().is_empty() {
            meaning.clone_into(&mut rows.last_mut().unwrap().1);
        } else {
            rows.push((typed.trim().to_owned(), meaning.to_owned()));
        }
    }
    rows
}

fn render(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut page = vec![];
    write(&mut page).unwrap();
    String::from_utf8(page).unwrap()
}

/// Takes out what each rendered part begins with, blank lines, which mean different things to different readers, and
/// the wide indentation of values; says once at the top where the page comes from.
fn tidy(page: &str) -> String {
    let page = page
        .replace(".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n", "")
        .replace(".br\n\n.br\n", ".sp\n")
        .replace("\n\n", "\n.sp\n")
        .replace(".RS 14\n", ".RS 7\n.PD 0\n")
        .replace("\n.RE\n", "\n.PD\n.RE\n");
    let trimmed: Vec<_> = page.lines().map(str::trim_end).collect();
    let from = ".\\\" Made by exporter/tests/man.rs of the definitions of the command line.\n";
    format!("{from}.ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n{}\n", trimmed.join("\n"))
}

/// What a reader of the page sees in place of the escapes.
fn plain(page: &str) -> String {
    let page = page.replace("\\-", "-").replace("\\*(Aq", "'");
    ["\\fB", "\\fI", "\\fR"].iter().fold(page, |page, font| page.replace(font, ""))
}

#[test]
fn the_man_page_of_the_exporter_is_that_of_its_flags() {
    expect_file!["../../deploy/man/killsnoop-exporter.8"].assert_eq(&exporter_page());
}

#[test]
fn the_man_page_of_killsnoop_is_that_of_its_flags() {
    expect_file!["../../deploy/man/killsnoop.8"].assert_eq(&killsnoop_page());
}

#[test]
fn every_flag_and_every_subcommand_has_its_place_in_the_page() {
    for (command, page) in [(exporter(), exporter_page()), (killsnoop(), killsnoop_page())] {
        let page = plain(&page);
        for subcommand in command.get_subcommands() {
            let heading = format!(".SS \"{}\"\n", subcommand.get_bin_name().unwrap());
            assert!(page.contains(&heading), "{heading}");
        }
        let of_subcommands = command.get_subcommands().flat_map(Command::get_arguments);
        let is_flag = |arg: &&Arg| !arg.is_hide_set() && !arg.is_positional();
        for arg in command.get_arguments().chain(of_subcommands).filter(is_flag) {
            let flag = format!("--{}", arg.get_long().unwrap());
            let heads_its_help = |line: &str| {
                line.split([' ', '[']).any(|word| word == flag)
                    && (line.starts_with('-') || line.contains(" --"))
            };
            assert!(page.lines().any(heads_its_help), "{flag}");
        }
    }
}

#[test]
fn every_example_of_the_help_is_in_the_page_with_what_it_does() {
    for (command, page) in [(exporter(), exporter_page()), (killsnoop(), killsnoop_page())] {
        let page = plain(&page);
        let all = [&command].into_iter().chain(command.get_subcommands());
        let examples = all.filter_map(Command::get_after_help).flat_map(|text| table(&text.to_string()));
        for (typed, meaning) in examples {
            assert!(!meaning.is_empty(), "{typed}");
            assert!(page.contains(&format!(".TP\n{typed}\n{meaning}\n")), "{typed}: {meaning}");
        }
    }
}

#[test]
fn every_variable_that_is_read_is_in_the_page_and_no_other() {
    let source = include_str!("../src/otlp/config/names.rs");
    let words = source.split(|char: char| !char.is_ascii_uppercase() && char != '_');
    let mut read: Vec<_> = words.filter(|word| word.starts_with("OTEL_")).collect();
    let mut told: Vec<_> = VARIABLES.iter().flat_map(|(names, _)| names.split(", ")).collect();
    read.sort_unstable();
    told.sort_unstable();
    assert_eq!(read, told);
}
