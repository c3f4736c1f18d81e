//! The sources of alerts and dashboards: formatted, and what ships is what they give.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use killsnoop_tests::{judge::run, root};
use tempfile::TempDir;

use crate::files::below;

#[test]
fn what_ships_is_what_the_sources_give_byte_for_byte() {
    let folder = TempDir::new().unwrap();
    let (rendered, text) = run(Command::new(root().join("dashboards/render")).arg(folder.path()));
    assert!(rendered, "{text}");
    let same = |folder: &Path| {
        let mut shipped = below(&root().join("dashboards/grafana"), "json");
        shipped.push(root().join("dashboards/alerts/killsnoop.yaml"));
        let name =
            |path: PathBuf| path.strip_prefix(root().join("dashboards")).unwrap().display().to_string();
        let shipped = shipped.into_iter().map(name);
        let differs = |name: &String| {
            fs::read(folder.join(name)).ok() != Some(fs::read(root().join("dashboards").join(name)).unwrap())
        };
        shipped.filter(differs).collect::<Vec<_>>()
    };
    assert_eq!(same(folder.path()), [""; 0], "run dashboards/render, and commit what it wrote");
    assert_eq!(below(folder.path(), "json").len(), below(&root().join("dashboards/grafana"), "json").len());

    // A byte that somebody changed by hand is noticed.
    let changed = folder.path().join("grafana/killsnoop-host.json");
    fs::write(&changed, fs::read_to_string(&changed).unwrap().replacen(' ', "", 1)).unwrap();
    assert_eq!(same(folder.path()), ["grafana/killsnoop-host.json"]);
}

#[test]
fn the_sources_are_formatted() {
    let is_formatted = |path: &Path| run(Command::new("jsonnetfmt").arg("--test").arg(path)).0;
    let sources = below(&root().join("dashboards/mixin"), "libsonnet");
    assert!(sources.len() > 10);
    for source in sources {
        assert!(is_formatted(&source), "{}: run jsonnetfmt -i on it", source.display());
    }
    let folder = TempDir::new().unwrap();
    let crooked = folder.path().join("crooked.libsonnet");
    fs::write(&crooked, "{a:1,\n    b  : 2}\n").unwrap();
    assert!(!is_formatted(&crooked));
}

#[test]
fn what_an_operator_overrides_is_in_alerts_and_dashboards() {
    let overridden = "((import 'mixin.libsonnet') + { _config+:: { killsnoopSelector: 'job=\"mine\"', \
                      runbookURLPattern: 'https://runbooks.example/%s', logs: 'victoriametrics-logs-datasource', \
                      clusterLabel: 'region', sigkillDeaths+: { max: 4711 } } })";
    let get = |field: &str| {
        let (evaluated, text) = run(Command::new("jsonnet")
            .current_dir(root().join("dashboards/mixin"))
            .args(["--exec", &format!("{overridden}.{field}")]));
        assert!(evaluated, "{text}");
        text
    };
    let rules = get("prometheusRules");
    assert!(
        rules.contains("job=\\\"mine\\\"") && rules.contains("by (region, job, instance, signal"),
        "{rules}"
    );
    let alerts = get("prometheusAlerts");
    for word in
        ["job=\\\"mine\\\"", "https://runbooks.example/KillsnoopOomKill", "> 4711", "sum by (region, job"]
    {
        assert!(alerts.contains(word), "{word}");
    }
    assert!(!alerts.contains("cluster,") && !alerts.contains(".*killsnoop"), "{alerts}");
    let dashboards = get("grafanaDashboards");
    assert!(dashboards.contains("region=~\\\"$cluster\\\"") && !dashboards.contains("loki"));
    assert!(dashboards.contains("service.name:"), "words of LogsQL");
}
