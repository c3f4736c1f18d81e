//! What flags and variables amount to for metrics.

use super::*;

fn push(settings: Rows<'_>) -> Result<Option<MetricsConfig>, Vec<String>> {
    with(settings, MetricsConfig::resolve)
}

const ASKED: (&str, &str) = ("--otlp.metrics", "");

#[test]
fn metrics_are_pushed_only_if_somebody_asks_for_it() {
    let off: &[Rows<'_>] = &[
        &[],
        &[BASE],
        &[BASE, ("OTEL_METRICS_EXPORTER", "none")],
        &[BASE, ("OTEL_METRICS_EXPORTER", "prometheus")],
        &[BASE, ASKED, ("OTEL_METRICS_EXPORTER", "none")],
        &[BASE, ASKED, ("OTEL_SDK_DISABLED", "true")],
        // There is nowhere to push to, and nobody has asked for it by a flag.
        &[("OTEL_METRICS_EXPORTER", "otlp")],
        &[("OTEL_METRICS_EXPORTER", "nonsense")],
        &[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://c"), ("OTEL_METRICS_EXPORTER", "otlp")],
    ];
    for settings in off {
        assert!(push(settings).unwrap().is_none(), "{settings:?}");
    }
    let on: &[Rows<'_>] = &[
        &[BASE, ASKED],
        &[BASE, ("OTEL_METRICS_EXPORTER", "otlp")],
        &[BASE, ("OTEL_METRICS_EXPORTER", "prometheus, otlp")],
        &[BASE, ASKED, ("OTEL_METRICS_EXPORTER", "prometheus")],
        &[BASE, ASKED, ("OTEL_LOGS_EXPORTER", "none")],
    ];
    for settings in on {
        assert!(push(settings).unwrap().is_some(), "{settings:?}");
    }
    // Who pushes metrics need not send events.
    let (logs, metrics) =
        with(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c/a"), ASKED], super::super::resolve).unwrap();
    assert!(logs.is_none() && metrics.is_some());
}

#[test]
fn metrics_go_to_their_own_endpoint_or_beside_the_logs() {
    const METRICS: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    let rows: &[(Rows<'_>, &str)] = &[
        (&[BASE], "http://c:4318/v1/metrics"),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c/a/")], "http://c/a/v1/metrics"),
        (&[(METRICS, "http://m/api/v1/otlp/v1/metrics"), BASE], "http://m/api/v1/otlp/v1/metrics"),
        (&[(METRICS, "http://m:4318")], "http://m:4318/"),
        (&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://l/a"), BASE], "http://c:4318/v1/metrics"),
        (&[("--otlp.endpoint", "http://f"), (METRICS, "http://m")], "http://f/v1/metrics"),
        (&[("--otlp.endpoint", "http://f/v1/logs")], "http://f/v1/metrics"),
        (&[("--otlp.endpoint", "http://f/a/v1/logs?key=1")], "http://f/a/v1/metrics?key=1"),
        (&[("--otlp.endpoint", "http://f:4317")], "http://f:4317/"),
    ];
    for (settings, expected) in rows {
        let config = push(&[*settings, &[ASKED]].concat()).unwrap().unwrap();
        assert_eq!(config.connection.endpoint.to_string(), *expected, "{settings:?}");
    }
}

#[test]
fn flags_win_over_variables_for_metrics_and_these_over_general_ones() {
    let general = [BASE, ("OTEL_EXPORTER_OTLP_HEADERS", "a=general"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000")];
    let metrics = [
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "a=metrics"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1500"),
        // Not for metrics.
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "7000"),
    ];
    let flags = [("--otlp.headers", "a=flag"), ("--otlp.timeout", "3s"), ("--otlp.metrics-interval", "5m")];
    let shown = |settings: &[(&str, &str)]| {
        let MetricsConfig { connection, interval } = push(&[settings, &[ASKED]].concat()).unwrap().unwrap();
        let Connection { protocol, headers, timeout, gzip, .. } = connection;
        let header = headers.get("a").map(|value| value.to_str().unwrap().to_owned());
        format!("{protocol} {header:?} {timeout:?} {gzip} {interval:?}")
    };
    assert_eq!(shown(&[BASE]), "http/protobuf None 10s false 60s");
    assert_eq!(shown(&general), r#"http/protobuf Some("general") 1s false 60s"#);
    assert_eq!(shown(&[&metrics[..], &general].concat()), r#"grpc Some("metrics") 2s true 1.5s"#);
    assert_eq!(shown(&[&flags[..], &metrics, &general].concat()), r#"grpc Some("flag") 3s true 300s"#);
}

#[test]
fn each_wrong_value_for_metrics_is_named_with_the_way_out() {
    let rows: &[(Rows<'_>, &[&str])] = &[
        (&[], &["--otlp.metrics has no collector", "give --otlp.endpoint"]),
        (
            &[BASE, ("OTEL_METRICS_EXPORTER", "console")],
            &[r#"OTEL_METRICS_EXPORTER="console""#, "prometheus or none"],
        ),
        (&[BASE, ("--otlp.metrics-interval", "0s")], &["no time between", "millisecond"]),
        (&[BASE, ("--otlp.metrics-interval", "1us")], &["no time between", "millisecond"]),
        (
            &[BASE, ("OTEL_METRIC_EXPORT_INTERVAL", "1m")],
            &[r#"OTEL_METRIC_EXPORT_INTERVAL="1m""#, "milliseconds"],
        ),
        (
            &[("--otlp.endpoint", "http://c/a")],
            &["a path for logs, which metrics cannot share", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"],
        ),
    ];
    for (settings, parts) in rows {
        let errors = push(&[*settings, &[ASKED]].concat()).expect_err(&format!("{settings:?}"));
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(parts.iter().all(|part| errors[0].contains(part)), "{errors:?} lacks one of {parts:?}");
    }
}

#[test]
fn what_is_wrong_for_both_is_told_once() {
    let errors = with(
        &[
            BASE,
            ASKED,
            ("--otlp.timeout", "soon"),
            ("--otlp.queue-size", "x"),
            ("--otlp.metrics-interval", "x"),
        ],
        super::super::resolve,
    );
    assert_eq!(errors.unwrap_err().len(), 3);
}
