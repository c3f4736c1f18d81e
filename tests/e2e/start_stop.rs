//! How the exporter starts, what it says when it cannot, and how it ends.

use std::net::TcpListener;

use killsnoop_tests::{
    exporter::{Exporter, command, unprivileged},
    http,
    process::Process,
};
use nix::sys::signal::Signal;

#[test]
fn both_signals_that_ask_for_an_end_get_an_orderly_one() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut exporter = Exporter::start(&[]);
        exporter.process.signal(signal);
        let status = exporter.process.wait();
        assert!(status.success(), "{signal}: {status}\n{}", exporter.process.stderr);
        exporter.process.stderr.find(|line| line.contains(signal.as_str()).then_some(()));
    }
}

#[test]
fn a_port_in_use_ends_the_start_with_the_flag_and_the_likely_neighbour() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut exporter = Process::start(command().args(["--web.listen-address", &address]));
    assert_eq!(exporter.wait().code(), Some(1));
    let error = exporter.stderr.to_string();
    for expected in [address.as_str(), "--web.listen-address", "ebpf_exporter"] {
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn several_addresses_serve_the_same_page() {
    let mut exporter = Exporter::start(&["--web.listen-address", "127.0.0.1:0"]);
    let found = exporter.process.stderr.wait_for(1);
    let listening = || -> Vec<String> {
        let all = exporter.process.stderr.all();
        all.iter().filter_map(|line| Some(line.split_once("listening on ")?.1.trim().to_owned())).collect()
    };
    assert_eq!(listening().len(), 2, "{found:?}");
    for address in listening() {
        assert_eq!(http::get(&address, "/metrics", &[]).status, 200);
    }
    exporter.process.signal(Signal::SIGTERM);
    assert!(exporter.process.wait().success());
}

#[test]
fn without_privilege_it_ends_with_one_clear_line() {
    for args in [&["--web.listen-address", "127.0.0.1:0"][..], &["trace"]] {
        let mut exporter = Process::start(&mut unprivileged(args));
        assert_eq!(exporter.wait().code(), Some(1));
        let errors: Vec<_> =
            exporter.stderr.all().into_iter().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{}", exporter.stderr);
        assert!(errors[0].contains("run as root, or grant CAP_BPF and CAP_PERFMON"), "{errors:?}");
    }
}

#[test]
fn wrong_values_are_usage_errors_that_name_them() {
    let rows: [(&[&str], &str); 7] = [
        (&["--ring-size", "5000"], "5000"),
        (&["--hook", "fentry"], "fentry"),
        (&["--web.listen-address", "nowhere"], "nowhere"),
        (&["--web.telemetry-path", "metrics"], "metrics"),
        (&["--events.signal", "SIGFOO"], "SIGFOO"),
        (&["trace", "-p", "0"], "0"),
        (&["trace", "-s", "65"], "65"),
    ];
    for (args, value) in rows {
        let mut exporter = Process::start(command().args(args));
        assert_eq!(exporter.wait().code(), Some(2), "{args:?}\n{}", exporter.stderr);
        assert!(exporter.stderr.to_string().contains(value), "{args:?}\n{}", exporter.stderr);
    }
}
