//! The terminal: killsnoop(8) line by line, and a good neighbour in a pipe.

use std::{
    fs,
    io::Read as _,
    os::unix::fs::symlink,
    process::{Command, Stdio},
};

use killsnoop_tests::{
    binary, eventually,
    exporter::{command, trace, watching},
    process::Process,
    sender::Sender,
};
use nix::sys::signal::Signal;
use tempfile::TempDir;

/// The binary under the name that makes it a drop-in for killsnoop(8).
struct Killsnoop(TempDir);

impl Killsnoop {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        symlink(binary(), folder.path().join("killsnoop")).unwrap();
        Self(folder)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.0.path().join("killsnoop"));
        command.args(args);
        command
    }

    /// Starts it, and waits for the header that says it watches.
    fn start(&self, args: &[&str]) -> Process {
        let process = Process::start(&mut self.command(args));
        process.stdout.wait_for(1);
        process
    }
}

/// What killsnoop(8) of bcc would print, with its format strings, after the time.
fn bcc_row(pid: u32, comm: &str, signal: i32, target: i64, result: i32) -> String {
    let width = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap().trim().len() + 1;
    format!("  {pid:<width$} {comm:<16} {signal:<4} {target:<width$} {result}")
}

#[test]
fn called_as_killsnoop_it_prints_what_bcc_prints_byte_for_byte() {
    let killsnoop = Killsnoop::new();
    let sender =
        Sender::new(&["kill:self:0", "kill:gone:9", "tkill:self:0", "kill:-4194300:15", "kill:self:99"]);
    let pid = sender.pid();
    let tracer = killsnoop.start(&["-p", &pid.to_string()]);
    sender.run();
    let lines = tracer.stdout.wait_for(5);
    let width = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap().trim().len() + 1;
    assert_eq!(
        lines[0],
        format!("{:<9} {:<width$} {:<16} {:<4} {:<width$} RESULT", "TIME", "PID", "COMM", "SIG", "TPID")
    );
    let own = i64::from(pid);
    let rows = [(0, own, 0), (9, 4_194_304, -3), (15, -4_194_300, -3), (99, own, -22)];
    for (line, (signal, target, result)) in lines[1..].iter().zip(rows) {
        let (time, rest) = line.split_at(8);
        assert!(time.bytes().enumerate().all(|(n, byte)| if n == 2 || n == 5 {
            byte == b':'
        } else {
            byte.is_ascii_digit()
        }));
        assert_eq!(rest, bcc_row(pid, "sender", signal, target, result));
    }
    assert_eq!(lines.len(), 5, "tkill is not shown unless it is asked for");
}

#[test]
fn names_that_hold_control_bytes_reach_no_terminal() {
    let sender = Sender::new(&["comm:1b5b326a0aff07", "kill:self:0"]);
    let tracer = Killsnoop::new().start(&["-p", &sender.pid().to_string()]);
    sender.run();
    let line = &tracer.stdout.wait_for(2)[1];
    assert!(line.contains("\\x1b[2j\\n\\xff\\x07"), "{line:?}");
    assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{line:?}");
}

#[test]
fn ctrl_c_ends_it_with_success_and_in_silence() {
    // What other tests send must not fill its ring buffer.
    let mut tracer = Killsnoop::new().start(&["-p", &std::process::id().to_string()]);
    tracer.signal(Signal::SIGINT);
    assert_eq!(tracer.wait().code(), Some(0));
    assert_eq!(tracer.stderr.to_string(), "");
}

#[test]
fn what_a_full_ring_lost_is_said_at_the_end() {
    let sender = Sender::new(&["kill:self:0:300000"]);
    let mut tracer = Killsnoop::new().start(&["-p", &sender.pid().to_string(), "--ring-size", "4KiB"]);
    sender.run();
    tracer.signal(Signal::SIGINT);
    assert_eq!(tracer.wait().code(), Some(0));
    let n_shown = tracer.stdout.all().len() - 1;
    let n_lost: usize =
        tracer.stderr.find(|line| line.strip_prefix("lost ")?.split(' ').next()?.parse().ok());
    assert_eq!(n_shown + n_lost, 300_000, "{}", tracer.stderr);
}

#[test]
fn a_reader_that_closes_the_pipe_ends_it_with_success() {
    let sender = Sender::new(&["kill:self:0:100000"]);
    let mut child = Killsnoop::new()
        .command(&["-p", &sender.pid().to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 40]).unwrap();
    drop(stdout);
    sender.run();
    let status = eventually(|| child.try_wait().unwrap(), || "it goes on although nobody reads".to_owned());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_is_an_error_and_not_a_panic() {
    let sender = Sender::new(&["kill:self:0:10"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut child = command()
        .args(["trace", "-p", &sender.pid().to_string()])
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status =
        eventually(|| child.try_wait().unwrap(), || "it goes on although nothing can be written".to_owned());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(stderr.starts_with("error: cannot write to standard output: "), "{stderr}");
    drop(sender);
}

#[test]
fn trace_names_the_call_and_signals_on_request() {
    let sender = Sender::new(&["tgkill:gone:40", "pidfd_send_signal:self:0"]);
    let tracer =
        watching(command().args(["trace", "--log.level", "info", "-n", "-p", &sender.pid().to_string()]));
    sender.run();
    let lines = tracer.stdout.wait_for(3);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&lines[0]), ["TIME", "PID", "COMM", "SYSCALL", "SIG", "TPID", "RESULT"]);
    assert_eq!(words(&lines[1])[3..], ["tgkill", "SIGRTMIN+6", "4194304", "-3"]);
    assert_eq!(words(&lines[2])[3], "pidfd_send_signal");
    assert!(words(&lines[2])[5].starts_with("fd:"), "{lines:?}");
}

#[test]
fn it_ends_by_itself_after_enough_events_or_enough_time() {
    let sender = Sender::new(&["kill:self:0:10"]);
    let mut tracer =
        trace(&["--log.level", "info", "-p", &sender.pid().to_string(), "--count", "3", "--no-header"]);
    sender.run();
    assert_eq!(tracer.wait().code(), Some(0));
    assert_eq!(tracer.stdout.all().len(), 3);

    let mut tracer = Process::start(command().args(["trace", "--duration", "10ms"]));
    assert_eq!(tracer.wait().code(), Some(0));
}
