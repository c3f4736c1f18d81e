//! From the tarball to the first log in the log store and the first alert in Alertmanager, by the commands in the documents
//! and nothing else, with the configurations as they ship. What each step took is printed, as the table in docs/fleet.md.

use std::{
    fs,
    io::{self, Write as _},
    process::Command,
    time::Instant,
};

use killsnoop_tests::{eventually, judge::read, process::Process, root, tool};

use crate::{debian::Debian, done, machine::Machine, own_arch, packages, the_one};

/// Programs that stay, and where each listens once it is up.
const SERVICES: [(&str, u16); 4] =
    [("victoria-logs", 9428), ("otelcol", 4318), ("alertmanager", 9093), ("prometheus", 9090)];

/// What is asked until the answer is there: a part of the command, a part of the answer, and the setting that says how long
/// it may be awaited however fast the machine is.
const QUESTIONS: [(&str, &str, &str); 5] = [
    ("query=killsnoop_deaths_total", "\"cause\":\"abort\"", "scrape_interval"),
    ("/select/logsql/query", "crashed with SIGABRT", ""),
    ("query=increase(", "\"cause\":\"abort\"", "scrape_interval"),
    ("query=ALERTS", "firing", "evaluation_interval"),
    ("amtool", "KillsnoopCrashLoop", ""),
];

#[test]
fn the_commands_in_the_documents_lead_from_the_tarball_to_a_log_and_to_an_alert() {
    let mut way = Way::new(machine());
    way.folder = "/srv".to_owned();
    for command in commands("docs/install.md", "# Install") {
        way.go(&command.replace("amd64", own_arch()));
    }
    way.folder = "/srv/sources".to_owned();
    for command in commands("docs/fleet.md", "## From a package to the first alert") {
        way.go(&command);
    }
    assert_eq!(
        (way.services.len(), way.n_answers),
        (SERVICES.len(), QUESTIONS.len()),
        "the documents start and ask all of it"
    );
    way.print();
}

/// A machine with the tarball, the sources, and the programs as their own packages would bring them.
fn machine() -> Machine {
    let debian = Debian::new();
    let home = debian.path().join("srv");
    let tarball = the_one(&packages(own_arch()), ".tar.gz");
    fs::copy(&tarball, home.join(tarball.file_name().unwrap())).unwrap();
    let sources = home.join("sources");
    fs::create_dir(&sources).unwrap();
    let copy = "git ls-files -z deploy dashboards | tar --null -T - -cf - | tar -xf - -C \"$0\"";
    done(Command::new("bash").args(["-c", copy]).arg(sources).current_dir(root()));
    let bin = debian.path().join("usr/bin");
    for (program, name) in [
        ("otelcol", "otelcol"),
        ("victoria-logs", "victoria-logs"),
        ("prometheus3", "prometheus"),
        ("amtool", "amtool"),
    ] {
        fs::copy(tool(program), bin.join(name)).unwrap();
    }
    // The tool's own is a script around this folder.
    let folder = tool("alertmanager").parent().unwrap().join("../alertmanager/usr/.");
    done(Command::new("cp").arg("-r").arg(folder).arg(debian.path().join("usr")));
    fs::rename(bin.join("prometheus-alertmanager"), bin.join("alertmanager")).unwrap();
    // As the installer of a distribution leaves it.
    fs::write(debian.path().join("etc/hosts"), "127.0.0.1 localhost\n").unwrap();
    Machine::boot(debian)
}

/// The commands of the first block of shell below a heading.
fn commands(document: &str, heading: &str) -> Vec<String> {
    let text = read(document);
    let (_, below) = text.split_once(heading).unwrap();
    let block = below.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0;
    let lines = block.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split("   # ").next().unwrap().trim_end().to_owned()).collect()
}

/// A step that was taken: its command, its seconds, and what it had to wait for.
type Step = (String, f64, &'static str);

/// Where somebody is who types the commands.
struct Way {
    // They end before the machine does.
    services: Vec<Process>,
    machine: Machine,
    folder: String,
    steps: Vec<Step>,
    n_answers: usize,
}

impl Way {
    fn new(machine: Machine) -> Self {
        Self { services: vec![], machine, folder: String::new(), steps: vec![], n_answers: 0 }
    }

    /// Takes a step: starts what stays, asks until there is an answer, and does anything else once.
    fn go(&mut self, command: &str) {
        let began = Instant::now();
        let mut awaited = "";
        // What is set before a program is not its name.
        let program = command.split(' ').find(|word| !word.contains('=')).unwrap();
        if let Some((_, port)) = SERVICES.iter().find(|(name, _)| *name == program) {
            self.serve(command, *port);
        } else if let Some((_, answer, setting)) = QUESTIONS.iter().find(|(part, ..)| command.contains(part))
        {
            self.ask(command, answer);
            awaited = setting;
        } else {
            self.once(command);
        }
        self.steps.push((command.to_owned(), began.elapsed().as_secs_f64(), awaited));
    }

    fn once(&mut self, command: &str) {
        let script = format!("cd {} && {command} && pwd", self.folder);
        let (succeeded, text) = self.machine.run(&["bash", "-c", &script]);
        assert!(succeeded, "{command}: {text}");
        if command.starts_with("cd ") {
            text.trim_end().clone_into(&mut self.folder);
        }
    }

    fn serve(&mut self, command: &str, port: u16) {
        let script = format!("cd {} && {command}", self.folder);
        // By the machine's own service manager, in a cgroup of the machine's: the collector asks that for its memory.
        let run = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "bash", "-c", &script];
        let service = Process::start(&mut self.machine.command(&run));
        let listens = format!(": </dev/tcp/127.0.0.1/{port}");
        eventually(
            || self.machine.run(&["bash", "-c", &listens]).0.then_some(()),
            || format!("{command}: {}{}", service.stdout, service.stderr),
        );
        self.services.push(service);
    }

    fn ask(&mut self, command: &str, answer: &str) {
        let said = || self.machine.run(&["bash", "-c", command]).1;
        eventually(
            || said().contains(answer).then_some(()),
            || format!("{command}: {}", self.doubts(&said())),
        );
        self.n_answers += 1;
    }

    /// What may say why there is no answer.
    fn doubts(&self, said: &str) -> String {
        let outputs = self.services.iter().map(|service| format!("{}{}", service.stdout, service.stderr));
        let log = self.machine.run(&["journalctl", "--no-pager", "--unit", "killsnoop-exporter"]).1;
        format!("{said}\n{log}{}", outputs.collect::<String>())
    }

    /// The table, past what the test runner keeps of a test that passes.
    fn print(&self) {
        let total: f64 = self.steps.iter().map(|step| step.1).sum();
        let waited: f64 = self.steps.iter().filter(|step| !step.2.is_empty()).map(|step| step.1).sum();
        let row = |(command, seconds, awaited): &Step| {
            format!("| {seconds:.1} | `{}` | {awaited} |\n", command.replace('|', "\\|"))
        };
        let rows: String = self.steps.iter().map(row).collect();
        let table = format!(
            "\n| seconds | command | waits for |\n|---:|---|---|\n{rows}\
             | {total:.1} | all of it | {waited:.1} of them for the two intervals |\n"
        );
        io::stdout().write_all(table.as_bytes()).unwrap();
    }
}
