//! What a service manager gives and is told: sockets, readiness, status, and a watchdog that knows more than a timer.

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixDatagram, process::CommandExt as _},
    },
    process::Command,
    thread,
};

use killsnoop_tests::{
    binary, eventually,
    exporter::{Exporter, hook},
    http, patience,
    process::Process,
};
use nix::{
    fcntl::{FcntlArg, fcntl},
    libc,
    sys::{ptrace, signal::Signal, wait::waitpid},
    unistd::Pid,
};
use tempfile::TempDir;

/// A service manager, as far as the exporter sees one.
struct Manager {
    folder: TempDir,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(patience())).unwrap();
        Self { folder, socket }
    }

    fn start(&self, watchdog_usec: &str) -> Exporter {
        let path = self.folder.path().join("notify");
        let envs = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", watchdog_usec)];
        Exporter::start_with(&[], &envs)
    }

    /// The next message, by lines.
    fn next(&self) -> Vec<String> {
        let mut message = [0; 512];
        let n = self.socket.recv(&mut message).expect("a message comes");
        str::from_utf8(&message[..n]).unwrap().lines().map(str::to_owned).collect()
    }

    /// The first message from here on that is so.
    fn find(&self, is_it: impl Fn(&[String]) -> bool) -> Vec<String> {
        eventually(|| Some(self.next()).filter(|message| is_it(message)), || "no such message".to_owned())
    }
}

fn has(message: &[String], line: &str) -> bool {
    message.iter().any(|found| found == line)
}

fn status(message: &[String]) -> &str {
    message.iter().find_map(|line| line.strip_prefix("STATUS=")).unwrap_or_default()
}

/// The number before a word of a status.
fn number(message: &[String], word: &str) -> Option<u64> {
    status(message).split(", ").find(|part| part.contains(word))?.split(' ').next()?.parse().ok()
}

#[test]
fn a_service_manager_is_told_when_it_watches_what_it_does_and_when_it_ends() {
    let manager = Manager::new();
    let exporter = manager.start("200000");
    assert_eq!(manager.next(), ["STATUS=attaching to the kernel"]);
    let ready = manager.find(|message| has(message, "READY=1"));
    let is_told = status(&ready).starts_with("hook ") && status(&ready).ends_with(" lost");
    assert!(is_told, "{ready:?}");

    let n_deaths = number(&ready, "death").unwrap();
    let mut victim = Command::new("sleep").arg("1000").spawn().unwrap();
    victim.kill().unwrap();
    victim.wait().unwrap();
    let later = manager.find(|message| number(message, "death").is_some_and(|n| n > n_deaths));
    assert!(!has(&later, "READY=1"), "{later:?}");
    assert!(has(&manager.find(|message| has(message, "WATCHDOG=1")), "WATCHDOG=1"));
    exporter.stop();
    manager.find(|message| has(message, "STOPPING=1"));
}

#[test]
fn without_a_watchdog_nobody_is_told_that_it_lives() {
    let manager = Manager::new();
    let exporter = manager.start("");
    assert!(!has(&manager.find(|message| has(message, "READY=1")), "WATCHDOG=1"));
    exporter.stop();
    assert!(!has(&manager.find(|message| has(message, "STOPPING=1")), "WATCHDOG=1"));
}

#[test]
fn the_watchdog_hears_nothing_while_the_reader_of_events_hangs_and_all_else_works() {
    let manager = Manager::new();
    let exporter = manager.start("1000000");
    manager.find(|message| has(message, "WATCHDOG=1"));
    let reader = reader_of(&exporter);
    // It stops that one thread. Whoever traces is a thread too, so all of it happens in this one.
    ptrace::seize(reader, ptrace::Options::empty()).unwrap();
    ptrace::interrupt(reader).unwrap();
    waitpid(reader, Some(nix::sys::wait::WaitPidFlag::__WALL)).unwrap();
    let ill = manager.find(|message| status(message).starts_with("the reader of events has not answered"));
    assert!(!has(&ill, "WATCHDOG=1"), "{ill:?}");
    let ill = manager.next();
    assert!(!has(&ill, "WATCHDOG=1"), "{ill:?}");
    assert_eq!(exporter.get("/healthz").status, 200, "the rest goes on");

    ptrace::detach(reader, None).unwrap();
    let well = manager.find(|message| has(message, "WATCHDOG=1"));
    assert!(status(&well).starts_with("hook "), "{well:?}");
    exporter.stop();
}

/// The thread that reads events: the only one that waits in poll(2).
fn reader_of(exporter: &Exporter) -> Pid {
    let tasks = format!("/proc/{}/task", exporter.process.pid());
    let polls = |call: &str| [libc::SYS_ppoll.to_string().as_str(), POLL].contains(&call);
    let found = || {
        let threads = fs::read_dir(&tasks).unwrap().filter_map(|thread| {
            let thread = thread.ok()?;
            let waits_in = fs::read_to_string(thread.path().join("syscall")).ok()?;
            let polls = waits_in.split(' ').next().is_some_and(polls);
            polls.then(|| thread.file_name().to_str()?.parse().ok())?
        });
        let threads: Vec<_> = threads.collect();
        (threads.len() == 1).then(|| Pid::from_raw(threads[0]))
    };
    eventually(found, || format!("no one thread, or more than one, waits in poll(2) in {tasks}"))
}

/// The number of poll(2), which newer architectures do not have.
#[cfg(target_arch = "x86_64")]
const POLL: &str = "7";
#[cfg(not(target_arch = "x86_64"))]
const POLL: &str = "none";

/// Starts the exporter with a socket as systemd passes it: as file descriptor 3, with the process' own id.
fn start_with(socket: &impl AsFd, args: &[&str]) -> Process {
    // From another number: the same would stay one that is closed at exec.
    let socket = socket.as_fd().try_clone_to_owned().unwrap();
    let socket = fcntl(&socket, FcntlArg::F_DUPFD_CLOEXEC(10)).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\""]).arg(binary());
    command.args(hook(args)).args(args);
    let pass = move || {
        // SAFETY: takes numbers.
        let passed = unsafe { libc::dup2(socket, 3) };
        if passed == 3 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: between fork and exec this makes one system call, and nothing else.
    let process = Process::start(unsafe { command.pre_exec(pass) });
    nix::unistd::close(socket).unwrap();
    process
}

#[test]
fn a_restart_loses_no_scrape_of_a_socket_that_the_service_manager_holds() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let scrape = |path: &'static str| {
        let address = address.clone();
        thread::spawn(move || http::get(&address, path, &[]).status)
    };
    for _ in 0..2 {
        // Comes before anybody listens but the kernel, and waits.
        let early = scrape("/metrics");
        let mut exporter = start_with(&socket, &[]);
        assert_eq!(early.join().unwrap(), 200);
        exporter.stderr.find(|line| line.contains(&format!("listening on {address}")).then_some(()));
        assert_eq!(scrape("/readyz").join().unwrap(), 200);
        exporter.signal(Signal::SIGTERM);
        assert!(exporter.wait().success(), "{}", exporter.stderr);
    }
}

#[test]
fn a_passed_socket_counts_for_more_than_an_address_of_which_a_warning_tells() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let exporter = start_with(&socket, &["--web.listen-address", "127.0.0.2:0"]);
    exporter.stderr.find(|line| line.contains("--web.listen-address counts for nothing").then_some(()));
    let address = exporter.stderr.find(|line| Some(line.split_once("listening on ")?.1.trim().to_owned()));
    assert_eq!(address, socket.local_addr().unwrap().to_string());
}

#[test]
fn a_passed_socket_that_takes_no_connections_ends_the_start() {
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    for socket in [OwnedFd::from(datagrams), connected.into()] {
        let mut exporter = start_with(&socket, &[]);
        assert_eq!(exporter.wait().code(), Some(1));
        let error = exporter.stderr.to_string();
        assert!(error.contains("error: socket 0 that the service manager passes"), "{error}");
        assert!(error.contains("ListenStream=PORT"), "{error}");
    }
}
