//! Who is measured: the exporter in each of its ways, and those that people use today.

use std::{env, path::Path};

use killsnoop_tests::{binary, tool};

use crate::{loops::IGNORED, reference};

/// The control: nothing runs, and what is measured is the noise.
pub(crate) const OFF: &str = "off (control)";

/// A program, and how to tell that it watches.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Program and arguments; none for the control.
    pub(crate) argv: Vec<String>,
    pub(crate) ready: Ready,
    /// A signal that the worker sends itself and that this tool can see.
    pub(crate) sees: i32,
}

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nobody's: nothing runs.
    Off,
    /// The exporter.
    Ours,
    /// What people use today.
    Peer,
    /// A program in C that does no more than it must.
    Reference,
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

/// Ways to watch calls.
const HOOKS: [&str; 5] = ["tracepoint", "raw", "fexit", "kretprobe", "none"];

/// All of them, the control first. `worker` is the process that makes the calls, `collector` where OTLP goes, `object` has
/// the C programs.
pub(crate) fn all(worker: u32, collector: &str, object: Option<&Path>) -> Vec<Tool> {
    let ours = HOOKS.into_iter().flat_map(|hook| ours(hook, Some(collector)));
    let references = object.map(references).unwrap_or_default();
    [off()].into_iter().chain(ours).chain(references).chain(peers(worker)).collect()
}

/// Those that count as instructions: nobody is there to receive OTLP, and no peers.
pub(crate) fn of_guest(object: &Path) -> Vec<Tool> {
    let ours = HOOKS.into_iter().flat_map(|hook| ours(hook, None));
    [off()].into_iter().chain(ours).chain(references(object)).collect()
}

fn off() -> Tool {
    Tool { name: OFF.to_owned(), kind: Kind::Off, argv: Vec::new(), ready: Ready::Shows, sees: 0 }
}

fn references(object: &Path) -> Vec<Tool> {
    let bench = env::current_exe().expect("the kernel tells what runs").display().to_string();
    let tool = |hook: &str, work: &str| Tool {
        name: format!("C reference, hook {hook}, {work}"),
        kind: Kind::Reference,
        argv: vec![bench.clone(), "reference".into(), object.display().to_string(), format!("{hook}_{work}")],
        ready: Ready::Says(reference::WATCHES),
        sees: 0,
    };
    // What loads them knows no kretprobe of many functions.
    let hooks = HOOKS.into_iter().filter(|&hook| !["kretprobe", "none"].contains(&hook));
    hooks.flat_map(|hook| reference::WORK.map(|work| tool(hook, work))).collect()
}

fn ours(hook: &str, collector: Option<&str>) -> Vec<Tool> {
    let binary = binary().display().to_string();
    // What the loops call counts as noise.
    let otlp = |collector| ["--events.noise", "--otlp.protocol", "grpc", "--otlp.endpoint", collector];
    let serve = [&binary, "--web.listen-address", "127.0.0.1:0", "--hook", hook];
    let trace = [&binary, "trace", "--json", "--log.level", "info", "--hook", hook];
    let tool = |what: &str, argv: &[&str], ready| Tool {
        name: format!("{what}, hook {hook}"),
        kind: Kind::Ours,
        argv: argv.iter().map(|&arg| arg.to_owned()).collect(),
        ready,
        sees: 0,
    };
    let mut tools = vec![tool("counts and verdicts", &serve, Ready::Serves)];
    if let Some(collector) = collector {
        tools.push(tool("and each call over OTLP", &[&serve[..], &otlp(collector)].concat(), Ready::Serves));
    }
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
        Tool { sees: IGNORED, ..peer("bcc sigsnoop, signals and no calls", &["sigsnoop"]) },
        peer("perf trace -e kill", &["perf", "trace", "-e", "kill"]),
        peer("strace -f -e kill", &["strace", "-f", "-e", "trace=kill", "-p", &worker]),
    ]
}

fn peer(name: &str, argv: &[&str]) -> Tool {
    let argv = argv.iter().map(|&arg| arg.to_owned()).collect();
    Tool { name: name.to_owned(), kind: Kind::Peer, argv, ready: Ready::Shows, sees: 0 }
}
