//! What is shipped to run the exporter and to watch it, in the hands of the programs that will read it. Each is also
//! given a broken copy, which it must refuse.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use crate::signals;
use killsnoop_tests::{
    binary,
    exporter::{Exporter, command},
    judge::{Copy, read, run},
    otelcol::{self, Otelcol},
    process::Process,
    root,
    sender::Sender,
    tool,
};

const COLLECTOR: &str = "deploy/otel-collector/config.yaml";
const SCRAPER: &str = "deploy/prometheus/prometheus.yml";
const UNIT: &str = "deploy/systemd/killsnoop-exporter.service";
const SOCKET: &str = "deploy/systemd/killsnoop-exporter.socket";
const ENVIRONMENT: &str = "deploy/systemd/killsnoop-exporter.default";

const PROMTOOLS: [&str; 2] = ["promtool", "promtool3"];

#[test]
fn prometheus_takes_its_configuration_and_with_it_the_alerts() {
    let broken = Copy::of(SCRAPER, "job_name:", "jobname:");
    let astray = Copy::of(SCRAPER, "killsnoop.yaml", "no-such.yaml");
    for promtool in PROMTOOLS {
        let check = |path: &Path| run(Command::new(tool(promtool)).args(["check", "config"]).arg(path));
        let (accepted, text) = check(&root().join(SCRAPER));
        assert!(accepted && text.contains("1 rule files found"), "{text}");
        assert!(!check(&broken.path).0);
        assert!(!check(&astray.path).0);
    }
}

#[test]
fn the_collector_takes_its_configuration() {
    let validate = |path: &Path| run(Command::new(tool("otelcol")).args(["validate", "--config"]).arg(path));
    let (accepted, text) = validate(&root().join(COLLECTOR));
    assert!(accepted, "{text}");
    for (from, to) in [
        ("receivers: [otlp]", "receivers: [oltp]"),
        ("[debug/metrics]", "[debug/metric]"),
        ("check_interval:", "checkinterval:"),
    ] {
        let (accepted, text) = validate(&Copy::of(COLLECTOR, from, to).path);
        assert!(!accepted, "{to}: {text}");
    }
}

#[test]
fn the_collector_receives_events_and_metrics_by_its_configuration_over_both_protocols() {
    let override_port =
        |server: &str| format!("yaml:receivers::otlp::protocols::{server}::endpoint: 127.0.0.1:0");
    let collector = Process::start(
        Command::new(tool("otelcol"))
            .arg("--config")
            .arg(root().join(COLLECTOR))
            .args(["--config", &override_port("grpc"), "--config", &override_port("http")])
            .args(["--config", "yaml:service::telemetry::metrics::level: none"]),
    );
    for (server, protocol) in [("GRPC", "grpc"), ("HTTP", "http/protobuf")] {
        let endpoint = format!("http://{}", otelcol::endpoint(&collector, server));
        let signal = signals::SHIPPED_COLLECTOR;
        let exporter = Exporter::start(&[
            "--otlp.endpoint",
            &endpoint,
            "--otlp.protocol",
            protocol,
            "--events.signal",
            &signal.to_string(),
            "--otlp.metrics",
            "--otlp.metrics-interval=200ms",
        ]);
        Sender::new(&[&format!("kill:self:{signal}:20")]).run();
        exporter.scrape_until(|page| page.value("killsnoop_events_delivered_total{sink=\"otlp\"}") == 20.0);
        exporter.scrape_until(|page| page.value("killsnoop_otlp_metrics_pushes_total{result=\"ok\"}") >= 1.0);
        exporter.stop();
    }
    let printed = format!("sent {} to", signals::name(signals::SHIPPED_COLLECTOR));
    collector.stderr.find(|line| line.contains(&printed).then_some(()));
}

#[test]
fn systemd_takes_the_units_without_a_word() {
    // What the service starts must be there, so it is the binary under test. The socket looks for the service beside it.
    let program = format!("ExecStart={}", binary().display());
    let service = Copy::of(UNIT, "ExecStart=/usr/bin/killsnoop-exporter", &program);
    let socket = service.folder.path().join("killsnoop-exporter.socket");
    fs::write(&socket, read(SOCKET)).unwrap();
    assert_eq!(verify(&service.path), "");
    assert_eq!(verify(&socket), "");

    let rows = [
        (&service.path, "ProtectSystem=strict", "ProtectSystem=stirct"),
        (&service.path, "SystemCallFilter=bpf", "SystemCallFilter=bfp"),
        (&service.path, "RestartSec=", "RestartSecs="),
        (&service.path, "WatchdogSec=30s", "WatchdogSec=soon"),
        (&socket, "ListenStream=9435", "ListenStream=port"),
        (&socket, "BindIPv6Only=both", "BindIPv6=both"),
    ];
    for (unit, from, to) in rows {
        let text = fs::read_to_string(unit).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(unit, text.replace(from, to)).unwrap();
        assert_ne!(verify(unit), "", "{to}");
        fs::write(unit, text).unwrap();
    }
    // Without its service a socket is good for nothing.
    fs::remove_file(&service.path).unwrap();
    assert_ne!(verify(&socket), "");
}

/// What `systemd-analyze verify` says. It succeeds whatever it finds.
fn verify(unit: &Path) -> String {
    run(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(unit)).1
}

#[test]
fn the_unit_exposes_little() {
    let security = |threshold: &str, unit: &Path| {
        let arguments = ["security", "--offline=true", "--no-pager", "--threshold", threshold];
        run(Command::new("systemd-analyze").args(arguments).arg(unit))
    };
    let (passed, text) = security("17", &root().join(UNIT));
    assert!(passed, "above 1.7 of 10:\n{text}");
    assert!(!security("17", &Copy::of(UNIT, "SystemCallFilter=@system-service", "").path).0);
}

/// Starts the exporter with no more than the capabilities of the unit, and returns the hook that works.
fn hook_under_the_capabilities_of_the_unit(user: &str) -> String {
    let unit = read(UNIT);
    let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    let capabilities = value("CapabilityBoundingSet=");
    assert_eq!(capabilities, value("AmbientCapabilities="));
    let names = capabilities.split(' ').map(|name| name.trim_start_matches("CAP_").to_lowercase());
    let set = format!("-all,+{}", names.collect::<Vec<_>>().join(",+"));
    let exporter = Process::start(
        Command::new("setpriv")
            .args(["--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs"])
            .args(["--inh-caps", &set, "--ambient-caps", &set, "--bounding-set", &set])
            .arg(binary())
            .args(["--web.listen-address", "127.0.0.1:0"]),
    );
    exporter.stderr.find(|line| line.contains("listening on").then_some(()));
    exporter.stderr.find(|line| Some(line.split_once("watching with hook ")?.1.split(':').next()?.to_owned()))
}

#[test]
fn the_capabilities_of_the_unit_suffice_for_the_raw_hook_and_for_root_without_others_for_tracepoints() {
    assert_eq!(hook_under_the_capabilities_of_the_unit("65534"), "raw");
    // Some distributions have a level above those of the kernel, at which CAP_PERFMON opens no tracepoint.
    let paranoid = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap();
    let expected = if paranoid.trim().parse::<i32>().unwrap() > 2 { "raw" } else { "tracepoint" };
    assert_eq!(hook_under_the_capabilities_of_the_unit("0"), expected);
}

#[test]
fn every_setting_in_the_environment_file_is_one() {
    let text = read(ENVIRONMENT);
    let flags: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#   --")?.split("   ").next())
        .flat_map(str::split_whitespace)
        .map(|flag| format!("--{}", flag.trim_start_matches('-')))
        // That port may be in use here, and a flag can be given only once.
        .filter(|flag| !flag.starts_with("--web.listen-address=") && !flag.starts_with("--hook="))
        .collect();
    let variables: Vec<_> =
        text.lines().filter_map(|line| line.strip_prefix("#OTEL_")?.split_once('=')).collect();
    assert!(flags.len() > 3 && variables.len() > 3, "{flags:?} {variables:?}");

    // All settings are read before the port is taken, and this port is not free.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let start = |flag: &str| {
        let mut exporter = command();
        exporter.args(&flags).args(["--web.listen-address", &address, flag]);
        exporter.envs(variables.iter().map(|(name, value)| (format!("OTEL_{name}"), value)));
        let mut exporter = Process::start(&mut exporter);
        (exporter.wait().code(), exporter.stderr.to_string())
    };
    let (code, text) = start("--events.failed=");
    assert_eq!(code, Some(2), "{text}");
    let (code, text) = start("--hook=raw");
    assert!(code == Some(1) && text.contains(&address), "{text}");
}

#[test]
fn every_metric_that_is_spoken_of_exists() {
    let collector = Otelcol::start();
    let page =
        Exporter::start(&["--metrics.container-deaths", "--otlp.endpoint", &collector.http()]).scrape();
    let exist: BTreeSet<_> = page.series().filter_map(|series| series.split('{').next()).collect();
    let alerts = read("dashboards/alerts/killsnoop.yaml");
    let recorded: Vec<_> =
        alerts.lines().filter_map(|line| line.trim().strip_prefix("record: \"")?.strip_suffix('"')).collect();
    assert!(recorded.len() >= 4, "{recorded:?}");
    let mut n_found = 0;
    let shipped = files(&root().join("dashboards")).into_iter().chain(files(&root().join("deploy")));
    // What is made for shells has functions of such names.
    for path in shipped.filter(|path| !path.starts_with(root().join("deploy/completions"))) {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        // Recording rules have names of their own.
        let text = recorded.iter().fold(text, |text, name| text.replace(name, ""));
        let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
        for name in words.filter(|word| word.starts_with("killsnoop_") || word.starts_with("process_")) {
            assert!(exist.contains(name), "{name} in {} is on no page of metrics", path.display());
            n_found += 1;
        }
    }
    assert!(n_found > 30, "{n_found}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
