//! Events as OTLP log records, in a real OpenTelemetry Collector.

use killsnoop_tests::{
    exporter::Exporter,
    otelcol::{Otelcol, Record},
    sender::Sender,
};

use crate::signals;

/// Lets one call go through the exporter to the collector, and returns its record.
fn record_of(signal: i64, args: &[&str], envs: &[(&str, &str)], collector: &Otelcol) -> (u32, Record) {
    let number = signal.to_string();
    let exporter = Exporter::start_with(&[&["--events.signal", &number], args].concat(), envs);
    let sender = Sender::new(&[&format!("kill:gone:{signal}")]);
    let pid = sender.pid();
    sender.run();
    let record = collector
        .record(|record| record.attribute("killsnoop.signal.number") == Some(&format!("Int({number})")));
    exporter.stop();
    (pid, record)
}

fn assert_complete(record: &Record, pid: u32, signal: i64) {
    let name = signals::name(signal);
    assert_eq!(record.field("EventName"), Some("killsnoop.kill_call"));
    assert_eq!(record.field("SeverityText"), Some("INFO"), "a call that failed");
    assert_eq!(record.field("SeverityNumber"), Some("Info(9)"));
    let rows = [
        ("process.pid", format!("Int({pid})")),
        ("thread.id", format!("Int({pid})")),
        ("thread.name", "Str(sender)".to_owned()),
        ("process.real_user.id", "Int(0)".to_owned()),
        ("killsnoop.syscall.name", "Str(kill)".to_owned()),
        ("killsnoop.signal.name", format!("Str({name})")),
        ("killsnoop.target.pid", "Int(4194304)".to_owned()),
        ("killsnoop.result", "Int(-3)".to_owned()),
        ("error.type", "Str(ESRCH)".to_owned()),
    ];
    for (attribute, expected) in rows {
        assert_eq!(record.attribute(attribute), Some(&expected), "{attribute}\n{record:#?}");
    }
    assert!(record.attribute("log.record.uid").is_some());
    assert_eq!(record.resource("service.name"), Some("Str(killsnoop-exporter)"));
    assert!(record.resource("host.name").is_some());
    let (event, observed) = (record.field("Timestamp"), record.field("ObservedTimestamp"));
    assert!(event.is_some() && event <= observed, "{event:?} {observed:?}");
}

#[test]
fn a_call_arrives_complete_over_grpc() {
    let collector = Otelcol::start();
    let args = ["--otlp.protocol", "grpc", "--otlp.endpoint", &collector.grpc()];
    let (pid, record) = record_of(signals::OTLP_GRPC, &args, &[], &collector);
    assert_complete(&record, pid, signals::OTLP_GRPC);
}

#[test]
fn a_call_arrives_complete_over_http_as_the_environment_says() {
    let collector = Otelcol::start();
    let endpoint = collector.http();
    let envs = [
        // The form for logs wins; the other leads nowhere.
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &*format!("{endpoint}/v1/logs")),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
    ];
    let (pid, record) = record_of(signals::OTLP_HTTP, &[], &envs, &collector);
    assert_complete(&record, pid, signals::OTLP_HTTP);
    assert_eq!(record.resource("deployment.environment.name"), Some("Str(test)"));
}

#[test]
fn what_is_queued_when_the_end_is_asked_for_is_still_delivered() {
    let collector = Otelcol::start();
    let signal = signals::OTLP_DRAIN;
    let exporter = Exporter::start(&[
        "--otlp.protocol",
        "grpc",
        "--otlp.endpoint",
        &collector.grpc(),
        "--events.signal",
        &signal.to_string(),
        // Long enough that only the end can be what sends them.
        "--otlp.flush-interval",
        "1h",
        "--otlp.batch-size",
        "100000",
    ]);
    Sender::new(&[&format!("kill:self:{signal}:1000")]).run();
    exporter.scrape_until(|page| page.value("killsnoop_events_pending{stage=\"otlp\"}") == 1000.0);
    exporter.stop();
    assert_eq!(collector.n_accepted(), 1000.0);
}
