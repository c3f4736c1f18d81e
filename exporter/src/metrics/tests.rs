//! What the page of metrics promises.
#![expect(clippy::float_cmp, reason = "the values are whole numbers, which no format changes")]

use std::{collections::BTreeMap, sync::atomic::Ordering::Relaxed};

use expect_test::expect_file;
use killsnoop_common::kill::RESULTS;
use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::MetricFamily;
use prost::Message;

use super::*;
use crate::counters::{Class, MapFill};

type Series = BTreeMap<String, f64>;

/// A page whose every number is known.
fn scrape(snapshot: Snapshot) -> Scrape {
    let process = Process {
        cpu_seconds_total: Some(1.25),
        open_fds: Some(17),
        max_fds: Some(1024),
        virtual_memory_bytes: Some(250_000_000),
        virtual_memory_max_bytes: Some(0),
        resident_memory_bytes: Some(12_345_678),
        start_time_seconds: Some(1_700_000_000),
        threads: Some(5),
    };
    let build = Build { version: "1.2.3", revision: "0123abc", rustversion: "1.95.0", arch: "x86_64" };
    let sinks = ["otlp", "terminal"].map(|name| Sink::new(name, fake::ledger()));
    Scrape { snapshot, sinks: Arc::new(sinks), process, build, read_seconds: 0.000_25 }
}

/// SIGKILL succeeded twice, and some rarer things happened once.
fn quiet() -> Snapshot {
    fake::snapshot(|key| match (key.signal, key.result) {
        (9, 0) => 2,
        (0 | 40, 0) | (34, -11) | (15, RESULT_OTHER) | (SIGNAL_OTHER, -22) => 1,
        _ => 0,
    })
}

fn text(scrape: Scrape, format: Format) -> String {
    String::from_utf8(page::encode(scrape, format).unwrap()).unwrap()
}

/// Name and labels of each line, with its value.
fn series(page: &str) -> Series {
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

fn series_of_protobuf(mut page: &[u8]) -> Series {
    let mut all = Series::new();
    while !page.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut page).unwrap();
        for metric in &family.metric {
            let labels: Vec<_> =
                metric.label.iter().map(|label| format!("{}={:?}", label.name, label.value)).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let value = metric.counter.as_ref().map(|counter| counter.value);
            let value = value.or_else(|| metric.gauge.as_ref().map(|gauge| gauge.value)).unwrap();
            all.insert(format!("{}{labels}", family.name), value);
        }
    }
    all
}

#[test]
fn the_whole_page_is_as_agreed() {
    expect_file!["golden.txt"].assert_eq(&text(scrape(quiet()), Format::Classic));
}

#[test]
fn all_formats_give_equal_values() {
    let classic = series(&text(scrape(quiet()), Format::Classic));
    let openmetrics = text(scrape(quiet()), Format::OpenMetrics);
    assert!(openmetrics.ends_with("\n# EOF\n"));
    assert_eq!(series(&openmetrics), classic);
    assert_eq!(text(scrape(quiet()), Format::OpenMetricsDraft), openmetrics);
    let protobuf = page::encode(scrape(quiet()), Format::Protobuf).unwrap();
    assert_eq!(series_of_protobuf(&protobuf), classic);
}

#[test]
fn a_local_user_who_makes_every_call_there_is_stays_within_600_series() {
    let mut busy = fake::snapshot(|_| 1);
    // As many programs and maps as any back end has, and then some.
    busy.programs = vec![busy.programs[0].clone(); 16];
    busy.maps = vec![MapFill { name: "KILLS", n_entries: 1, capacity: 1 }; 16];
    let page = text(scrape(busy), Format::Classic);
    assert_eq!(page.matches("\nkillsnoop_kill_calls_total{").count(), KillKey::N);
    let n_series = page.lines().filter(|line| !line.starts_with('#')).count();
    assert!(n_series <= 600, "{n_series} series");
}

#[test]
fn standard_signals_are_there_before_they_are_sent_and_others_are_not() {
    let series = series(&text(scrape(fake::snapshot(|_| 0)), Format::Classic));
    let calls: Vec<_> =
        series.iter().filter(|(name, _)| name.starts_with("killsnoop_kill_calls_total{")).collect();
    assert_eq!(calls.len(), 31 * 3);
    assert!(calls.iter().all(|(_, value)| **value == 0.0));
    assert!(series.contains_key(r#"killsnoop_kill_calls_total{signal="SIGKILL",result="ESRCH"}"#));
}

#[test]
fn no_two_keys_share_a_name() {
    let page = text(scrape(fake::snapshot(|_| 1)), Format::Classic);
    let n_lines = page.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(series(&page).len(), n_lines);
}

#[test]
fn every_stage_of_loss_is_there_at_zero_when_nothing_has_happened() {
    let sinks: Arc<[Sink]> = Arc::new([Sink::new("otlp", Arc::default())]);
    let nothing = Scrape { sinks, ..scrape(Snapshot::default()) };
    let series = series(&text(nothing, Format::Classic));
    for stage in ["ring", "decode", "otlp_queue", "otlp_rejected", "otlp_failed", "otlp_shutdown"] {
        assert_eq!(series[&format!("killsnoop_events_lost_total{{stage={stage:?}}}")], 0.0);
    }
    for reason in ["counter_missing", "comm_unreadable"] {
        assert_eq!(series[&format!("killsnoop_hook_errors_total{{reason={reason:?}}}")], 0.0);
    }
    assert_eq!(series[r#"killsnoop_events_pending{stage="ring"}"#], 0.0);
}

#[test]
fn events_that_were_read_before_they_were_seen_as_produced_do_not_make_pending_negative() {
    let early = Snapshot { produced: vec![(Class::KillCall, 1)], n_read: 2, ..quiet() };
    let series = series(&text(scrape(early), Format::Classic));
    assert_eq!(series[r#"killsnoop_events_pending{stage="ring"}"#], 0.0);
}

#[test]
fn results_without_a_place_of_their_own_are_other() {
    let labels: Vec<_> = RESULTS.into_iter().map(result_label).collect();
    assert_eq!(labels, ["ok", "EPERM", "ESRCH", "EAGAIN", "EINVAL", "other"]);
    assert_eq!(
        [0, 9, 33, 64, 65, 1000].map(signal_label),
        ["0", "SIGKILL", "33", "SIGRTMAX", "other", "other"]
    );
}

#[test]
fn every_help_text_ends_with_one_full_stop_and_needs_no_escape() {
    let page = text(scrape(quiet()), Format::OpenMetrics);
    for help in page.lines().filter(|line| line.starts_with("# HELP")) {
        assert!(help.ends_with('.') && !help.ends_with("..") && !help.contains(['\\', '"']), "{help}");
    }
}

#[test]
fn each_page_reads_the_kernel_once_and_shows_this_process() {
    let counters = fake::Fake::new(quiet());
    let page = Page::new(Arc::clone(&counters) as Arc<_>, [("otlp", fake::ledger())]);
    let series = series(&String::from_utf8(page.render(Format::Classic).unwrap()).unwrap());
    assert_eq!(counters.n_reads.load(Relaxed), 1);
    assert!(series["process_threads"] >= 1.0);
    assert!(series["process_start_time_seconds"] > 1_600_000_000.0);
    assert_eq!(series[r#"killsnoop_events_lost_total{stage="otlp_rejected"}"#], 1.0);
}

#[test]
fn refused_counters_are_an_error_and_never_half_a_page() {
    let page = Page::new(Arc::new(fake::Fake::default()), []);
    for format in [Format::Classic, Format::OpenMetrics, Format::OpenMetricsDraft, Format::Protobuf] {
        let error = anyhow::Error::from(page.render(format).unwrap_err());
        let said = format!("{error:#}");
        assert!(
            said.starts_with("cannot read the counters from the kernel: Operation not permitted"),
            "{said}"
        );
    }
}
