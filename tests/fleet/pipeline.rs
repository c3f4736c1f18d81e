//! A fleet of one machine, from a kill to whoever is told of it: exporter, agent, gateway and log store; Prometheus as an
//! agent, the central Prometheus, Alertmanager, and who it posts to. All run by the configurations that ship, but for
//! addresses and waiting times.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
};

use killsnoop_tests::{
    eventually,
    exporter::Exporter,
    http,
    judge::{output, rendered},
    log_store::LogStore,
    metrics_store::MetricsStore,
    otelcol::Collector,
    process::Process,
    prometheus::{Prometheus, encode, listening},
    root,
    sender::Sender,
    tool,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    configurations::{AGENT, ALERTMANAGER, ALERTS, CENTRAL, GATEWAY, RELABEL, SCRAPERS, TARGETS},
    killed,
};

/// Fires after more than ten such deaths within five minutes, for the operator of this fleet at once, and goes to the receiver
/// `team`.
const ALERT: &str = "KillsnoopSigkillDeaths";
const N_KILLED: u32 = 40;
const DEATHS: &str = "killsnoop_deaths_total{signal=\"SIGKILL\",cause=\"kill\",core_dumped=\"false\"}";

#[test]
fn a_kill_is_found_in_the_log_store_and_in_the_central_prometheus_and_the_alert_is_posted() {
    let team = Webhook::start();
    let alertmanager = Alertmanager::start(&team.address);
    let folder = TempDir::new().unwrap();
    let central = central(&alertmanager.address, folder.path());
    let store = LogStore::start();
    let gateway = Collector::silent(GATEWAY, &[("LOG_STORE_ENDPOINT", &store.otlp())]);
    let agent =
        Collector::silent(AGENT, &[("GATEWAY_ENDPOINT", &gateway.grpc), ("GATEWAY_INSECURE", "true")]);
    let exporter = Exporter::start(&["--otlp.endpoint", &format!("http://{}", agent.http)]);
    let scraper = scraper(&exporter.address, &central.address);

    // The counter is there before it rises.
    let before = central.find(DEATHS)[0].value;
    let pids: Vec<_> = (0..N_KILLED).map(|_| killed()).collect();

    for pid in [pids.first(), pids.last()].map(Option::unwrap) {
        let record = store.find(&format!(
            "killsnoop.target.pid:={pid} killsnoop.signal.name:=SIGKILL killsnoop.cause:=kill"
        ));
        assert_eq!(record["service.name"], "killsnoop-exporter", "{record}");
        assert_eq!(record["killsnoop.target.comm"], "sleep", "{record}");
        assert!(record["_msg"].as_str().unwrap().contains("was killed by SIGKILL"), "{record}");
    }
    let risen = format!("{DEATHS} >= {}", before + f64::from(N_KILLED));
    let row = &central.find(&risen)[0];
    assert_eq!((row.label("job"), row.label("site")), ("killsnoop".to_owned(), "north".to_owned()));
    assert_eq!(row.label("instance"), exporter.address);
    central.find(&format!("ALERTS{{alertname=\"{ALERT}\",alertstate=\"firing\"}}"));

    let alert = alertmanager.find(ALERT);
    assert_eq!(alert["labels"]["instance"], exporter.address, "{alert}");
    assert_eq!(alert["receivers"][0]["name"], "team", "{alert}");
    let url = format!("--alertmanager.url=http://{}", alertmanager.address);
    let told = output(Command::new(tool("amtool")).args([&url, "alert", "query", ALERT]));
    assert!(told.contains(ALERT), "{told}");
    team.hears_of(ALERT);
    drop((scraper, agent, gateway));
}

/// Sent by nobody else here.
const PUSHED: &str = "57";
const N_PUSHED: f64 = 1200.0;

#[test]
fn metrics_that_are_pushed_reach_the_store_with_the_values_of_a_scrape_and_the_labels_of_alerts() {
    let relabel = format!("-relabelConfig={}", root().join(RELABEL).display());
    let store = MetricsStore::with(&[&relabel]);
    let gateway = Collector::silent(GATEWAY, &[("METRICS_STORE_ENDPOINT", &store.otlp())]);
    let agent =
        Collector::silent(AGENT, &[("GATEWAY_ENDPOINT", &gateway.grpc), ("GATEWAY_INSECURE", "true")]);
    let endpoint = format!("http://{}", agent.http);
    let exporter = Exporter::start_with(
        &["--otlp.metrics", "--otlp.metrics-interval=200ms", "--otlp.endpoint", &endpoint],
        &[("OTEL_RESOURCE_ATTRIBUTES", "host.name=node-7")],
    );
    Sender::new(&[&format!("kill:self:{PUSHED}:{N_PUSHED}")]).run();

    let series = "killsnoop_kill_calls_total{signal=\"SIGRTMIN+23\",result=\"ok\"}";
    let scraped = exporter.scrape().value(series);
    assert!(scraped >= N_PUSHED, "{scraped}");
    let known = "job=~\".*killsnoop.*\", instance=\"node-7\"";
    let question =
        format!("killsnoop_kill_calls_total{{{known}, signal=\"SIGRTMIN+23\", result=\"ok\"}} == {scraped}");
    let rows = store.find(&question);
    assert_eq!(rows.len(), 1, "{rows:?}");
    let labels: Vec<_> = rows[0].labels.keys().map(String::as_str).collect();
    assert_eq!(labels, ["__name__", "instance", "job", "result", "signal"]);
    // All of the page, and not this one alone; what was seen for the first time just now is in the next push.
    let own = || exporter.scrape().series().filter(|series| series.starts_with("killsnoop_")).count();
    let pushed = || store.query("{__name__=~\"killsnoop_.+\", instance=\"node-7\"}").len();
    eventually(|| (pushed() == own()).then_some(()), || format!("{} of {}", pushed(), own()));
    drop((agent, gateway));
}

/// The alerts as rendered by an operator who does not wait five minutes for the first.
fn impatient_rules(folder: &Path) -> String {
    const MIXIN: &str = "dashboards/mixin/mixin.libsonnet";
    let source = format!(
        "((import '{}') + {{ _config+:: {{ sigkillDeaths+: {{ 'for': '0m' }} }} }}).prometheusAlerts",
        root().join(MIXIN).display()
    );
    let path = folder.join("rules.json").display().to_string();
    fs::write(&path, output(Command::new("jsonnet").args(["--exec", &source]))).unwrap();
    path
}

fn central(alertmanager: &str, folder: &Path) -> Prometheus {
    let rules = impatient_rules(folder);
    let named = format!("../../{ALERTS}");
    let changes = [
        ("evaluation_interval: 15s", "evaluation_interval: 1s"),
        (&named, &rules),
        ("localhost:9093", alertmanager),
    ];
    Prometheus::start("prometheus3", &rendered(CENTRAL, &changes), &["--web.enable-remote-write-receiver"])
}

/// An agent, and the folder where it finds its targets.
fn scraper(exporter: &str, central: &str) -> (Prometheus, TempDir) {
    let targets = TempDir::new().unwrap();
    let file = targets.path().join("killsnoop.yml");
    fs::write(&file, rendered(TARGETS, &[("localhost:9435", exporter)])).unwrap();
    let changes = [
        ("scrape_interval: 15s", "scrape_interval: 1s"),
        ("targets/*.yml", file.to_str().unwrap()),
        ("prometheus.example.com:9090", central),
    ];
    let agent = Prometheus::start("prometheus3", &rendered(SCRAPERS, &changes), &["--agent"]);
    // It reads the file when it starts, and has done so once it scrapes.
    let scraped = || {
        let page = http::get(&agent.address, "/api/v1/targets", &[]);
        page.text().contains("\"health\":\"up\"").then_some(())
    };
    eventually(scraped, || agent.process.stderr.to_string());
    (agent, targets)
}

struct Alertmanager {
    process: Process,
    address: String,
    _folder: TempDir,
}

impl Alertmanager {
    fn start(webhook: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("alertmanager.yml");
        let changes = [("127.0.0.1:9095", webhook), ("group_wait: 30s", "group_wait: 0s")];
        fs::write(&config, rendered(ALERTMANAGER, &changes)).unwrap();
        let process = Process::start(
            Command::new(tool("alertmanager"))
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.path={}", folder.path().join("data").display()))
                .args(["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="]),
        );
        let address = listening(&process);
        Self { process, address, _folder: folder }
    }

    /// Waits until it holds this alert.
    fn find(&self, name: &str) -> Value {
        let path = format!("/api/v2/alerts?active=true&filter={}", encode(&format!("alertname={name}")));
        let found = || {
            let alerts: Value = serde_json::from_str(http::get(&self.address, &path, &[]).text()).ok()?;
            alerts.get(0).cloned()
        };
        eventually(found, || format!("{name} is not held\n{}", self.process.stderr))
    }
}

/// Whoever is told of alerts.
struct Webhook {
    address: String,
    posts: std::sync::mpsc::Receiver<String>,
}

impl Webhook {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, posts) = std::sync::mpsc::channel();
        // Ends with the first post that nobody waits for, or with the tests.
        thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let post = receive(&stream);
                _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                if sender.send(post).is_err() {
                    return;
                }
            }
        });
        Self { address, posts }
    }

    /// Waits until this alert is posted to the receiver of the team.
    fn hears_of(&self, alert: &str) {
        let post =
            || self.posts.try_iter().find(|post| post.starts_with("POST /team ") && post.contains(alert));
        eventually(post, || format!("{alert} was not posted"));
    }
}

/// A request with its body.
fn receive(stream: &std::net::TcpStream) -> String {
    let (mut reader, mut head, mut length) = (BufReader::new(stream), String::new(), 0);
    loop {
        let mut line = String::new();
        let n = reader.read_line(&mut line).unwrap_or(0);
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        head += &line;
        if n == 0 || line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    _ = reader.read_exact(&mut body);
    format!("{head}{}", String::from_utf8_lossy(&body))
}
