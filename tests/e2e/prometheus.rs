//! Real Prometheus servers scrape the exporter in each format; what they store must be what happened, and each
//! expression that is shipped must find it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::Path,
    process::Command,
};

use killsnoop_tests::{
    eventually, exporter::Exporter, otelcol::Otelcol, prometheus::Prometheus, root, sender::Sender, tool,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::signals;

/// One job for each format that the exporter speaks. The first has the name that the alerts know.
const JOBS: [(&str, &str); 3] = [
    ("killsnoop", "OpenMetricsText1.0.0"),
    ("killsnoop_classic", "PrometheusText0.0.4"),
    ("killsnoop_protobuf", "PrometheusProto"),
];

#[test]
fn promtool_finds_nothing_to_say_about_the_page() {
    let collector = Otelcol::start();
    let exporter = Exporter::start(&["--otlp.endpoint", &collector.http()]);
    let folder = TempDir::new().unwrap();
    let page = folder.path().join("page");
    for promtool in ["promtool", "promtool3"] {
        fs::write(&page, exporter.get("/metrics").text()).unwrap();
        assert_eq!(check_metrics(promtool, &page), (true, String::new()), "{promtool}");

        // It does look: a name without its help text is one to complain about.
        fs::write(&page, "# TYPE killsnoop_calls counter\nkillsnoop_calls 1\n").unwrap();
        let (accepted, findings) = check_metrics(promtool, &page);
        assert!(!accepted && findings.contains("no help text"), "{promtool}: {findings}");
    }
}

fn check_metrics(promtool: &str, page: &Path) -> (bool, String) {
    let output =
        Command::new(tool(promtool)).args(["check", "metrics"]).stdin(File::open(page).unwrap()).output();
    let output = output.unwrap();
    let findings = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&findings).into_owned())
}

#[test]
fn prometheus_2_stores_what_happened_and_finds_it_again() {
    what_happened_is_stored_and_found_again("prometheus", signals::PROMETHEUS_2);
}

#[test]
fn prometheus_3_stores_what_happened_and_finds_it_again() {
    what_happened_is_stored_and_found_again("prometheus3", signals::PROMETHEUS_3);
}

/// All that is asked of one server, since its first scrape takes five seconds.
fn what_happened_is_stored_and_found_again(program: &str, signal: i64) {
    let collector = Otelcol::start();
    let exporter =
        Exporter::start(&["--otlp.endpoint", &collector.http(), "--events.signal", &signal.to_string()]);
    let steps = [("kill:self", 1500), ("tgkill:self", 250), ("rt_sigqueueinfo:gone", 321)]
        .map(|(call, n)| format!("{call}:{signal}:{n}"));
    Sender::new(&steps.each_ref().map(String::as_str)).run();

    let server = Prometheus::start(
        program,
        &configuration(&exporter.address),
        &["--enable-feature=extra-scrape-metrics"],
    );
    every_format_gives_the_exact_counts(&server, signal);
    every_format_gives_the_same_series(&server, &exporter);
    every_expression_of_the_dashboards_finds_something(&server);
    every_alert_watches_something(&server);
}

fn every_format_gives_the_exact_counts(server: &Prometheus, signal: i64) {
    let counts = BTreeMap::from([("ESRCH".to_owned(), 321.0), ("ok".to_owned(), 1750.0)]);
    let expected: BTreeMap<_, _> = JOBS.iter().map(|(job, _)| ((*job).to_owned(), counts.clone())).collect();
    let series = format!("killsnoop_kill_calls_total{{signal=\"{}\"}}", signals::name(signal));
    let stored = || {
        let mut jobs = BTreeMap::<String, BTreeMap<String, f64>>::new();
        for row in server.query(&series) {
            jobs.entry(row.label("job")).or_default().insert(row.label("result"), row.value);
        }
        jobs
    };
    eventually(
        || (stored() == expected).then_some(()),
        || format!("{:#?}\n{}", stored(), server.process.stderr),
    );
    let up: Vec<_> = server.query("up").into_iter().map(|row| (row.label("job"), row.value)).collect();
    assert_eq!(up.len(), JOBS.len(), "{up:?}");
    assert!(up.iter().all(|(_, up)| *up == 1.0), "{up:?}");
}

fn every_format_gives_the_same_series(server: &Prometheus, exporter: &Exporter) {
    // Names and labels, without the job's own; alerts have labels of jobs too.
    let series_of = |job: &str| -> BTreeSet<BTreeMap<String, String>> {
        let rows = server.query(&format!("{{job=\"{job}\",__name__!~\"ALERTS.*\"}}"));
        rows.into_iter()
            .map(|row| row.labels.into_iter().filter(|(name, _)| name != "job").collect())
            .collect()
    };
    // A series may appear between two scrapes, as others send signals too; the next ones all have it.
    let same = || {
        let [first, others @ ..] = JOBS.map(|(job, _)| series_of(job));
        others.iter().all(|other| *other == first).then_some(first)
    };
    let series = eventually(same, || {
        let [first, second, third] = JOBS.map(|(job, _)| series_of(job));
        let differences =
            [&second, &third].map(|other| first.symmetric_difference(other).collect::<Vec<_>>());
        format!("{differences:#?}")
    });
    let names: BTreeSet<_> = series.iter().map(|labels| labels["__name__"].as_str()).collect();
    let page = exporter.scrape();
    for name in page.series().filter_map(|series| series.split('{').next()) {
        assert!(names.contains(name), "{name} is on the page, but not in {names:?}");
    }
    // Three formats, and not one under three names.
    let sizes: BTreeSet<_> =
        server.query("scrape_body_size_bytes").iter().map(|row| row.value.to_bits()).collect();
    assert_eq!(sizes.len(), JOBS.len());
}

fn every_expression_of_the_dashboards_finds_something(server: &Prometheus) {
    let expressions = dashboards().iter().flat_map(|dashboard| texts(dashboard, "expr")).collect::<Vec<_>>();
    assert!(expressions.len() > 20, "{expressions:#?}");
    for expression in expressions {
        let expression = [
            ("$__rate_interval", "30s"),
            ("$__range", "1m"),
            ("$job", "killsnoop"),
            ("$instance", ".+"),
            // There is no hour before.
            (" offset 5m", ""),
        ]
        .iter()
        .fold(expression, |expression, (variable, value)| expression.replace(variable, value));
        assert!(!expression.contains('$'), "{expression}");
        server.find(&expression);
    }
    for dashboard in dashboards() {
        for variable in texts(&dashboard, "definition") {
            let query = variable.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (selector, label) =
                query.and_then(|query| query.rsplit_once(", ")).expect("label_values(METRIC, LABEL)");
            let rows = server.find(&selector.replace("$job", "killsnoop"));
            assert!(rows.iter().all(|row| row.labels.contains_key(label)), "{variable}");
        }
    }
}

/// A comparison with `bool` gives a row wherever there is something to compare, true or not.
fn every_alert_watches_something(server: &Prometheus) {
    let rules = eventually(|| server.evaluated_rules(), || "the rules are not evaluated".to_owned());
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
        let expression: Vec<_> = rule["query"].as_str().unwrap().split_whitespace().collect();
        let expression = expression.join(" ").replace(" offset 5m", "");
        for alternative in expression.split(" or ").filter(|alternative| !alternative.starts_with("absent("))
        {
            let compared = alternative.replace(" > ", " > bool ").replace(" == ", " == bool ");
            assert_ne!(compared, alternative, "no comparison in {expression}");
            server.find(&compared);
        }
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_from_which_source() {
    for dashboard in dashboards() {
        assert!(dashboard["uid"].as_str().is_some_and(|uid| !uid.is_empty()));
        assert!(dashboard["id"].is_null() && dashboard["schemaVersion"].as_u64() >= Some(41));
        let panels = dashboard["panels"].as_array().unwrap();
        let (rows, panels): (Vec<_>, Vec<_>) = panels.iter().partition(|panel| panel["type"] == "row");
        assert!(!rows.is_empty());
        for panel in panels {
            let filled = |text: &Value| text.as_str().is_some_and(|text| !text.is_empty());
            assert!(filled(&panel["title"]) && filled(&panel["description"]), "{panel}");
            assert!(filled(&panel["fieldConfig"]["defaults"]["unit"]), "{panel}");
            assert!(!texts(panel, "expr").is_empty(), "{panel}");
            for source in std::iter::once(panel).chain(panel["targets"].as_array().unwrap()) {
                assert_eq!(source["datasource"]["uid"], "${datasource}", "{panel}");
            }
        }
    }
}

#[test]
fn panels_neither_overlap_nor_share_an_id() {
    for dashboard in dashboards() {
        let (mut cells, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for panel in dashboard["panels"].as_array().unwrap() {
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
            assert!(w > 0 && h > 0 && x + w <= 24, "{}", panel["title"]);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(cells.insert(cell), "{} lies on another panel", panel["title"]);
            }
            assert!(ids.insert(panel["id"].as_u64()), "{}", panel["title"]);
        }
    }
}

fn dashboards() -> Vec<Value> {
    let files = fs::read_dir(root().join("dashboards/grafana")).unwrap().map(|entry| entry.unwrap().path());
    let dashboards: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
        .collect();
    assert!(!dashboards.is_empty());
    dashboards
}

/// All texts under this key, at any depth.
fn texts(value: &Value, key: &str) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let here = fields.get(key).and_then(Value::as_str).map(str::to_owned);
            here.into_iter().chain(fields.values().flat_map(|value| texts(value, key))).collect()
        }
        Value::Array(values) => values.iter().flat_map(|value| texts(value, key)).collect(),
        _ => Vec::new(),
    }
}

fn configuration(exporter: &str) -> String {
    let rules = root().join("dashboards/alerts/killsnoop.yaml");
    let jobs = JOBS.map(|(job, protocol)| {
        format!(
            "  - {{job_name: {job}, scrape_protocols: [{protocol}], static_configs: [{{targets: [\"{exporter}\"]}}]}}\n"
        )
    });
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         rule_files: [\"{}\"]\nscrape_configs:\n{}",
        rules.display(),
        jobs.concat()
    )
}
