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

const ALERTS: &str = "dashboards/alerts/killsnoop.yaml";
const ALERT_TESTS: &str = "dashboards/alerts/killsnoop.test.yaml";
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
fn the_alerts_are_rules_that_no_lint_complains_about() {
    let broken = Copy::of(ALERTS, "> 20", "> > 20");
    let doubled =
        Copy::of(ALERTS, "alert: KillsnoopHookDetached", "alert: KillsnoopHookDetached\n        exprs: x");
    for promtool in PROMTOOLS {
        let check = |path: &Path| {
            run(Command::new(tool(promtool)).args(["check", "rules", "--lint=all", "--lint-fatal"]).arg(path))
        };
        let (accepted, text) = check(&root().join(ALERTS));
        assert!(accepted, "{text}");
        assert!(!check(&broken.path).0);
        assert!(!check(&doubled.path).0);
    }
}

#[test]
fn the_alerts_fire_when_they_should_and_only_then() {
    for promtool in PROMTOOLS {
        let (passed, text) =
            run(Command::new(tool(promtool)).args(["test", "rules"]).arg(root().join(ALERT_TESTS)));
        assert!(passed, "{promtool}: {text}");
    }
}

#[test]
fn the_tests_of_the_alerts_notice_each_change_of_a_condition() {
    let scrapes =
        "count_over_time(killsnoop_kill_calls_total{signal=\"SIGKILL\",result=\"ok\"}[1h] offset 5m)";
    // The case that notices, and what is changed.
    let rows = [
        ("a restart cuts in two", "> 20", "> 35"),
        ("ignores a few kills", "> 20", "> 5"),
        ("ignores three times the usual", "> 5 * (", "> 2 * ("),
        ("measures against the noise", "> 5 * (", "> 20 * ("),
        ("neither failed calls", ",result=\"ok\"", ""),
        ("nor other signals", "signal=\"SIGKILL\",", ""),
        ("a restart cuts in two", "increase(killsnoop_kill", "delta(killsnoop_kill"),
        ("each quarter of an hour", "[1h] offset 5m", "[10m] offset 5m"),
        // As many as there are where the hour has no gap.
        ("in the first minutes of a machine", scrapes, "120"),
        ("EventsLost is silent", "increase(killsnoop_events_lost_total[5m])", "killsnoop_events_lost_total"),
        ("EventsLost fires", "[5m]) > 0", "[5m]) > 5"),
        ("CallsUncounted fires", "{reason=\"counter_missing\"}", ""),
        ("CallsUncounted fires", "increase(killsnoop_program", "delta(up"),
        ("SigkillDeaths fires", "> 10", "> 20"),
        ("SigkillDeaths fires", "> 10", "> 5"),
        ("SigkillDeaths fires", "sum by (job, instance) (", "sum by (job, instance, cause) ("),
        ("SigkillDeaths counts neither", "oom.*|", ""),
        ("SigkillDeaths counts neither", "|cgroup_kill", ""),
        ("SigkillDeaths counts neither", "|pidns_exit", ""),
        ("SigkillDeaths counts neither", "signal=\"SIGKILL\",cause!~", "cause!~"),
        ("OomKill fires", "increase(killsnoop_oom_kills_total[5m])", "killsnoop_oom_kills_total"),
        ("OomKill fires", "total[5m]) > 0", "total[5m]) > 1"),
        ("CrashLoop fires", "> 4", "> 5"),
        ("CrashLoop fires", "> 4", "> 3"),
        ("CrashLoop fires", "[10m])", "[30m])"),
        ("CrashLoop fires", "[10m])", "[1m])"),
        ("CrashLoop counts", "{cause=~\"fault|abort\"}", ""),
        ("CrashLoop counts", "fault|abort", "fault"),
        ("CoreDump fires", "{core_dumped=\"true\"}", ""),
        ("HookDetached fires", "for: 2m", "for: 0m"),
        ("HookDetached fires", "attached == 0", "attached == 1"),
        ("ExporterDown fires after five minutes", "for: 5m", "for: 1m"),
        ("ExporterDown fires after five minutes", "up{job=\"killsnoop\"} == 0 or", ""),
        ("ExporterDown fires after five minutes", "up{job=\"killsnoop\"} == 0", "up == 0"),
        ("has no target at all", " or absent(up{job=\"killsnoop\"})", ""),
    ];
    for (case, from, to) in rows {
        let copy = Copy::of(ALERTS, from, to);
        let tests = copy.folder.path().join("killsnoop.test.yaml");
        fs::write(&tests, read(ALERT_TESTS)).unwrap();
        let (passed, text) =
            run(Command::new(tool("promtool")).args(["test", "rules", "--run", case]).arg(&tests));
        // A rule that cannot be read fails otherwise.
        assert!(!passed && text.contains("alertname: "), "{to:?} in place of {from:?}: {text}");
    }
}

#[test]
fn every_alert_has_a_severity_a_runbook_and_cases() {
    let (rules, tests) = (read(ALERTS), read(ALERT_TESTS));
    let rules: Vec<_> = rules.split("- alert: ").skip(1).collect();
    assert!(!rules.is_empty());
    for rule in rules {
        let name = rule.lines().next().unwrap();
        assert!(name.starts_with("Killsnoop"), "{name}");
        for field in ["severity: ", "summary: ", "description: "] {
            assert!(rule.contains(field), "{field} of {name}");
        }
        let runbook = format!("dashboards/runbooks/{name}.md");
        assert!(rule.contains(&format!("runbook_url: {runbook}\n")), "{name}");
        assert!(read(&runbook).starts_with(&format!("# {name}\n")), "{runbook}");
        assert!(
            tests.contains(&format!("alertname: {name}\n        exp_alerts:\n          - ")),
            "{name} fires"
        );
        assert!(tests.contains(&format!("alertname: {name}, exp_alerts: []")), "{name} is silent");
    }
}

#[test]
fn the_collector_takes_its_configuration() {
    let validate = |path: &Path| run(Command::new(tool("otelcol")).args(["validate", "--config"]).arg(path));
    let (accepted, text) = validate(&root().join(COLLECTOR));
    assert!(accepted, "{text}");
    for (from, to) in [("receivers: [otlp]", "receivers: [oltp]"), ("check_interval:", "checkinterval:")] {
        let (accepted, text) = validate(&Copy::of(COLLECTOR, from, to).path);
        assert!(!accepted, "{to}: {text}");
    }
}

#[test]
fn the_collector_receives_events_by_its_configuration_over_both_protocols() {
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
        ]);
        Sender::new(&[&format!("kill:self:{signal}:20")]).run();
        exporter.scrape_until(|page| page.value("killsnoop_events_delivered_total{sink=\"otlp\"}") == 20.0);
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
    let page = Exporter::start(&["--otlp.endpoint", &collector.http()]).scrape();
    let exist: BTreeSet<_> = page.series().filter_map(|series| series.split('{').next()).collect();
    let mut n_found = 0;
    let shipped = files(&root().join("dashboards")).into_iter().chain(files(&root().join("deploy")));
    // What is made for shells has functions of such names.
    for path in shipped.filter(|path| !path.starts_with(root().join("deploy/completions"))) {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
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
