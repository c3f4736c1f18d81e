//! Every expression of every dashboard and every alert, against a real Prometheus that has scraped the shipped exporter while
//! real processes were killed, crashed, dumped core and ran out of memory: none may find nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{self, Command},
};

use killsnoop_tests::{
    cgroups, eventually,
    exporter::Exporter,
    judge::Copy,
    otelcol::Otelcol,
    process::Process,
    prometheus::Prometheus,
    provoke::{End, Play},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::files::{ALERTS, dashboards, panels};

/// What finds nothing on a machine that is well, and why: dashboard, and title of the panel or name of the annotation.
const EMPTY: &[(&str, &str, &str)] =
    &[("killsnoop-exporter", "Exporter started", "the exporter was started before it was scraped first")];

/// What finds something on some kernels alone: which features there are is theirs.
const OF_THE_KERNEL: (&str, &str) = ("killsnoop-exporter", "What some kernels do not let be seen");

/// Times to look back, variables of dashboards and of Grafana, and what they are in this test. There is no past to compare
/// with; and what is counted in a time is counted in all of it, however slow the machine.
const VARIABLES: [(&str, &str); 12] = [
    (" offset 5m", ""),
    (" offset 10m", ""),
    (" offset 30m", ""),
    (" offset 1m ", " offset 10m "),
    ("$__rate_interval", "10m"),
    ("$__interval", "10m"),
    ("$__range", "10m"),
    ("$cluster", "te.*"),
    ("$job", ".*killsnoop"),
    ("$instance", ".+"),
    ("$namespace", ".*"),
    ("$pod", ".*"),
];

fn with_variables(expression: &str) -> String {
    let text = VARIABLES.iter().fold(expression.to_owned(), |text, (from, to)| text.replace(from, to));
    assert!(!text.contains('$'), "{text}");
    text
}

/// All expressions of dashboards, with the uid of the dashboard and the title of the panel or annotation.
fn expressions() -> Vec<(String, String, String)> {
    let mut all = vec![];
    for dashboard in dashboards() {
        let uid = dashboard["uid"].as_str().unwrap();
        let mut add = |title: &Value, target: &Value| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            all.push((uid.to_owned(), text(title), text(&target["expr"])));
        };
        for panel in panels(&dashboard) {
            panel["targets"].as_array().unwrap().iter().for_each(|target| add(&panel["title"], target));
        }
        for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
            add(&annotation["name"], &annotation["target"]);
        }
    }
    all
}

/// A folder for a container in each hierarchy that has processes of containers in it.
struct Container {
    folders: Vec<PathBuf>,
}

impl Container {
    fn new() -> Self {
        let pod = format!("pod{:08x}-0000-4000-8000-000000000001", process::id());
        let path = format!("kubepods/besteffort/{pod}/{:064x}", process::id());
        let folders = cgroups::roots().iter().map(|root| make(root, &path)).collect();
        Self { folders }
    }

    /// A shell that does this in it.
    fn shell(&self, command: &str) -> Command {
        let enter: Vec<_> =
            self.folders.iter().map(|folder| format!("echo $$ >{}/cgroup.procs", folder.display())).collect();
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{} && {command}", enter.join(" && "))]);
        shell
    }

    /// What ends a shell that does this in it.
    fn signal_that_ends(&self, command: &str) -> Option<i32> {
        self.shell(command).status().unwrap().signal()
    }
}

/// Makes a folder and those above it, with a limit of memory where this hierarchy has one.
fn make(root: &Path, path: &str) -> PathBuf {
    let mut folder = root.to_owned();
    for part in path.split('/') {
        // Where the controller is, its limits are files of the folder below.
        _ = fs::write(folder.join("cgroup.subtree_control"), "+memory");
        folder.push(part);
        fs::create_dir_all(&folder).unwrap();
    }
    for (file, value) in
        [("memory.limit_in_bytes", "33554432"), ("memory.max", "33554432"), ("memory.swap.max", "0")]
    {
        if folder.join(file).exists() {
            _ = fs::write(folder.join(file), value);
        }
    }
    folder
}

impl Drop for Container {
    fn drop(&mut self) {
        for folder in &self.folders {
            // Down to the pod's; those above may be somebody else's too.
            for folder in folder.ancestors().take(2) {
                _ = fs::remove_dir(folder);
            }
        }
    }
}

/// Does what the dashboards are there to show, and returns whether this system dumps core.
fn deeds() -> bool {
    let container = Container::new();
    // One kills itself, one crashes, and one eats until it is killed.
    assert_eq!(container.signal_that_ends("kill -KILL $$"), Some(9));
    assert_eq!(container.signal_that_ends("exec tail /dev/zero"), Some(9));
    let provoke = env::current_exe().unwrap().ancestors().nth(2).unwrap().join("provoke");
    let mut crash =
        Process::start(&mut container.shell(&format!("exec {} fault unmapped", provoke.display())));
    crash.write("\n");
    assert!(crash.wait().success(), "{}", crash.stderr);
    let folder = TempDir::new().unwrap();
    let folder = folder.path().to_str().unwrap();
    let mut dumps = false;
    for scene in [
        &["call", "kill", "9"][..],
        &["fault", "unmapped"],
        &["abort", "core", folder],
        &["oom", "own"],
        &["fails"],
        &["ignored", "10"],
    ] {
        let played = Play::new(scene).run();
        assert_eq!(played.cannot, None, "{scene:?}");
        dumps |= played.players.iter().any(|player| matches!(player.end, Some(End::Signal(_, true))));
    }
    dumps
}

#[test]
fn every_expression_of_the_dashboards_and_alerts_finds_what_happened() {
    let collector = Otelcol::start();
    let exporter = Exporter::start(&["--metrics.container-deaths", "--otlp.endpoint", &collector.http()]);
    let job = format!(
        "  - {{job_name: ns/killsnoop, scrape_protocols: [OpenMetricsText1.0.0], static_configs: [{{targets: [\"{}\"], \
         labels: {{cluster: test}}}}]}}\n",
        exporter.address
    );
    // What is recorded each minute is recorded each five seconds, of as long before: enough for a busy machine, as what is
    // not evaluated in time is not recorded.
    let minutely = Copy::of(ALERTS, "interval: \"1m\"", "interval: \"5s\"");
    let rules = fs::read_to_string(&minutely.path).unwrap().replace("[5m] offset 1m)", "[5m] offset 5s)");
    fs::write(&minutely.path, rules).unwrap();
    let server = Prometheus::scraping("prometheus3", &job, &minutely.path.display().to_string());
    // What happens is an increase only if something was scraped before.
    server.find("count_over_time(killsnoop_deaths_total[1m]) > 1");
    server.find("last_over_time(killsnoop_build_info[5m] offset 5s)");
    let dumps = deeds();
    server.find("killsnoop_oom_kills_total > 0");

    alerts_fire(&server, dumps);
    rules_record(&server);
    dashboards_show(&server);
    variables_have_values(&server);
    alerts_watch(&server);
}

/// Those that wait for nothing.
fn alerts_fire(server: &Prometheus, dumps: bool) {
    let mut expected = BTreeSet::from(["KillsnoopOomKill".to_owned()]);
    expected.extend(dumps.then(|| "KillsnoopCoreDump".to_owned()));
    let firing = || -> BTreeSet<_> {
        server.query("ALERTS{alertstate=\"firing\"}").iter().map(|row| row.label("alertname")).collect()
    };
    eventually(|| firing().is_superset(&expected).then_some(()), || format!("{:?} fire", firing()));
}

/// Each recording rule has written something down, and of deaths as many as were counted.
fn rules_record(server: &Prometheus) {
    let rules = server.evaluated_rules();
    let recorded: Vec<_> = rules.iter().filter(|rule| rule["type"] == "recording").collect();
    assert_eq!(recorded.len(), 4, "{recorded:?}");
    for rule in recorded {
        assert_eq!(rule["health"], "ok", "{rule}");
        server.find(&format!("last_over_time({}[10m])", rule["name"].as_str().unwrap()));
    }
    // Once nothing more is recorded. The machine kills meanwhile: crashes are this test's own.
    let (crashes, rule) = ("cause=\"fault\"", "instance_signal_cause:killsnoop_deaths:increase1m");
    server.find(&format!(
        "sum(sum_over_time({rule}{{{crashes}}}[10m])) \
         == sum(last_over_time(killsnoop_deaths_total{{{crashes}}}[10m]) \
         - min_over_time(killsnoop_deaths_total{{{crashes}}}[10m])) > 0 \
         unless on () count({rule}{{{crashes}}})"
    ));
}

fn dashboards_show(server: &Prometheus) {
    let all = expressions();
    assert!(all.len() > 80, "{}", all.len());
    let is_listed = |uid: &str, title: &str| EMPTY.iter().any(|(at, what, _)| (*at, *what) == (uid, title));
    for (uid, title, expression) in &all {
        if (uid.as_str(), title.as_str()) == OF_THE_KERNEL {
            _ = server.query(&with_variables(expression));
        } else if !is_listed(uid, title) {
            // Whenever that was: what is asked for the last minute alone may be long ago by now.
            server.find(&format!("last_over_time(({})[15m:5s])", with_variables(expression)));
        }
    }
    // The list has what is needed, and no more.
    for (uid, title, why) in EMPTY {
        let mut listed = all.iter().filter(|(at, what, _)| at == uid && what == title).peekable();
        assert!(listed.peek().is_some(), "there is no {title} on {uid}");
        assert!(
            listed.any(|(.., expression)| server.query(&with_variables(expression)).is_empty()),
            "{title} finds something, although {why}"
        );
    }
}

fn variables_have_values(server: &Prometheus) {
    let mut found = BTreeMap::<String, usize>::new();
    for dashboard in dashboards() {
        for variable in dashboard["templating"]["list"].as_array().unwrap() {
            let Some(query) = variable["query"]["query"].as_str() else { continue };
            let query = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (selector, label) =
                query.and_then(|query| query.rsplit_once(", ")).expect("label_values(METRIC, LABEL)");
            let rows = server.find(&with_variables(selector));
            assert!(rows.iter().any(|row| row.labels.contains_key(label)), "{variable}");
            *found.entry(label.to_owned()).or_default() += 1;
        }
    }
    assert!(
        ["cluster", "job", "instance", "pod"].iter().all(|label| found.contains_key(*label)),
        "{found:?}"
    );
}

/// A comparison with `bool` gives a row wherever there is something to compare, true or not.
fn alerts_watch(server: &Prometheus) {
    let rules = server.evaluated_rules();
    assert!(rules.len() >= 16);
    for rule in rules.iter().filter(|rule| rule["type"] == "alerting") {
        assert_eq!(rule["health"], "ok", "{rule}");
        let words: Vec<_> = rule["query"].as_str().unwrap().split_whitespace().collect();
        let expression = with_variables(&words.join(" "));
        // Of all, this alone speaks of what is not there.
        if let Some(watched) = expression.strip_prefix("absent(") {
            server.find(watched.trim_end_matches(')'));
            continue;
        }
        let compared = [" > ", " == ", " >= "]
            .iter()
            .fold(expression.clone(), |text, operator| text.replace(operator, &format!("{operator}bool ")));
        assert_ne!(compared, expression, "no comparison in {expression}");
        server.find(&compared);
    }
}
