//! Measures what the exporter costs, and writes the tables as Markdown on standard output: `tests/run bench`.
//!
//! Clocks of a shared machine drift, so nothing is compared across time: each figure is the difference between two loops
//! that ran one after the other, with the exporter off and on in turn; and only ratios carry over to another machine.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints its tables, and ends where it cannot measure"
)]

use std::{
    fs,
    io::{IsTerminal as _, stderr},
    process::{Command, Stdio},
    sync::LazyLock,
    time::{Duration, Instant},
};

use killsnoop_tests::{
    eventually,
    exporter::{Exporter, command, watching},
    otelcol::Otelcol,
    process::Process,
};
use nix::{libc, sys::signal::Signal};

/// Off and on in turn, so many times.
const PAIRS: usize = 9;
/// A loop's time is the best of so many: what disturbs a loop only ever makes it slower.
const TRIES: usize = 3;
/// The CPU that makes the calls.
const CALLS: usize = 0;
/// The CPU of all else: the exporter and the collector, which inherit it.
const REST: usize = 1;

/// A real-time signal that this process ignores.
const IGNORED: i32 = 40;

fn main() {
    // SAFETY: no handler runs.
    unsafe { libc::signal(IGNORED, libc::SIG_IGN) };
    pin(REST);
    let collector = Otelcol::counting();
    println!(
        "| exporter | kill(self, 0), off | on | added: median (min … max) | ratio | getppid(), off | on | added | ratio |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let grpc = collector.grpc();
    // What the loops call counts as noise.
    let otlp = ["--events.noise", "--otlp.protocol", "grpc", "--otlp.endpoint", &grpc];
    let off = compare("off (control)", || None);
    row(&off);
    row(&compare("counts only, hook tracepoint", || Some(start(&["--hook", "tracepoint"]))));
    row(&compare("counts and OTLP logs, hook tracepoint", || {
        Some(start(&[&["--hook", "tracepoint"], &otlp[..]].concat()))
    }));
    row(&compare("`trace --json` to a file, hook tracepoint", || Some(trace("tracepoint"))));
    row(&compare("counts only, hook raw", || Some(start(&["--hook", "raw"]))));
    row(&compare("counts and OTLP logs, hook raw", || {
        Some(start(&[&["--hook", "raw"], &otlp[..]].concat()))
    }));
    println!();
    println!(
        "| exporter | an ignored real-time signal to self: added | ratio | fork + exec + exit: added | ratio |"
    );
    println!("|---|---|---|---|---|");
    for hook in ["tracepoint", "raw"] {
        lives(hook, &format!("counts, signals and deaths, hook {hook}"));
    }
    println!();
    itself();
    burst();
}

/// Nanoseconds per call, by pairs of loops without and with the exporter.
struct Comparison {
    name: &'static str,
    kill: Vec<(f64, f64)>,
    getppid: Vec<(f64, f64)>,
}

fn compare(name: &'static str, start: impl Fn() -> Option<Process>) -> Comparison {
    let mut comparison = Comparison { name, kill: Vec::new(), getppid: Vec::new() };
    for pair in 0..PAIRS {
        progress(&format!("{name}: pair {} of {PAIRS}", pair + 1));
        let off = (nanoseconds(200_000, kill_self), nanoseconds(500_000, getppid));
        let exporter = start();
        let on = (nanoseconds(200_000, kill_self), nanoseconds(500_000, getppid));
        if let Some(exporter) = exporter {
            end(exporter);
        }
        comparison.kill.push((off.0, on.0));
        comparison.getppid.push((off.1, on.1));
    }
    progress("");
    comparison
}

fn row(comparison: &Comparison) {
    println!(
        "| {} | {} | {} |",
        comparison.name,
        cells(&comparison.kill, true),
        cells(&comparison.getppid, false)
    );
}

fn cells(pairs: &[(f64, f64)], range: bool) -> String {
    let median_of = |value: fn(&(f64, f64)) -> f64| median(pairs.iter().map(value).collect());
    let added: Vec<_> = pairs.iter().map(|(off, on)| on - off).collect();
    let low = added.iter().copied().fold(f64::INFINITY, f64::min);
    let high = added.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = if range { format!(" ({low:+.0} … {high:+.0})") } else { String::new() };
    format!(
        "{:.0} ns | {:.0} ns | {:+.0} ns{range} | ×{:.2}",
        median_of(|pair| pair.0),
        median_of(|pair| pair.1),
        median(added),
        median_of(|pair| pair.1 / pair.0)
    )
}

/// What signals and the lives of processes cost with the exporter as it is by default.
fn lives(hook: &str, name: &str) {
    let (mut signals, mut processes) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        progress(&format!("{name}: pair {} of {PAIRS}", pair + 1));
        let measure = || (nanoseconds(200_000, signal_self), nanoseconds(300, run_true));
        let off = measure();
        let exporter = start(&["--hook", hook]);
        let on = measure();
        end(exporter);
        signals.push((off.0, on.0));
        processes.push((off.1, on.1));
    }
    progress("");
    let ratio = |pairs: &[(f64, f64)]| median(pairs.iter().map(|(off, on)| on / off).collect());
    let added = |pairs: &[(f64, f64)]| spread(&pairs.iter().map(|(off, on)| on - off).collect::<Vec<_>>());
    println!(
        "| {name} | {} ns | ×{:.2} | {} ns | ×{:.3} |",
        added(&signals),
        ratio(&signals),
        added(&processes),
        ratio(&processes)
    );
}

fn signal_self() {
    // SAFETY: takes numbers. The signal is ignored, see `main`.
    unsafe { libc::syscall(libc::SYS_kill, libc::getpid(), IGNORED) };
}

fn run_true() {
    Command::new("/bin/true").status().expect("a program can be run");
}

/// The best of some tries, per call.
fn nanoseconds(n: u32, call: fn()) -> f64 {
    let time = || {
        let started = Instant::now();
        (0..n).for_each(|_| call());
        started.elapsed()
    };
    pin(CALLS);
    let best = (0..TRIES).map(|_| time()).min().unwrap_or_default();
    pin(REST);
    best.as_secs_f64() * 1e9 / f64::from(n)
}

fn kill_self() {
    // Asked for once: the C library asks the kernel each time.
    static PID: LazyLock<u32> = LazyLock::new(std::process::id);
    // SAFETY: takes two numbers; signal 0 is sent to nobody.
    unsafe { libc::syscall(libc::SYS_kill, *PID, 0) };
}

fn getppid() {
    // SAFETY: takes nothing.
    unsafe { libc::syscall(libc::SYS_getppid) };
}

/// What the exporter takes for itself: start, memory, a scrape.
fn itself() {
    let starts: Vec<_> = (0..PAIRS)
        .map(|n| {
            progress(&format!("start {} of {PAIRS}", n + 1));
            let started = Instant::now();
            // The line comes once the port is open and the hooks are attached.
            let process = Process::start(command().args(["--web.listen-address", "127.0.0.1:0"]));
            process.stderr.find(|line| line.contains("listening on").then_some(()));
            let time = started.elapsed().as_secs_f64() * 1e3;
            end(process);
            time
        })
        .collect();
    let exporter = Exporter::start(&[]);
    let rss = kibibytes(exporter.process.pid(), "VmRSS");
    let page = exporter.get("/metrics");
    let scrapes: Vec<_> = (0..200).map(|_| milliseconds(|| drop(exporter.get("/metrics")))).collect();
    let landing: Vec<_> = (0..200).map(|_| milliseconds(|| drop(exporter.get("/healthz")))).collect();
    let cpu_before = cpu_seconds(exporter.process.pid());
    let idle = Instant::now();
    progress("idle for 10 s");
    std::thread::sleep(Duration::from_secs(10));
    let idle_cpu = (cpu_seconds(exporter.process.pid()) - cpu_before) / idle.elapsed().as_secs_f64() * 100.0;
    progress("");
    println!("| the exporter itself | |\n|---|---|");
    println!("| start until ready, median (min … max) | {} ms |", spread(&starts));
    println!("| memory after start (RSS) | {:.1} MiB |", rss / 1024.0);
    println!("| one scrape over a new connection, median (min … max) | {} ms |", spread(&scrapes));
    println!("| for comparison: /healthz over a new connection | {} ms |", spread(&landing));
    println!("| bytes of a scrape | {} in {} series |", page.body.len(), exporter.scrape().len());
    println!("| CPU while idle | {idle_cpu:.3} % |");
    exporter.stop();
}

/// A million calls as fast as one process makes them, each shown as JSON in a file.
fn burst() {
    const N: u32 = 1_000_000;
    let pid = std::process::id().to_string();
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be had");
    let mut tracer = command()
        .args(["trace", "--json", "-p", &pid])
        .stdout(file.reopen().expect("a temporary file can be opened"))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the exporter starts");
    // It is attached once a call of ours shows up.
    eventually(
        || {
            kill_self();
            (fs::metadata(file.path()).ok()?.len() > 0).then_some(())
        },
        || "no event arrives".to_owned(),
    );
    let lines = || fs::read_to_string(file.path()).map_or(0, |text| text.lines().count());
    std::thread::sleep(Duration::from_millis(100));
    let before = lines();
    let cpu = cpu_seconds(tracer.id());
    progress("a million calls");
    pin(CALLS);
    let time = milliseconds(|| (0..N).for_each(|_| kill_self()));
    pin(REST);
    std::thread::sleep(Duration::from_millis(500));
    let cpu = cpu_seconds(tracer.id()) - cpu;
    Command::new("kill").args(["-INT", &tracer.id().to_string()]).status().expect("kill runs");
    tracer.wait().expect("a child can be waited for");
    progress("");
    println!("| a million calls flat out | |\n|---|---|");
    println!("| rate | {:.2} M calls/s |", f64::from(N) / time / 1e3);
    println!("| events written as JSON | {:.3} % |", (lines() - before) as f64 / f64::from(N) * 100.0);
    println!("| CPU of the exporter | {cpu:.2} s |");
}

fn start(args: &[&str]) -> Process {
    Exporter::start(args).process
}

fn trace(hook: &str) -> Process {
    let pid = std::process::id().to_string();
    watching(
        Command::new("sh")
            .arg("-c")
            .arg("exec \"$0\" \"$@\" >/dev/null")
            .arg(killsnoop_tests::binary())
            .args(["trace", "--json", "--log.level", "info", "--hook", hook, "-p", &pid]),
    )
}

fn end(mut process: Process) {
    process.signal(Signal::SIGTERM);
    process.wait();
}

/// Binds this thread, and what it starts from here on, to one CPU, so that loops are not moved about.
fn pin(cpu: usize) {
    // SAFETY: the set lives on the stack, and its size is given.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn spread(values: &[f64]) -> String {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{:.2} ({low:.2} … {high:.2})", median(values.to_vec()))
}

fn milliseconds(run: impl FnOnce()) -> f64 {
    let started = Instant::now();
    run();
    started.elapsed().as_secs_f64() * 1e3
}

fn kibibytes(pid: u32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the exporter runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .expect("the kernel tells");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the exporter runs");
    // A name may hold anything, a closing parenthesis too: fields are counted from the last one.
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap_or_default()).sum();
    ticks / 100.0
}

/// One line that is written over and over, where somebody looks.
fn progress(text: &str) {
    if stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}
