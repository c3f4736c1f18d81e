//! Real Prometheus servers scrape the exporter in each format; what they store must be what happened. That each expression
//! of dashboards and alerts finds it, tests/dashboards sees to.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::Path,
    process::Command,
};

use killsnoop_tests::{
    eventually, exporter::Exporter, otelcol::Otelcol, prometheus::Prometheus, root, sender::Sender, tool,
};
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

    let rules = root().join("dashboards/alerts/killsnoop.yaml");
    let server = Prometheus::scraping(program, &jobs(&exporter.address), &rules.display().to_string());
    every_format_gives_the_exact_counts(&server, signal);
    every_format_gives_the_same_series(&server, &exporter);
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

fn jobs(exporter: &str) -> String {
    let jobs = JOBS.map(|(job, protocol)| {
        format!(
            "  - {{job_name: {job}, scrape_protocols: [{protocol}], static_configs: [{{targets: [\"{exporter}\"]}}]}}\n"
        )
    });
    jobs.concat()
}
