//! What is served over HTTP, in which format.

use killsnoop_tests::{exporter::Exporter, http, sender::Sender};

use crate::signals;

#[test]
fn each_reader_gets_the_format_that_it_asks_for() {
    let exporter = Exporter::start(&[]);
    let rows = [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text; version=1.0.0",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        ),
    ];
    for (accept, expected) in rows {
        let response = http::get(&exporter.address, "/metrics", &[("Accept", accept)]);
        assert_eq!(response.status, 200);
        let without_spaces = |text: &str| text.replace(' ', "");
        assert_eq!(
            response.header("content-type").map(without_spaces),
            Some(without_spaces(expected)),
            "{accept:?}"
        );
    }
}

#[test]
fn a_page_is_compressed_for_whoever_can_read_that() {
    let exporter = Exporter::start(&[]);
    let response = http::get(&exporter.address, "/metrics", &[("Accept-Encoding", "gzip")]);
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    assert_eq!(&response.body[..2], b"\x1f\x8b");
    assert!(response.body.len() < exporter.get("/metrics").body.len() / 4);
}

#[test]
fn health_and_readiness_have_the_names_of_both_worlds() {
    let exporter = Exporter::start(&[]);
    for path in ["/healthz", "/-/healthy", "/readyz", "/-/ready", "/"] {
        assert_eq!(exporter.get(path).status, 200, "{path}");
    }
    assert_eq!(exporter.get("/nothing").status, 404);
    assert!(exporter.get("/").text().contains("href=\"/metrics\""));
}

#[test]
fn a_page_whose_path_was_moved_is_where_it_was_moved_to() {
    let exporter = Exporter::start(&["--web.telemetry-path", "/signals"]);
    assert_eq!(exporter.get("/signals").status, 200);
    assert_eq!(exporter.get("/metrics").status, 404);
}

#[test]
fn hostile_calls_do_not_make_the_page_grow_without_bound() {
    let exporter = Exporter::start(&[]);
    // Every signal with every result that a caller can bring about, and numbers that are no signals. Signals that other
    // tests count are left to them.
    let steps: Vec<_> = (-40..140)
        .filter(|signal| !signals::COUNTED.contains(signal))
        .flat_map(|signal| {
            ["kill:self", "kill:gone", "rt_sigqueueinfo:self", "pidfd_send_signal:gone"]
                .map(|call| format!("{call}:{signal}"))
        })
        // What cannot be ignored would end or stop the sender.
        .filter(|step| !(step.contains(":self:") && (step.ends_with(":9") || step.ends_with(":19"))))
        .collect();
    let steps: Vec<_> = steps.iter().map(String::as_str).collect();
    Sender::new(&steps).run();
    let page = exporter.scrape();
    assert!(page.len() <= 600, "{} series", page.len());
    assert_eq!(
        page.value("killsnoop_map_entries{map=\"kills\"}"),
        page.value("killsnoop_map_capacity{map=\"kills\"}")
    );
    assert_eq!(page.sum("killsnoop_hook_errors_total"), 0.0);
    assert!(page.calls(&signals::name(62), "ok") >= 1.0, "legal signals are still told apart");
}
