//! With how little the exporter does, and what it gives up once it watches.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, chown},
    path::PathBuf,
    process::Command,
};

use killsnoop_tests::{
    binary,
    exporter::{Exporter, command},
    otelcol::Otelcol,
    process::Process,
    sender::Sender,
};
use tempfile::TempDir;

use crate::signals;

/// A user that owns nothing.
const NOBODY: u32 = 65534;

const TWO: &str = "bpf,perfmon";

/// A copy of the binary where everybody can read it, and a directory for its socket.
struct Installed {
    folder: TempDir,
}

impl Installed {
    fn new() -> Self {
        let installed = Self { folder: TempDir::new().unwrap() };
        fs::set_permissions(installed.folder.path(), Permissions::from_mode(0o755)).unwrap();
        fs::copy(binary(), installed.program()).unwrap();
        let run = installed.folder.path().join("run");
        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, Permissions::from_mode(0o700)).unwrap();
        chown(&run, Some(NOBODY), Some(NOBODY)).unwrap();
        installed
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("killsnoop-exporter")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("run/control.sock")
    }

    /// The program run by nobody, with these capabilities and no others.
    fn by_nobody(&self, capabilities: &str) -> Command {
        let sets: Vec<_> = capabilities.split(',').map(|name| format!("+{name}")).collect();
        let sets = ["-all".to_owned()].into_iter().chain(sets).collect::<Vec<_>>().join(",");
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()]);
        command.args(["bounding-set", "inh-caps", "ambient-caps"].map(|set| format!("--{set}={sets}")));
        command.arg(self.program()).env_clear();
        command
    }

    /// Serves by nobody with the two capabilities.
    fn serve(&self, args: &[&str]) -> Exporter {
        let socket = self.socket();
        Exporter::start_command(self.by_nobody(TWO).arg("--control.socket").arg(socket).args(args))
    }

    fn why(&self, whom: u32) -> Process {
        let socket = self.socket();
        Process::start(command().args(["why", &format!("pid:{whom}"), "--socket"]).arg(socket))
    }
}

/// Kills a process of its own, and returns its pid.
fn kill_somebody() -> u32 {
    let mut victim = Command::new("sh").args(["-c", "kill -KILL $$"]).spawn().unwrap();
    victim.wait().unwrap();
    victim.id()
}

/// Each thread's name, and these fields of its status.
fn threads(pid: u32, fields: &[&str]) -> Vec<(String, Vec<String>)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of_thread = |task: PathBuf| {
        let status = fs::read_to_string(task.join("status")).unwrap();
        let rows: BTreeMap<_, _> = status.lines().filter_map(|line| line.split_once(":\t")).collect();
        (rows["Name"].to_owned(), fields.iter().map(|field| rows[field].to_owned()).collect())
    };
    tasks.map(|task| of_thread(task.unwrap().path())).collect()
}

const CONFINED: [&str; 7] = ["CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd", "NoNewPrivs", "Seccomp"];
const NONE: &str = "0000000000000000";
const BPF: &str = "0000008000000000";
const PTRACE: &str = "0000000000080000";

/// Panics unless each thread has these sets of capabilities and is confined.
fn assert_each_thread(exporter: &Exporter, effective: &str, bounding: &str) {
    let threads = threads(exporter.process.pid(), &CONFINED);
    assert!(threads.len() > 3, "{threads:?}");
    for (name, fields) in threads {
        assert_eq!(fields, [effective, effective, NONE, NONE, bounding, "1", "2"], "thread {name}");
    }
}

#[test]
fn every_thread_of_root_gives_everything_up() {
    let exporter = Exporter::start(&["--control.socket="]);
    drop(exporter.scrape());
    assert_each_thread(&exporter, NONE, NONE);
    let line = exporter.process.stderr.find(|line| Some(line.split_once("confined: ")?.1.to_owned()));
    for part in ["no_new_privs", "landlock: version ", "capabilities: none", "seccomp"] {
        assert!(line.contains(part), "{line}");
    }
    exporter.stop();
}

#[test]
fn nobody_with_two_capabilities_counts_and_tells_deaths_and_ends_in_order() {
    let installed = Installed::new();
    let exporter = installed.serve(&["--metrics.container-deaths"]);
    Sender::new(&[&format!("kill:self:{}:3", signals::CONFINED)]).run();
    let victim = kill_somebody();
    let name = signals::name(signals::CONFINED);
    exporter.scrape_until(|page| {
        page.value(&format!("killsnoop_kill_calls_total{{signal=\"{name}\",result=\"ok\"}}")) == 3.0
    });
    let mut why = installed.why(victim);
    assert!(why.wait().success(), "{}", why.stderr);
    assert!(why.stdout.to_string().contains("was killed by SIGKILL"), "{}", why.stdout);
    // After all of it there are all threads that there will be.
    assert_each_thread(&exporter, NONE, "000000c000000000");
    exporter.process.stderr.find(|line| line.contains("CAP_SYS_PTRACE").then_some(()));
    assert!(installed.socket().exists());
    exporter.stop();
    assert!(!installed.socket().exists(), "it is removed at the end");
}

#[test]
fn a_confined_exporter_delivers_to_a_collector_that_has_a_name() {
    let collector = Otelcol::start();
    let rows = [
        (signals::CONFINED_GRPC, "grpc", collector.grpc()),
        (signals::CONFINED_HTTP, "http/protobuf", collector.http()),
    ];
    for (signal, protocol, endpoint) in rows {
        let installed = Installed::new();
        let endpoint = endpoint.replace("127.0.0.1", "localhost");
        let number = signal.to_string();
        let exporter = installed.serve(&[
            "--otlp.endpoint",
            &endpoint,
            "--otlp.protocol",
            protocol,
            "--events.signal",
            &number,
        ]);
        Sender::new(&[&format!("kill:gone:{signal}")]).run();
        let wanted = format!("Int({number})");
        let record = collector.record(|record| record.attribute("killsnoop.signal.number") == Some(&wanted));
        assert!(record.resource("service.instance.id").is_some());
        // Those that connected and looked the name up are among them.
        assert_each_thread(&exporter, NONE, "000000c000000000");
        exporter.stop();
    }
}

#[test]
fn what_is_to_be_kept_is_kept_by_every_thread() {
    let installed = Installed::new();
    let exporter = installed.serve(&["--capabilities.keep", "cap_bpf"]);
    assert_each_thread(&exporter, BPF, "000000c000000000");
    exporter.process.stderr.find(|line| line.contains("capabilities: CAP_BPF as asked").then_some(()));
    exporter.stop();

    let exporter = Exporter::start(&["--control.socket=", "--capabilities.keep=CAP_SYS_PTRACE"]);
    assert_each_thread(&exporter, PTRACE, PTRACE);
    exporter.stop();
}

#[test]
fn what_is_not_to_be_confined_is_not_and_says_so() {
    let exporter = Exporter::start(&["--control.socket=", "--unconfined"]);
    let here = threads(std::process::id(), &CONFINED).swap_remove(0).1;
    for (name, fields) in threads(exporter.process.pid(), &CONFINED) {
        assert_eq!(fields, here, "thread {name} has what it was started with");
    }
    exporter.process.stderr.find(|line| line.contains("not confined").then_some(()));
    exporter.stop();
}

#[test]
fn a_tracer_is_confined_too_and_goes_on_writing() {
    let tracer = killsnoop_tests::exporter::trace(&["--all", "--json", "--log.level=info"]);
    tracer.stderr.find(|line| line.contains("confined: ").then_some(()));
    let victim = kill_somebody();
    let pid = format!("\"pid\":{victim},");
    tracer.stdout.find(|line| (line.contains("\"death\"") && line.contains(&pid)).then_some(()));
    for (name, fields) in threads(tracer.pid(), &CONFINED) {
        assert_eq!(fields, [NONE, NONE, NONE, NONE, NONE, "1", "2"], "thread {name}");
    }
}

#[test]
fn each_missing_capability_has_a_message_of_its_own() {
    let installed = Installed::new();
    let rows =
        [("perfmon", "no CAP_BPF: run as root, or grant"), ("bpf", "no CAP_PERFMON: run as root, or grant")];
    for (capabilities, expected) in rows {
        let mut check = Process::start(installed.by_nobody(capabilities).arg("check"));
        assert_eq!(check.wait().code(), Some(1));
        assert!(check.stdout.to_string().contains(expected), "{}", check.stdout);
        let mut serve = Process::start(installed.by_nobody(capabilities).arg("--control.socket="));
        assert_eq!(serve.wait().code(), Some(1));
        assert!(serve.stderr.to_string().contains(expected), "{}", serve.stderr);
    }
}

#[test]
fn what_nobody_may_not_see_is_noted_with_what_would_let_it() {
    let installed = Installed::new();
    let mut check = Process::start(installed.by_nobody(TWO).arg("check"));
    assert!(check.wait().success(), "{}", check.stdout);
    check.stdout.find(|line| {
        (line.starts_with("note  executables") && line.contains("CAP_SYS_PTRACE")).then_some(())
    });
    check.stdout.find(|line| {
        (line.starts_with("FAIL  hook tracepoint") && line.contains("belongs to root")).then_some(())
    });
    let mut check = Process::start(installed.by_nobody("bpf,perfmon,sys_ptrace").arg("check"));
    assert!(check.wait().success(), "{}", check.stdout);
    check.stdout.find(|line| line.starts_with("ok    executables").then_some(()));
}
