//! What flags and variables amount to.

mod metrics;

use std::collections::HashMap;

use super::*;

type Rows<'a> = &'a [(&'a str, &'a str)];

/// Resolves settings for events.
fn resolve(settings: Rows<'_>) -> Result<Option<Config>, Vec<String>> {
    with(settings, Config::resolve)
}

/// Resolves settings in one list: flags begin with dashes, what does not is a variable.
fn with<T>(
    settings: Rows<'_>,
    resolve: impl Fn(&OtlpArgs, &dyn Fn(&str) -> Option<String>) -> Result<T, Vec<String>>,
) -> Result<T, Vec<String>> {
    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        otlp: OtlpArgs,
    }
    let (flags, variables): (Vec<_>, Vec<_>) = settings.iter().partition(|(name, _)| name.starts_with("--"));
    let flags = flags
        .iter()
        .map(|(name, value)| if value.is_empty() { (*name).to_owned() } else { format!("{name}={value}") });
    let program: Program = clap::Parser::parse_from(std::iter::once("program".to_owned()).chain(flags));
    let variables: HashMap<_, _> = variables.into_iter().collect();
    resolve(&program.otlp, &|name| variables.get(name).map(|value| (*value).to_owned()))
}

fn config(settings: Rows<'_>) -> Config {
    resolve(settings).unwrap().unwrap_or_else(|| panic!("{settings:?} switch sending off"))
}

fn errors(settings: Rows<'_>) -> Vec<String> {
    resolve(settings).map(drop).expect_err(&format!("{settings:?} are accepted"))
}

const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");

#[test]
fn nothing_is_sent_without_an_endpoint_or_when_opentelemetry_is_switched_off() {
    let off: &[Rows<'_>] = &[
        &[],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", ""), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "  ")],
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "nonsense")],
        &[BASE, ("OTEL_SDK_DISABLED", "True")],
        &[("--otlp.endpoint", "http://c"), ("OTEL_SDK_DISABLED", "true")],
        &[BASE, ("OTEL_LOGS_EXPORTER", "none")],
    ];
    for settings in off {
        assert!(resolve(settings).unwrap().is_none(), "{settings:?}");
    }
    for switch in
        [("OTEL_SDK_DISABLED", "1"), ("OTEL_LOGS_EXPORTER", "otlp"), ("OTEL_LOGS_EXPORTER", "console, otlp")]
    {
        assert!(resolve(&[BASE, switch]).unwrap().is_some(), "{switch:?}");
    }
}

#[test]
fn the_endpoint_is_a_base_or_used_as_it_is() {
    const LOGS: &str = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";
    const ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const FLAG: &str = "--otlp.endpoint";
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let insecure = ("OTEL_EXPORTER_OTLP_INSECURE", "true");
    let rows: &[(Rows<'_>, &str)] = &[
        (&[(ALL, "http://c:4318")], "http://c:4318/v1/logs"),
        (&[(ALL, " http://c:4318/ ")], "http://c:4318/v1/logs"),
        (&[(ALL, "http://c/a/")], "http://c/a/v1/logs"),
        (&[(ALL, "http://c/v1/logs")], "http://c/v1/logs/v1/logs"),
        (&[(ALL, "http://c/a?key=1")], "http://c/a/v1/logs?key=1"),
        (&[(LOGS, "http://c:4318")], "http://c:4318/"),
        (&[(LOGS, "http://c/a")], "http://c/a"),
        (&[(LOGS, "http://logs/a"), (ALL, "http://all")], "http://logs/a"),
        (&[(FLAG, "http://c:4318")], "http://c:4318/v1/logs"),
        (&[(FLAG, "http://c:4318/")], "http://c:4318/v1/logs"),
        (&[(FLAG, "http://c/a")], "http://c/a"),
        (&[(FLAG, "http://flag"), (LOGS, "http://logs/a")], "http://flag/v1/logs"),
        (&[(ALL, "http://[::1]:4318")], "http://[::1]:4318/v1/logs"),
        (&[grpc, (ALL, "http://c:4317")], "http://c:4317/"),
        (&[grpc, insecure, (ALL, "c:4317")], "http://c:4317/"),
        (&[grpc, insecure, (ALL, "127.0.0.1:4317")], "http://127.0.0.1:4317/"),
        (&[grpc, ("--otlp.insecure", ""), (ALL, "c")], "http://c/"),
        (&[grpc, ("--otlp.insecure", ""), (FLAG, "https://c:4317"), CA], "https://c:4317/"),
        (&[grpc, (FLAG, "c:4317"), CA], "https://c:4317/"),
        (&[grpc, ("OTEL_EXPORTER_OTLP_INSECURE", "maybe"), (FLAG, "c:4317"), CA], "https://c:4317/"),
    ];
    let directory = certificates();
    for (settings, expected) in rows {
        let settings: Vec<_> = settings.iter().map(|row| in_directory(&directory, *row)).collect();
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(config(&settings).connection.endpoint.to_string(), *expected, "{settings:?}");
    }
}

const CA: (&str, &str) = ("OTEL_EXPORTER_OTLP_CERTIFICATE", "DIR/ca.pem");

/// A directory with files that are good and files that are not.
#[test]
fn the_port_for_grpc_means_grpc_where_no_protocol_is_given() {
    let rows: &[(&str, Option<&str>, Protocol)] = &[
        ("http://c:4317", None, Protocol::Grpc),
        ("http://c:4317/", None, Protocol::Grpc),
        ("http://c:4317", Some("http/protobuf"), Protocol::HttpProtobuf),
        ("http://c:4318", None, Protocol::HttpProtobuf),
        ("http://c:14317", None, Protocol::HttpProtobuf),
        ("http://c:4317/v1/logs", None, Protocol::HttpProtobuf),
        ("http://c:4318", Some("grpc"), Protocol::Grpc),
    ];
    for (endpoint, protocol, expected) in rows {
        let settings: Vec<_> = [("--otlp.endpoint", *endpoint)]
            .into_iter()
            .chain(protocol.map(|protocol| ("--otlp.protocol", protocol)))
            .collect();
        assert_eq!(config(&settings).connection.protocol, *expected, "{endpoint} {protocol:?}");
    }
}

fn certificates() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["c".to_owned()]).unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let files = [
        ("ca.pem", cert.pem()),
        ("key.pem", signing_key.serialize_pem()),
        ("other.pem", rcgen::KeyPair::generate().unwrap().serialize_pem()),
        ("empty.pem", String::new()),
        ("broken.pem", broken.to_owned()),
    ];
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn in_directory<'a>(directory: &tempfile::TempDir, (name, value): (&'a str, &str)) -> (&'a str, String) {
    (name, value.replace("DIR", directory.path().to_str().unwrap()))
}

#[test]
fn flags_win_over_variables_for_logs_and_these_over_general_ones() {
    let general = [
        BASE,
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=general,b=2"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "10"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "0"),
    ];
    let logs = [
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=logs"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "none"),
    ];
    let flags = [
        ("--otlp.protocol", "GRPC"),
        ("--otlp.headers", "a=flag"),
        ("--otlp.timeout", "3s"),
        ("--otlp.compression", "gzip"),
        ("--otlp.queue-size", "7"),
        ("--otlp.batch-size", "5"),
        ("--otlp.flush-interval", "20ms"),
        ("--otlp.retry-max", "5m"),
    ];
    let shown = |settings: Rows<'_>| {
        let Config { connection, limits } = config(settings);
        let Connection { protocol, headers, timeout, gzip, patience, .. } = connection;
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
        let Limits { queue_size, batch_size, flush_interval } = limits;
        let seconds = (timeout.as_secs(), patience.in_all.as_secs());
        format!("{protocol} {headers:?} {seconds:?} {gzip} {queue_size} {batch_size} {flush_interval:?}")
    };
    assert_eq!(shown(&[BASE]), "http/protobuf [] (10, 60) false 65536 512 1s");
    assert_eq!(shown(&general), r#"grpc ["a=general", "b=2"] (1, 60) true 100 10 0ns"#);
    assert_eq!(
        shown(&[&logs[..], &general].concat()),
        r#"http/protobuf ["a=logs"] (2, 60) false 100 10 0ns"#
    );
    assert_eq!(shown(&[&flags[..], &logs, &general].concat()), r#"grpc ["a=flag"] (3, 300) true 7 5 20ms"#);
}

#[test]
fn a_batch_is_never_larger_than_the_queue() {
    assert_eq!(config(&[BASE, ("--otlp.queue-size", "100")]).limits.batch_size, 100);
}

#[test]
fn each_wrong_value_is_named_with_its_source_and_the_way_out() {
    let grpc = ("--otlp.protocol", "grpc");
    let rows: &[(Rows<'_>, &[&str])] = &[
        (&[("--otlp.endpoint", "c:4318")], &[r#"--otlp.endpoint="c:4318""#, "http://localhost:4318"]),
        (&[("--otlp.endpoint", "ftp://c")], &[r#"--otlp.endpoint="ftp://c""#, "http:// or https://"]),
        (&[("--otlp.endpoint", "http://")], &[r#"--otlp.endpoint="http://""#, "no URL"]),
        (&[("--otlp.endpoint", "http://c c")], &[r#"--otlp.endpoint="http://c c""#, "no URL"]),
        (&[("--otlp.endpoint", "c:4317/a"), grpc], &[r#"--otlp.endpoint="c:4317/a""#, "has a path"]),
        (
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "unix:///run/c.sock"), grpc],
            &["OTEL_EXPORTER_OTLP_ENDPOINT=", "unix"],
        ),
        (
            &[BASE, ("--otlp.protocol", "http/json")],
            &[r#"--otlp.protocol="http/json" is not built in"#, "http/protobuf"],
        ),
        (
            &[BASE, ("OTEL_EXPORTER_OTLP_PROTOCOL", "smtp")],
            &[r#"OTEL_EXPORTER_OTLP_PROTOCOL="smtp""#, "grpc or"],
        ),
        (
            &[BASE, ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")],
            &[r#"OTEL_EXPORTER_OTLP_TIMEOUT="10s""#, "milliseconds"],
        ),
        (&[BASE, ("OTEL_EXPORTER_OTLP_TIMEOUT", "0")], &[r#"OTEL_EXPORTER_OTLP_TIMEOUT="0""#, "at least"]),
        (&[BASE, ("--otlp.timeout", "10")], &[r#"--otlp.timeout="10""#, "unit"]),
        (&[BASE, ("--otlp.retry-max", "300years")], &[r#"--otlp.retry-max="300years""#, "longer than a day"]),
        (&[BASE, ("OTEL_BLRP_SCHEDULE_DELAY", "-1")], &[r#"OTEL_BLRP_SCHEDULE_DELAY="-1""#]),
        (&[BASE, ("--otlp.queue-size", "0")], &[r#"--otlp.queue-size="0""#, "from 1 to 16777216"]),
        (&[BASE, ("--otlp.batch-size", "99999999999999999999")], &["--otlp.batch-size"]),
        (
            &[BASE, ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "zstd")],
            &["_LOGS_COMPRESSION=\"zstd\"", "gzip or none"],
        ),
        (&[BASE, ("OTEL_LOGS_EXPORTER", "console")], &[r#"OTEL_LOGS_EXPORTER="console""#, "otlp or none"]),
        (
            &[BASE, ("OTEL_RESOURCE_ATTRIBUTES", "team")],
            &[r#"OTEL_RESOURCE_ATTRIBUTES="team""#, "name=value"],
        ),
        (
            &[("--otlp.endpoint", "https://c"), ("--otlp.certificate", "/nowhere/ca.pem")],
            &[r#"--otlp.certificate="/nowhere/ca.pem""#, "cannot be read"],
        ),
        (
            &[("--otlp.endpoint", "https://c"), ("--otlp.certificate", "DIR/empty.pem")],
            &["empty.pem\" holds no certificate"],
        ),
        (
            &[("--otlp.endpoint", "https://c"), ("--otlp.certificate", "DIR/broken.pem")],
            &["broken.pem\" holds a bad certificate"],
        ),
        (
            &[("--otlp.endpoint", "https://c"), CA, ("--otlp.client-key", "DIR/key.pem")],
            &["--otlp.client-key=", "give --otlp.client-certificate too"],
        ),
        (
            &[("--otlp.endpoint", "https://c"), CA, ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "DIR/ca.pem")],
            &["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=", "give --otlp.client-key too"],
        ),
        (
            &[
                ("--otlp.endpoint", "https://c"),
                CA,
                ("--otlp.client-certificate", "DIR/ca.pem"),
                ("--otlp.client-key", "DIR/ca.pem"),
            ],
            &["ca.pem\" is no readable private key"],
        ),
        (
            &[
                ("--otlp.endpoint", "https://c"),
                CA,
                ("--otlp.client-certificate", "DIR/ca.pem"),
                ("--otlp.client-key", "DIR/other.pem"),
            ],
            &["do not fit"],
        ),
    ];
    let directory = certificates();
    for (settings, parts) in rows {
        let settings: Vec<_> = settings.iter().map(|row| in_directory(&directory, *row)).collect();
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let errors = errors(&settings);
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(parts.iter().all(|part| errors[0].contains(part)), "{errors:?} lacks one of {parts:?}");
    }
}

#[test]
fn all_wrong_values_are_told_at_once() {
    let errors = errors(&[
        ("--otlp.endpoint", "ftp://c"),
        ("--otlp.protocol", "smtp"),
        ("--otlp.headers", "nonsense"),
        ("--otlp.timeout", "soon"),
        ("--otlp.compression", "bzip2"),
        ("--otlp.queue-size", "many"),
        ("--otlp.batch-size", "-5"),
        ("--otlp.flush-interval", "1"),
        ("--otlp.retry-max", "x"),
        ("OTEL_LOGS_EXPORTER", "console"),
        ("OTEL_RESOURCE_ATTRIBUTES", "x"),
    ]);
    assert_eq!(errors.len(), 11, "{errors:#?}");
}

#[test]
fn no_message_and_no_debug_output_shows_a_secret() {
    let rows: &[Rows<'_>] = &[
        &[BASE, ("--otlp.headers", "a=b,s3cret")],
        &[BASE, ("--otlp.headers", "authorization=s3cret%0a")],
        &[BASE, ("--otlp.headers", "bad name=s3cret")],
        &[BASE, ("OTEL_EXPORTER_OTLP_HEADERS", "content-type=s3cret")],
        &[BASE, ("OTEL_EXPORTER_OTLP_HEADERS", "grpc-status=s3cret")],
        &[("--otlp.endpoint", "http://user:s3cret@c")],
        &[("--otlp.endpoint", "user:s3cret@c"), ("--otlp.protocol", "grpc")],
    ];
    for settings in rows {
        let errors = errors(settings);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(!errors[0].contains("s3cret"), "{errors:?}");
        assert!(
            errors[0].starts_with(settings.last().unwrap().0) || errors[0].starts_with("--otlp.endpoint")
        );
    }
    let config =
        config(&[("--otlp.endpoint", "http://c?key=s3cret"), ("--otlp.headers", "authorization=s3cret")]);
    assert!(!config.connection.target().contains("s3cret"));
    assert!(!format!("{:?}", config.connection.headers).contains("s3cret"));
}

#[test]
fn the_service_is_named_by_its_own_variable_first() {
    let rows: &[(Rows<'_>, &[(&str, &str)])] = &[
        (&[BASE], &[]),
        (&[BASE, ("OTEL_SERVICE_NAME", "a b")], &[("service.name", "a b")]),
        (
            &[BASE, ("OTEL_SERVICE_NAME", "a"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=b,k=v%20w")],
            &[("service.name", "b"), ("k", "v w"), ("service.name", "a")],
        ),
    ];
    for (settings, expected) in rows {
        let resource = config(settings).connection.resource;
        let resource: Vec<_> = resource.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(resource, *expected);
    }
}
