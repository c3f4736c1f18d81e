//! Metrics pushed by OTLP: a real store, which makes Prometheus' names and labels of what it receives, has then what the page
//! has.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{SystemTime, UNIX_EPOCH},
};

use killsnoop_tests::{
    eventually,
    exporter::Exporter,
    metrics_store::{Labels, MetricsStore},
    otelcol::Otelcol,
    scrape::Scrape,
    sender::Sender,
};

use crate::signals;

/// Those that may fall between two looks at them; of the others it is known what they are between two scrapes.
const MOVING: [&str; 3] =
    ["killsnoop_scrape_duration_seconds", "killsnoop_events_pending", "killsnoop_map_entries"];

#[test]
fn a_store_has_what_it_would_have_scraped_as_the_environment_says() {
    let store = MetricsStore::start();
    let envs = [
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        // The form for metrics wins; the other leads nowhere.
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &*format!("{}/v1/metrics", store.otlp())),
        ("OTEL_LOGS_EXPORTER", "none"),
    ];
    let exporter = Exporter::start_with(&[], &envs);
    what_is_pushed_is_what_is_scraped(&exporter, &store, signals::PUSH_HTTP);
    exporter.stop();
}

#[test]
fn a_collector_that_is_pushed_to_by_grpc_hands_on_what_would_have_been_scraped() {
    let store = MetricsStore::start();
    let collector = Otelcol::before(&store.otlp());
    let signal = signals::PUSH_GRPC;
    let exporter = Exporter::start(&[
        "--otlp.metrics",
        "--otlp.metrics-interval=200ms",
        "--otlp.protocol=grpc",
        "--otlp.endpoint",
        &collector.grpc(),
        // Few events, which nobody here asks for.
        "--events.class=oom_kill",
    ]);
    what_is_pushed_is_what_is_scraped(&exporter, &store, signal);
    let n_pushed = || exporter.scrape().value("killsnoop_otlp_metrics_pushes_total{result=\"ok\"}");
    assert!(collector.n_accepted_points() >= n_pushed() * 150.0);

    // What comes last is in the push at the end.
    Sender::new(&[&format!("kill:self:{signal}:7")]).run();
    exporter.stop();
    let last = || store.all("killsnoop_kill_calls").into_values().next_back();
    eventually(
        || (last().and_then(|last| own_calls(&last, signal)) == Some(1507.0)).then_some(()),
        || format!("{:#?}", last()),
    );
    // What was attached is not shown as detached for minutes: it is not shown any more.
    let attached = store.all("killsnoop_program_attached").into_values().next_back().unwrap();
    assert!(attached.values().all(|value| value.is_nan()), "{attached:#?}");
}

fn what_is_pushed_is_what_is_scraped(exporter: &Exporter, store: &MetricsStore, signal: i64) {
    Sender::new(&[&format!("kill:self:{signal}:1500")]).run();
    let before = exporter.scrape();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let next = || store.all("killsnoop_").into_iter().find(|(time, _)| u128::try_from(*time).unwrap() > now);
    let (time, _) = eventually(next, || format!("no push\n{}\n{}", exporter.process.stderr, store.log()));
    let after = exporter.scrape();
    let pushed = || store.all("killsnoop_").remove(&time).unwrap();
    // A store may show a push in parts.
    eventually(
        || differences(&before, &pushed(), &after).is_empty().then_some(()),
        || format!("{:#?}", differences(&before, &pushed(), &after)),
    );
    let pushed = pushed();
    assert_eq!(own_calls(&pushed, signal), Some(1500.0));

    // It would be told of a series that is missing, of one too many, and of a wrong number.
    let series = pushed.keys().find(|series| series["__name__"] == "killsnoop_signals_total").unwrap();
    let wrong: [&dyn Fn(&mut Series); 3] = [
        &|pushed| assert!(pushed.remove(series).is_some()),
        &|pushed| assert!(pushed.insert(Labels::default(), 0.0).is_none()),
        &|pushed| *pushed.get_mut(series).unwrap() += 1e9,
    ];
    for change in wrong {
        let mut pushed = pushed.clone();
        change(&mut pushed);
        assert_eq!(differences(&before, &pushed, &after).len(), 1);
    }
}

type Series = BTreeMap<Labels, f64>;

fn own_calls(pushed: &Series, signal: i64) -> Option<f64> {
    let name = signals::name(signal);
    let labels = [("__name__", "killsnoop_kill_calls_total"), ("result", "ok"), ("signal", &name)];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    pushed.get(&Labels::from(labels)).copied()
}

/// What was pushed and is not between the two scrapes: counters only grow, and all else but `MOVING` stays.
fn differences(before: &Scrape, pushed: &Series, after: &Scrape) -> Vec<String> {
    let [before, after] = [before, after].map(own_series);
    let known: BTreeSet<_> = pushed.keys().chain(before.keys()).collect();
    let difference = |series: &Labels| {
        let moves = MOVING.contains(&series.get("__name__").map_or("", String::as_str));
        let values = (before.get(series), pushed.get(series), after.get(series));
        let is_right = match values {
            (Some(before), Some(pushed), Some(after)) => moves || (before <= pushed && pushed <= after),
            // A cause of signals that was seen for the first time.
            (None, Some(pushed), Some(after)) => pushed <= after,
            _ => false,
        };
        (!is_right).then(|| format!("{series:?}: {values:?}"))
    };
    known.into_iter().filter_map(difference).collect()
}

fn own_series(page: &Scrape) -> Series {
    let own = page.iter().filter(|(series, _)| series.starts_with("killsnoop_"));
    let own: Series = own.map(|(series, value)| (labels(series), value)).collect();
    assert!(own.len() > 150, "{}", own.len());
    own
}

/// Reads a series as a page writes it; no label of the exporter's own families has a quote in it.
fn labels(series: &str) -> Labels {
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let labels = labels.trim_end_matches('}').split("\",").filter(|label| !label.is_empty());
    let labels = labels.map(|label| {
        let (name, value) = label.split_once("=\"").unwrap();
        (name.to_owned(), value.trim_end_matches('"').to_owned())
    });
    labels.chain([("__name__".to_owned(), name.to_owned())]).collect()
}

#[test]
fn a_collector_that_is_not_there_does_no_harm_and_is_counted() {
    // Nothing listens at this port.
    let exporter = Exporter::start(&[
        "--otlp.metrics",
        "--otlp.metrics-interval=20ms",
        "--otlp.retry-max=0s",
        "--otlp.endpoint=http://127.0.0.1:1",
        "--events.class=oom_kill",
    ]);
    let failed = "killsnoop_otlp_metrics_pushes_total{result=\"failed\"}";
    exporter.scrape_until(|page| page.value(failed) >= 5.0);
    let page = exporter.scrape();
    assert_eq!(page.value("killsnoop_otlp_metrics_pushes_total{result=\"ok\"}"), 0.0);
    let process = exporter.stop();
    let said = process.stderr.all();
    let said: Vec<_> = said
        .iter()
        .filter(|line| line.contains("metrics for http://127.0.0.1:1/v1/metrics were not taken"))
        .collect();
    assert_eq!(said.len(), 1, "{said:#?}");
}

#[test]
fn nothing_is_pushed_unless_it_is_asked_for() {
    let exporter = Exporter::start(&["--otlp.endpoint=http://127.0.0.1:1", "--events.class=oom_kill"]);
    assert_eq!(exporter.scrape().sum("killsnoop_otlp_metrics_pushes_total"), 0.0);
    assert!(exporter.scrape().series().all(|series| !series.contains("pushes")));
    exporter.stop();
}
