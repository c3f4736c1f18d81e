//! The configurations of collectors, Prometheus and Alertmanager, as their own tools judge them.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use killsnoop_tests::{
    judge::{Copy, output, read, run},
    root, tool,
};

pub(crate) const AGENT: &str = "deploy/otel-collector/agent.yaml";
pub(crate) const GATEWAY: &str = "deploy/otel-collector/gateway.yaml";
/// Labels of metrics that are pushed.
pub(crate) const RELABEL: &str = "deploy/victoria-metrics/relabel.yml";
pub(crate) const SCRAPERS: &str = "deploy/prometheus/agent.yml";
pub(crate) const TARGETS: &str = "deploy/prometheus/targets/killsnoop.yml";
pub(crate) const CENTRAL: &str = "deploy/prometheus/central.yml";
pub(crate) const ALERTMANAGER: &str = "deploy/alertmanager/alertmanager.yml";
/// The rules, as the configurations of Prometheus name them.
pub(crate) const ALERTS: &str = "dashboards/alerts/killsnoop.yaml";

/// Asserts that a tool takes a file, and none of the copies in which the second text stands for the first.
#[track_caller]
fn judge(path: &str, tool: impl Fn(&Path) -> Command, broken: &[(&str, &str)]) {
    let (taken, text) = run(&mut tool(&root().join(path)));
    assert!(taken, "{path}: {text}");
    for (from, to) in broken {
        let copy = Copy::of(path, from, to);
        assert!(!run(&mut tool(&copy.path)).0, "{path} with {to}");
    }
}

fn otelcol(path: &Path) -> Command {
    let mut command = Command::new(tool("otelcol"));
    command.args(["validate", "--config"]).arg(path);
    command
}

#[test]
fn collectors_take_the_configurations_of_agent_and_gateway() {
    judge(
        AGENT,
        otelcol,
        &[("exporters: [otlp]", "exporters: [oltp]"), ("limit_mib:", "limit_mb:"), ("insecure:", "unsafe:")],
    );
    judge(
        GATEWAY,
        otelcol,
        &[
            ("exporters: [otlphttp/logs]", "exporters: [otlphttp]"),
            ("exporters: [otlphttp/metrics]", "exporters: [otlphttp/metric]"),
            ("send_batch_max_size: 16384", "send_batch_max_size: 1"),
        ],
    );
}

#[test]
fn the_store_of_metrics_takes_its_configuration() {
    let check = |path: &Path| {
        let mut command = Command::new(tool("victoria-metrics"));
        command.arg("-dryRun").arg(format!("-relabelConfig={}", path.display()));
        command
    };
    judge(
        RELABEL,
        check,
        &[
            ("target_label: job", "targetlabel: job"),
            ("(.*killsnoop.*)", "(.*killsnoop.*"),
            ("labeldrop", "drop_label"),
        ],
    );
}

#[test]
fn prometheus_takes_the_configurations_of_agents_and_of_the_central_one() {
    for promtool in ["promtool", "promtool3"] {
        let check = |flags: &'static [&str]| {
            move |path: &Path| {
                let mut command = Command::new(tool(promtool));
                command.args(["check", "config"]).args(flags).arg(path);
                command
            }
        };
        judge(
            SCRAPERS,
            check(&["--agent"]),
            &[("remote_write:", "remote_writes:"), ("scrape_interval: 15s", "scrape_interval: soon")],
        );
        judge(
            CENTRAL,
            check(&[]),
            &[("killsnoop.yaml", "no-such.yaml"), ("alertmanagers:", "alertmanager:")],
        );
    }
}

#[test]
fn prometheus_takes_the_targets_of_agents_and_refuses_broken_ones() {
    let check = |copy: &Copy| {
        let agent = copy.folder.path().join("agent.yml");
        fs::write(&agent, read(SCRAPERS).replace("targets/*.yml", "k*.yml")).unwrap();
        run(Command::new(tool("promtool3")).args(["check", "config", "--agent"]).arg(agent))
    };
    let (taken, text) = check(&Copy::of(TARGETS, "localhost:9435", "localhost:9435"));
    assert!(taken, "{text}");
    for (from, to) in [("- targets:", "- target:"), ("- localhost:9435", "- [localhost]")] {
        let (taken, text) = check(&Copy::of(TARGETS, from, to));
        assert!(!taken, "{to}: {text}");
    }
}

#[test]
fn alertmanager_takes_its_configuration() {
    let check = |path: &Path| {
        let mut command = Command::new(tool("amtool"));
        command.arg("check-config").arg(path);
        command
    };
    judge(
        ALERTMANAGER,
        check,
        &[
            ("receiver: on-call", "receiver: nobody"),
            ("group_wait: 10s", "group_wait: soon"),
            ("= critical", "~ critical"),
        ],
    );
}

#[test]
fn alerts_go_to_the_receiver_of_their_severity() {
    for (severity, receiver) in [("critical", "on-call"), ("warning", "team"), ("info", "digest")] {
        let config = format!("--config.file={}", root().join(ALERTMANAGER).display());
        let mut amtool = Command::new(tool("amtool"));
        amtool.args(["config", "routes", "test", &config, &format!("severity={severity}")]);
        assert_eq!(output(&mut amtool).trim(), receiver, "{severity}");
    }
}

#[test]
fn every_alert_that_inhibits_or_is_inhibited_exists() {
    let rules = read(ALERTS);
    let exist: BTreeSet<_> = rules
        .lines()
        .filter_map(|line| Some(line.trim().strip_prefix("- alert: ")?.trim_matches('"')))
        .collect();
    let mut n_named = 0;
    for line in read(ALERTMANAGER).lines().filter(|line| line.contains("alertname =")) {
        let (prefix, rest) = line.split_once("Killsnoop").expect("an alert is named");
        assert!(!prefix.contains("=~ \"Killsnoop"), "{line}");
        for name in rest.trim_start_matches('(').split(|char: char| !char.is_alphanumeric()) {
            if !name.is_empty() {
                assert!(exist.contains(&*format!("Killsnoop{name}")), "{name} of {line}");
                n_named += 1;
            }
        }
    }
    assert!(n_named >= 5, "{n_named}");
}
