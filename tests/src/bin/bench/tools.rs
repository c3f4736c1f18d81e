//! Who is measured: the exporter in each of its ways, and those that people use today.

use std::path::Path;

use killsnoop_tests::{binary, tool};

use crate::loops::IGNORED;

/// The control: nothing runs, and what is measured is the noise.
pub(crate) const OFF: &str = "off (control)";

/// A program, and how to tell that it watches.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    /// Program and arguments; none for the control.
    pub(crate) argv: Vec<String>,
    pub(crate) ready: Ready,
    /// A signal that the worker sends itself and that this tool can see.
    pub(crate) sees: i32,
}

/// How a tool says that it watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// By a line on its standard error.
    Says(&'static str),
    /// By HTTP.
    Serves,
    /// By showing what the worker does.
    Shows,
}

/// All of them, the control first. `worker` is the process that makes the calls, `collector` where OTLP goes.
pub(crate) fn all(worker: u32, collector: &str) -> Vec<Tool> {
    let off = Tool { name: OFF.to_owned(), argv: Vec::new(), ready: Ready::Shows, sees: 0 };
    let ours = ["tracepoint", "raw", "fexit", "none"].into_iter().flat_map(|hook| ours(hook, collector));
    [off].into_iter().chain(ours).chain(peers(worker)).collect()
}

fn ours(hook: &str, collector: &str) -> Vec<Tool> {
    let binary = binary().display().to_string();
    // What the loops call counts as noise.
    let otlp = ["--events.noise", "--otlp.protocol", "grpc", "--otlp.endpoint", collector];
    let serve = [&binary, "--web.listen-address", "127.0.0.1:0", "--hook", hook];
    let trace = [&binary, "trace", "--json", "--log.level", "info", "--hook", hook];
    let tool = |what: &str, argv: &[&str], ready| Tool {
        name: format!("{what}, hook {hook}"),
        argv: argv.iter().map(|&arg| arg.to_owned()).collect(),
        ready,
        sees: 0,
    };
    let mut tools = vec![
        tool("counts and verdicts", &serve, Ready::Serves),
        tool("and each call over OTLP", &[&serve[..], &otlp].concat(), Ready::Serves),
    ];
    // Without a hook at calls there is nothing for it to show.
    if hook != "none" {
        tools.push(tool("trace --json", &trace, Ready::Says("watching with hook")));
    }
    tools
}

fn peers(worker: u32) -> Vec<Tool> {
    let worker = worker.to_string();
    let new = tool("bpftrace-new").display().to_string();
    let script = tool("killsnoop-new.bt").display().to_string();
    vec![
        peer("bpftrace killsnoop.bt, Debian testing", &[&new, &script]),
        peer("bpftrace killsnoop.bt, Debian 12", &["bpftrace", "/usr/sbin/killsnoop.bt"]),
        peer("bcc killsnoop", &["killsnoop-bpfcc"]),
        peer("bcc sigsnoop -k", &["sigsnoop", "-k"]),
        // It does not see calls, only signals that are posted.
        Tool { sees: IGNORED, ..peer("bcc sigsnoop", &["sigsnoop"]) },
        peer("perf trace -e kill", &["perf", "trace", "-e", "kill"]),
        peer("strace -f -e kill", &["strace", "-f", "-e", "trace=kill", "-p", &worker]),
    ]
}

fn peer(name: &str, argv: &[&str]) -> Tool {
    let argv = argv.iter().map(|&arg| arg.to_owned()).collect();
    Tool { name: name.to_owned(), argv, ready: Ready::Shows, sees: 0 }
}

impl Tool {
    pub(crate) fn is_off(&self) -> bool {
        self.argv.is_empty()
    }

    /// Whether it is the exporter.
    pub(crate) fn is_ours(&self) -> bool {
        self.argv.first().is_some_and(|program| Path::new(program) == binary())
    }
}
