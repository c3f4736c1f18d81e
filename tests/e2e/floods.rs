//! Verdicts under load: nothing is lost, and nobody is taken for somebody else.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use killsnoop_tests::{eventually, exporter::Exporter, process::Process, sender::Sender};
use serde_json::Value;
use tempfile::TempDir;

use crate::signals;

/// An exporter that can be asked what died.
struct Asked {
    exporter: Exporter,
    folder: TempDir,
}

impl Asked {
    fn start(args: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let socket = folder.path().join("control/sock");
        let socket = socket.to_str().unwrap();
        let flags = [&["--control.socket", socket, "--control.deaths", "30000"], args].concat();
        let exporter = Exporter::start(&flags);
        Self { exporter, folder }
    }

    /// What it says of deaths of this name or number.
    fn deaths(&self, whom: &str) -> Vec<Value> {
        let output = killsnoop_tests::exporter::command()
            .args(["why", whom, "--json", "--limit", "20000", "--socket"])
            .arg(self.folder.path().join("control/sock"))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn victims(args: &[&str]) -> Process {
    let path = env::current_exe().unwrap();
    let path = path.ancestors().nth(2).unwrap().join("victims");
    let process = Process::start(Command::new(path).args(args));
    process.stdout.find(|line| line.strip_prefix("ready ").map(drop));
    process
}

/// Lets it go, and returns who died: the numbers, and what they ran if that was told.
fn run(mut process: Process) -> Vec<(u64, Option<String>)> {
    process.write("\n");
    let status = process.wait();
    assert!(status.success(), "{status}\n{}", process.stderr);
    let all = process.stdout.all();
    let victims = all.iter().filter_map(|line| line.strip_prefix("victim "));
    victims
        .map(|line| match line.split_once(' ') {
            Some((pid, exe)) => (pid.parse().unwrap(), Some(exe.to_owned())),
            None => (line.parse().unwrap(), None),
        })
        .collect()
}

#[test]
fn ten_thousand_victims_beside_two_floods_each_have_their_verdict_with_the_right_killer() {
    const N: usize = 10_000;
    // Nobody listens on port 1: all calls go through the ring that can be flooded, and then are lost.
    let flood = signals::FLOOD_BESIDE_DEATHS.to_string();
    let asked = Asked::start(&["--otlp.endpoint", "http://127.0.0.1:1", "--events.signal", &flood]);
    let step = format!("kill:self:{flood}:3000000");
    let mut floods = [Sender::new(&[&step]), Sender::new(&[&step])];
    floods.iter_mut().for_each(Sender::go);
    let killer = victims(&["killed", &N.to_string(), "flooded"]);
    let killer_pid = killer.pid();

    let running = std::thread::spawn(move || run(killer));
    let mut scrapes = Vec::new();
    while !running.is_finished() {
        let started = Instant::now();
        drop(asked.exporter.scrape());
        scrapes.push(started.elapsed());
    }
    let victims = running.join().unwrap();
    scrapes.sort();
    assert_eq!(victims.len(), N);

    let deaths = eventually(
        || Some(asked.deaths("name:flooded")).filter(|deaths| deaths.len() >= N),
        || format!("{} deaths", asked.deaths("name:flooded").len()),
    );
    assert_eq!(deaths.len(), N);
    let mut times_told = BTreeMap::<u64, usize>::new();
    for death in &deaths {
        assert_eq!(
            (&death["signal_name"], &death["cause"]),
            (&"SIGKILL".into(), &"kill".into()),
            "{death:#}"
        );
        assert_eq!(death["sender"]["pid"], killer_pid, "{death:#}");
        *times_told.entry(death["victim"]["pid"].as_u64().unwrap()).or_default() += 1;
    }
    assert!(victims.iter().all(|(pid, _)| times_told.contains_key(pid)));
    let page = asked.exporter.scrape();
    assert_eq!(page.value("killsnoop_events_lost_total{stage=\"ring_urgent\"}"), 0.0);
    let p99 = scrapes[scrapes.len() * 99 / 100];
    let rss = page.value("process_resident_memory_bytes") / 1_048_576.0;
    let lost = page.value("killsnoop_events_lost_total{stage=\"ring\"}");
    eprintln!(
        "{N} of {N} verdicts; scrape p99 {p99:?} of {}; RSS {rss:.1} MiB; {lost} flood events lost",
        scrapes.len()
    );
    drop(floods);
}

/// Copies of a program under names of the test's own.
fn programs(folder: &Path, names: [&str; 2]) -> [PathBuf; 2] {
    let victims = env::current_exe().unwrap().ancestors().nth(2).unwrap().join("victims");
    names.map(|name| {
        let path = folder.join(name);
        fs::copy(&victims, &path).unwrap();
        path
    })
}

fn brief_lives(names: [&str; 2], again: bool) {
    const N: usize = 1_000;
    let asked = Asked::start(&[]);
    let folder = TempDir::new().unwrap();
    let paths = programs(folder.path(), names);
    let [one, other] = paths.each_ref().map(|path| path.to_str().unwrap());
    let n = N.to_string();
    let args = ["brief", &n, one, other, "again"];
    let process = victims(&args[..if again { 5 } else { 4 }]);
    let parent = process.pid();
    let victims = run(process);

    let mut told = Vec::new();
    for name in names {
        told.extend(eventually(
            || Some(asked.deaths(&format!("name:{name}"))).filter(|deaths| deaths.len() >= N / 2),
            || format!("{} deaths of {name}", asked.deaths(&format!("name:{name}")).len()),
        ));
    }
    assert_eq!((victims.len(), told.len()), (N, N));
    // In the order in which they died, as the parent saw it.
    told.sort_by_key(|death| death["boot_ns"].as_str().unwrap().parse::<u64>().unwrap());
    for (death, (pid, exe)) in told.iter().zip(&victims) {
        let exe = exe.as_deref().unwrap();
        assert_eq!(death["victim"]["pid"], *pid, "{death:#}");
        assert_eq!(death["victim"]["exe"], exe, "{death:#}");
        assert_eq!(
            death["victim"]["comm"],
            Path::new(exe).file_name().unwrap().to_str().unwrap(),
            "{death:#}"
        );
        assert_eq!(death["victim"]["ancestors"][0]["pid"], parent, "{death:#}");
        assert_eq!(death["victim"]["cgroup_id"], told[0]["victim"]["cgroup_id"], "{death:#}");
        assert_eq!((&death["sender"]["pid"], &death["cause"]), (&(*pid).into(), &"kill".into()), "{death:#}");
    }
    let mut ages: Vec<_> = told.iter().map(|death| death["age_seconds"].as_f64().unwrap()).collect();
    ages.sort_by(f64::total_cmp);
    let n_same = victims.windows(2).filter(|two| two[0].0 == two[1].0).count();
    assert!(!again || n_same > N / 2, "only {n_same} got the number of the one before");
    eprintln!(
        "{N} of {N} right, {n_same} with the number of the one before; median life {:.2} ms",
        ages[N / 2] * 1e3
    );
}

#[test]
fn a_thousand_victims_that_die_as_soon_as_they_run_are_told_with_what_they_ran() {
    brief_lives(["brief-one", "brief-two"], false);
}

#[test]
fn a_thousand_victims_that_all_have_the_same_number_are_not_taken_for_each_other() {
    brief_lives(["again-one", "again-two"], true);
}
