//! Alerts in the hands of promtool: they can be read, they fire when they should and only then, and each has what a person
//! needs who is woken by it.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use killsnoop_tests::{
    judge::{Copy, read, run},
    root, tool,
};

use crate::files::{ALERT_TESTS, ALERTS, below};

const PROMTOOLS: [&str; 2] = ["promtool", "promtool3"];

#[test]
fn the_alerts_are_rules_that_no_lint_complains_about() {
    let broken = Copy::of(ALERTS, "> 20", "> > 20");
    let doubled = Copy::of(
        ALERTS,
        "alert: \"KillsnoopHookDetached\"",
        "alert: \"KillsnoopHookDetached\"\n        exprs: x",
    );
    for promtool in PROMTOOLS {
        let check = |path: &Path| {
            run(Command::new(tool(promtool)).args(["check", "rules", "--lint=all", "--lint-fatal"]).arg(path))
        };
        let (accepted, text) = check(&root().join(ALERTS));
        assert!(accepted, "{text}");
        assert!(!check(&broken.path).0);
        assert!(!check(&doubled.path).0);
    }
}

#[test]
fn the_alerts_fire_when_they_should_and_only_then() {
    for promtool in PROMTOOLS {
        let (passed, text) =
            run(Command::new(tool(promtool)).args(["test", "rules"]).arg(root().join(ALERT_TESTS)));
        assert!(passed, "{promtool}: {text}");
    }
}

/// The case that notices, and what is changed.
const CHANGES: &[(&str, &str, &str)] = &[
    ("a restart cuts in two", "> 20\n", "> 35\n"),
    ("ignores a few kills", "> 20\n", "> 5\n"),
    ("ignores three times the usual", "> 5 *", "> 2 *"),
    ("measures against the noise", "> 5 *", "> 20 *"),
    ("neither failed calls", ", result=\"ok\"", ""),
    ("nor other signals", "signal=\"SIGKILL\", result", "result"),
    ("a restart cuts in two", "increase(killsnoop_kill", "delta(killsnoop_kill"),
    ("each quarter of an hour", "[1h] offset 5m", "[10m] offset 5m"),
    (
        "EventsLost is silent",
        "increase(killsnoop_events_lost_total{job=~\\\".*killsnoop.*\\\"}[5m])",
        "killsnoop_events_lost_total",
    ),
    (
        "EventsLost fires",
        "[5m])) > 0\"\n        labels:\n          severity: \"warning\"\n      - alert: \"KillsnoopCallsUncounted",
        "[5m])) > 5\"\n        labels:\n          severity: \"warning\"\n      - alert: \"KillsnoopCallsUncounted",
    ),
    ("CallsUncounted fires", ", reason=\"counter_missing\"", ""),
    ("CallsUncounted fires", "increase(killsnoop_program", "delta(killsnoop_build"),
    ("SigkillDeaths fires", "[5m])) > 10\"", "[5m])) > 30\""),
    ("SigkillDeaths fires", "[5m])) > 10\"", "[5m])) > 5\""),
    ("SigkillDeaths is silent", "for: \"5m\"", "for: \"0m\""),
    ("SigkillDeaths counts neither", "oom.*|", ""),
    ("SigkillDeaths counts neither", "|cgroup_kill", ""),
    ("SigkillDeaths counts neither", "|pidns_exit", ""),
    ("SigkillDeaths counts neither", "signal=\\\"SIGKILL\\\", cause!~", "cause!~"),
    ("OomKill fires", "scope!=\\\"global\\\"", ""),
    (
        "OomKill fires",
        "total{job=~\\\".*killsnoop.*\\\", scope!=\\\"global\\\"}[5m])) > 0",
        "total{scope!=\\\"global\\\"}[5m])) > 1",
    ),
    ("MachineOutOfMemory fires", "scope=\\\"global\\\"", ""),
    ("CrashLoop fires", "[30m])) > 4", "[30m])) > 5"),
    ("CrashLoop fires", "[30m])) > 4", "[30m])) > 3"),
    ("CrashLoop fires", "[10m])) > 0\n", "[30m])) > 0\n"),
    ("CrashLoop fires", "[10m])) > 0\n", "[1m])) > 0\n"),
    ("CrashLoop counts", ", cause=~\"fault|abort\"", ""),
    ("CrashLoop counts", "fault|abort", "fault"),
    ("CoreDump fires", ", core_dumped=\\\"true\\\"", ""),
    ("FailingKills fires", "signal!=\\\"0\\\", result=~\\\"EPERM|ESRCH\\\"", "result=\\\"EPERM\\\""),
    ("FailingKills ignores", "signal!=\\\"0\\\", ", ""),
    ("FailingKills ignores", "result=~\\\"EPERM|ESRCH\\\"", "result!=\\\"\\\""),
    ("FailingKills ignores", "for: \"10m\"", "for: \"0m\""),
    ("FailingKills ignores", "[5m])) > 1\"", "[5m])) > 0.1\""),
    ("HookDetached fires", "for: \"2m\"", "for: \"0m\""),
    ("HookDetached fires", "} == 0\"\n        for: \"2m\"", "} == 1\"\n        for: \"2m\""),
    ("ExporterDown fires after five minutes", "for: \"5m\"", "for: \"1m\""),
    ("ExporterDown fires after five minutes", "up{job=~\\\".*killsnoop.*\\\"} == 0", "up == 0"),
    ("ExporterAbsent fires", "absent(up{job=~\\\".*killsnoop.*\\\"})", "absent(up)"),
    ("ExporterAbsent fires", "for: \"10m\"", "for: \"0m\""),
    ("FleetBlind fires", "> 20\n", "> 40\n"),
    ("FleetBlind leaves", "> 20\n", "> 10\n"),
    ("FleetBlind leaves", ">= 5\n", ">= 1\n"),
    ("FleetBlind fires", "== 0)\n", "== 2)\n"),
    (
        "ContainerOomKill fires",
        " or 0 * killsnoop_container_deaths_total{job=~\".*killsnoop.*\", cause=~\"oom.*\"}",
        "",
    ),
    ("ContainerOomKill fires", "offset 10m <=", "offset 20m <="),
    ("ContainerOomKill is silent", "offset 10m\n", "\n"),
    ("ContainerOomKill is silent", ", cause=~\"oom.*\"", ""),
    (
        "ContainerOomKill is silent on old deaths after",
        "killsnoop_build_info{job=~\".*killsnoop.*\"} offset 10m",
        "up{job=~\".*killsnoop.*\"} offset 10m",
    ),
    ("ContainerOomKill counts", "offset 10m <=", "offset 10m >="),
    ("ContainerSigkilled fires", "|pidns_exit", ""),
    ("ContainerSigkilled fires", ") > 2\n", ") > 3\n"),
    ("ContainerSigkilled fires", ") > 2\n", ") > 0\n"),
    ("ContainerSigkilled fires", "signal=\"SIGKILL\", cause!~", "cause!~"),
    ("ContainerCrashLoop fires", ") > 4\n        labels", ") > 5\n        labels"),
    ("ContainerCrashLoop fires", "fault|abort", "fault"),
    ("Deaths are recorded once", "[5m] offset 1m) <=", "[5m] offset 2m) <="),
    ("Deaths are recorded once", "[5m]) or 0 *", "[5m]) or 1 *"),
    (
        "Deaths are recorded once",
        " or 0 * last_over_time(killsnoop_deaths_total{job=~\".*killsnoop.*\"}[5m])",
        "",
    ),
    (
        "Deaths are recorded once",
        "  last_over_time(killsnoop_deaths_total{job=~\".*killsnoop.*\"}[5m])\n",
        "  killsnoop_deaths_total{job=~\".*killsnoop.*\"}\n",
    ),
    ("Deaths are recorded once", "[5m] offset 1m)\n          ) > 0", "[5m] offset 1m)\n          )"),
    ("Deaths of before", "and on (cluster, job, instance) last_over_time", "or last_over_time"),
    (
        "OOM kills are recorded",
        "sum by (cluster, job, instance, scope) (\n",
        "sum by (cluster, job, instance) (\n",
    ),
    ("Calls in vain", "signal!=\\\"0\\\", result!=\\\"ok\\\"", "result!=\\\"ok\\\""),
    ("Calls in vain", "signal!=\\\"0\\\", result!=\\\"ok\\\"", "signal!=\\\"0\\\""),
    ("A machine is recorded", "min by", "max by"),
];

#[test]
fn the_tests_of_the_alerts_notice_each_change_of_a_condition() {
    let unnoticed = CHANGES.iter().filter_map(|(case, from, to)| {
        let copy = Copy::of(ALERTS, from, to);
        let tests = copy.folder.path().join("killsnoop.test.yaml");
        fs::write(&tests, read(ALERT_TESTS)).unwrap();
        let (passed, text) =
            run(Command::new(tool("promtool")).args(["test", "rules", "--run", case]).arg(&tests));
        // A rule that cannot be read fails otherwise.
        let is_noticed = !passed && (text.contains("alertname: ") || text.contains("expr: "));
        (!is_noticed).then(|| format!("{to:?} in place of {from:?} for {case}: {text}"))
    });
    let unnoticed: Vec<_> = unnoticed.collect();
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}

/// What is missing of an alert for whoever is woken by it.
fn missing(name: &str, rule: &str, tests: &str) -> Vec<String> {
    let mut missing = vec![];
    let mut need = |there: bool, what: &str| {
        if !there {
            missing.push(format!("{name}: {what}"));
        }
    };
    let value = |field: &str| rule.split_once(&format!("\n          {field}: \"")).map(|(_, rest)| rest);
    let severity = value("severity").and_then(|rest| rest.split('"').next());
    need(matches!(severity, Some("critical" | "warning" | "info")), "severity");
    let summary = value("summary").and_then(|rest| rest.lines().next());
    need(
        summary.is_some_and(|text| text.ends_with(".\"") && !text.contains("{{")),
        "a summary, which never varies",
    );
    need(value("description").is_some_and(|text| text.len() > 40), "description");
    let runbook = format!("dashboards/runbooks/{name}.md");
    need(value("runbook_url").is_some_and(|rest| rest.starts_with(&format!("{runbook}\""))), "runbook_url");
    let page = fs::read_to_string(root().join(&runbook)).unwrap_or_default();
    need(page.starts_with(&format!("# {name}\n")), "a page in dashboards/runbooks");
    need(page.contains("killsnoop-exporter ") || page.contains("What"), "a page that says what to do");
    let fires = format!("alertname: {name}\n        exp_alerts:\n          - ");
    need(tests.contains(&fires), "a case that fires");
    need(tests.contains(&format!("alertname: {name}, exp_alerts: []")), "a case that does not fire");
    missing
}

fn alerts(rules: &str) -> Vec<(String, String)> {
    let rules = rules.split("- alert: \"").skip(1);
    rules.map(|rule| (rule.split('"').next().unwrap().to_owned(), rule.to_owned())).collect()
}

#[test]
fn every_alert_has_what_whoever_is_woken_by_it_needs_and_cases() {
    let (rules, tests) = (read(ALERTS), read(ALERT_TESTS));
    let alerts = alerts(&rules);
    assert!(alerts.len() >= 16, "{}", alerts.len());
    let all: Vec<_> = alerts.iter().flat_map(|(name, rule)| missing(name, rule, &tests)).collect();
    assert_eq!(all, [""; 0]);
    assert!(alerts.iter().all(|(name, _)| name.starts_with("Killsnoop")));

    let names: BTreeSet<_> = alerts.iter().map(|(name, _)| name.clone()).collect();
    let pages = below(&root().join("dashboards/runbooks"), "md");
    let pages: BTreeSet<_> =
        pages.iter().map(|page| page.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(pages, names, "a page for each alert, and no other");

    // Each is looked at.
    let (name, rule) = &alerts[0];
    for (from, to) in [
        ("severity: \"warning\"", "severity: \"urgent\""),
        ("summary: ", "summery: "),
        ("description: ", "describe: "),
        ("runbook_url: \"dashboards/", "runbook_url: \"doshboards/"),
    ] {
        assert_eq!(missing(name, &rule.replace(from, to), &tests).len(), 1, "{to}");
    }
    assert_eq!(missing(name, rule, "").len(), 2, "no cases");
    assert_eq!(missing("KillsnoopNoSuchThing", rule, &tests).len(), 5, "neither page nor cases");
}
