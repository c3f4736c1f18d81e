//! The service and its socket under a real systemd.

use std::{fs, thread};

use crate::{debian::Debian, machine::Machine};

/// A machine on which the package was installed before it was booted.
fn machine() -> Machine {
    let debian = Debian::new();
    let deb = debian.bring_package();
    debian.says(&["dpkg", "--install", &deb]);
    Machine::boot(debian)
}

#[test]
fn a_booted_machine_runs_the_service_with_few_rights_tells_its_status_and_answers_why() {
    let machine = machine();
    let status =
        |n: u64| move |text: &String| deaths(text).is_some_and(|found| found >= n) && text.ends_with(" lost");
    let first = machine.until("StatusText", status(0));
    let hook = first.split(',').next().unwrap();
    assert!(hook.starts_with("hook ") && hook != "hook detached", "{first}");
    assert_eq!(machine.property("ActiveState"), "active");
    assert_ne!(machine.property("WatchdogTimestampMonotonic"), "0", "the watchdog has heard of it");
    let shown = machine.says(&["systemctl", "status", "--no-pager", "killsnoop-exporter"]);
    assert!(shown.contains(&format!("Status: \"{hook}, ")), "{shown}");

    // A user of its own, which is root nowhere, and no capability in any thread.
    let pid = machine.property("MainPID");
    let about = machine.says(&["sh", "-c", &format!("cat /proc/{pid}/task/*/status")]);
    let values = |key: &str| {
        about.lines().filter_map(|line| line.strip_prefix(key)).map(str::trim).collect::<Vec<_>>()
    };
    assert!(
        values("CapEff:").len() > 1 && values("CapEff:").iter().all(|set| *set == "0000000000000000"),
        "{about}"
    );
    assert!(values("Uid:").iter().all(|uids| !uids.split('\t').any(|uid| uid == "0")), "{about}");
    assert!(machine.says(&["systemctl", "show", "--value", "-p", "User", "killsnoop-exporter"]).len() > 1);

    // What dies there is told of, by the service's own account and by `why` on its socket.
    let kill = "sleep 1000 & until [[ $(</proc/$!/comm) == sleep ]]; do :; done; kill -KILL $!; wait";
    machine.run(&["bash", "-c", kill]);
    machine.until("StatusText", status(deaths(&first).unwrap() + 1));
    let why = machine.says(&["killsnoop-exporter", "why", "sleep"]);
    assert!(why.contains("was killed by SIGKILL: kill() by bash"), "{why}");
    let (served, page) = machine.get("/metrics");
    assert!(served && page.contains(&hook.replace("hook ", "killsnoop_hook_info{backend=\"")), "{page}");

    machine.says(&["systemctl", "stop", "killsnoop-exporter"]);
    assert_eq!(
        (machine.property("ActiveState"), machine.property("Result")),
        ("inactive".into(), "success".into())
    );
    assert!(!machine.run(&["test", "-e", "/run/killsnoop-exporter"]).0, "nothing is left");
    machine.says(&["dpkg", "--purge", "killsnoop-exporter"]);
    assert_eq!(machine.property("LoadState"), "not-found");
}

/// The number of deaths in a status.
fn deaths(status: &str) -> Option<u64> {
    status.split(", ").find_map(|part| part.strip_suffix(" since start"))?.split(' ').next()?.parse().ok()
}

#[test]
fn a_service_that_hangs_is_started_anew_by_the_watchdog() {
    let machine = machine();
    let folder = machine.debian.path().join("etc/systemd/system/killsnoop-exporter.service.d");
    fs::create_dir_all(&folder).unwrap();
    let sooner = "[Service]\nWatchdogSec=2s\nTimeoutStopSec=2s\nRestartSec=0\n";
    fs::write(folder.join("sooner.conf"), sooner).unwrap();
    machine.says(&["systemctl", "daemon-reload"]);
    machine.says(&["systemctl", "restart", "killsnoop-exporter"]);
    let pid = machine.property("MainPID");
    machine.says(&["systemctl", "kill", "--signal=STOP", "killsnoop-exporter"]);
    machine.until("NRestarts", |n: &u32| *n > 0);
    machine.until("ActiveState", |state: &String| state == "active");
    assert_ne!(machine.property("MainPID"), pid);
    let log = machine.says(&["journalctl", "--no-pager", "-u", "killsnoop-exporter"]);
    assert!(log.contains("Watchdog timeout"), "{log}");
    assert!(machine.get("/readyz").1.ends_with("ready\n"));
}

#[test]
fn with_the_socket_unit_no_scrape_fails_while_the_service_restarts_and_without_it_some_do() {
    let machine = machine();
    assert!(n_failed_during_restarts(&machine) > 0, "else this shows nothing");
    machine.says(&["systemctl", "stop", "killsnoop-exporter.service"]);
    machine.says(&["systemctl", "enable", "--now", "killsnoop-exporter.socket"]);
    machine.says(&["systemctl", "start", "killsnoop-exporter.service"]);
    assert_eq!(n_failed_during_restarts(&machine), 0);
    // And nobody but systemd holds the port when the service is gone; whoever asks starts it.
    machine.says(&["systemctl", "stop", "killsnoop-exporter.service"]);
    assert!(machine.get("/readyz").1.ends_with("ready\n"));
    assert_eq!(machine.property("ActiveState"), "active");
}

/// Scrapes all the time while the service restarts three times.
fn n_failed_during_restarts(machine: &Machine) -> usize {
    thread::scope(|scope| {
        let restarts = scope.spawn(|| {
            for _ in 0..3 {
                machine.says(&["systemctl", "reset-failed", "killsnoop-exporter.service"]);
                machine.says(&["systemctl", "restart", "killsnoop-exporter.service"]);
            }
        });
        let mut n_failed = 0;
        while !restarts.is_finished() {
            let (served, page) = machine.get("/metrics");
            n_failed += usize::from(!served || !page.contains("killsnoop_build_info"));
        }
        restarts.join().unwrap();
        n_failed
    })
}
