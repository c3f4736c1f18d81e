//! Whatever is lost is counted, and the sum is proved: produced = delivered + lost.

use killsnoop_tests::{exporter::Exporter, otelcol::Otelcol, scrape::Scrape, sender::Sender};

use crate::signals;

fn produced(page: &Scrape) -> f64 {
    page.value("killsnoop_events_produced_total{class=\"kill_call\"}")
}

fn lost(page: &Scrape, stage: &str) -> f64 {
    page.value(&format!("killsnoop_events_lost_total{{stage=\"{stage}\"}}"))
}

fn delivered(page: &Scrape) -> f64 {
    page.value("killsnoop_events_delivered_total{sink=\"otlp\"}")
}

#[test]
fn a_million_kills_through_a_small_ring_are_delivered_or_lost_and_all_are_counted() {
    const N: f64 = 1_000_000.0;
    let collector = Otelcol::counting();
    let signal = signals::name(signals::FLOOD);
    let exporter = Exporter::start(&[
        "--ring-size",
        "64KiB",
        "--otlp.protocol",
        "grpc",
        "--otlp.endpoint",
        &collector.grpc(),
        "--events.signal",
        &signals::FLOOD.to_string(),
    ]);
    let before = exporter.scrape();
    Sender::new(&[&format!("kill:self:{}:1000000", signals::FLOOD)]).run();

    let page =
        exporter.scrape_until(|page| produced(page) == N && page.sum("killsnoop_events_pending") == 0.0);
    assert_eq!(
        page.calls(&signal, "ok") - before.calls(&signal, "ok"),
        N,
        "counters do not depend on the ring"
    );
    let all_lost = page.sum("killsnoop_events_lost_total");
    assert_eq!(delivered(&page) + all_lost, N, "{page:#?}");
    assert!(lost(&page, "ring") > 0.0, "the ring was never full: the test shows nothing");
    assert!(delivered(&page) > 0.0, "nothing was delivered: the test shows nothing");
    assert_eq!(collector.n_accepted(), delivered(&page), "what counts as delivered has arrived");
    eprintln!("1000000 produced = {} delivered + {all_lost} lost, residual 0", delivered(&page));
    exporter.stop();
}

#[test]
fn a_collector_that_is_not_there_costs_events_and_no_counts() {
    let signal = signals::name(signals::NO_COLLECTOR);
    // Nobody listens on port 1.
    let exporter = Exporter::start(&[
        "--otlp.endpoint",
        "http://127.0.0.1:1",
        "--otlp.retry-max",
        "100ms",
        "--otlp.queue-size",
        "1024",
        "--events.signal",
        &signals::NO_COLLECTOR.to_string(),
    ]);
    let before = exporter.scrape();
    Sender::new(&[&format!("kill:self:{}:5000", signals::NO_COLLECTOR)]).run();
    let page =
        exporter.scrape_until(|page| produced(page) == 5000.0 && page.sum("killsnoop_events_pending") == 0.0);
    assert_eq!(page.calls(&signal, "ok") - before.calls(&signal, "ok"), 5000.0);
    assert_eq!(delivered(&page), 0.0);
    assert!(lost(&page, "otlp_failed") > 0.0, "{page:#?}");
    assert_eq!(page.sum("killsnoop_events_lost_total"), 5000.0);
    exporter.stop();
}

#[test]
fn all_stages_are_shown_at_zero_from_the_first_scrape() {
    let page = Exporter::start(&["--otlp.endpoint", "http://127.0.0.1:1"]).scrape();
    for stage in ["ring", "decode", "otlp_queue", "otlp_rejected", "otlp_failed", "otlp_shutdown"] {
        let series = format!("killsnoop_events_lost_total{{stage=\"{stage}\"}}");
        assert!(page.has(&series), "{series}");
    }
}

#[test]
fn an_end_with_a_long_queue_and_no_collector_is_still_an_end() {
    let signal = signals::LONG_QUEUE;
    let exporter = Exporter::start(&[
        "--otlp.endpoint",
        "http://127.0.0.1:1",
        "--otlp.batch-size",
        "1",
        "--events.signal",
        &signal.to_string(),
    ]);
    Sender::new(&[&format!("kill:self:{signal}:20000")]).run();
    exporter.scrape_until(|page| page.value("killsnoop_events_pending{stage=\"otlp\"}") == 20_000.0);
    let process = exporter.stop();
    process.stderr.find(|line| (line.contains("20000 events") && line.contains("are lost")).then_some(()));
}
