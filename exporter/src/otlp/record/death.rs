//! Deaths as records: the verdict, with everything that it rests on.

use opentelemetry::logs::Severity;

use super::{Content, attributes::Attributes};
use crate::{event::Death, verdict};

/// The one signal that no process can prepare for.
const SIGKILL: i32 = 9;

pub(super) fn content(death: &Death) -> Content {
    Content {
        kind: "death",
        severity: severity(death),
        body: verdict::death(death),
        whom: death.victim.pid,
        attributes: attributes(death),
    }
}

fn severity(death: &Death) -> Severity {
    let is_error = death.signal == SIGKILL || death.cause.is_oom() || death.core_dumped;
    if is_error { Severity::Error } else { Severity::Warn }
}

fn attributes(death: &Death) -> Attributes {
    let Death { time, signal, cause, core_dumped, fatal, before, memory, .. } = death;
    let mut attributes = Attributes::with_room_for(64);
    if let Some(fatal) = fatal {
        attributes.posted(fatal, *cause, Some(&death.sender_background), time);
    } else {
        attributes.text("killsnoop.sender.name", "unknown");
    }
    attributes.int("killsnoop.signal.number", *signal);
    attributes.text("killsnoop.signal.name", death.signal_name());
    attributes.text("killsnoop.cause", cause.name());
    attributes.bool("killsnoop.core_dumped", *core_dumped);
    attributes.int("killsnoop.exit_status", death.exit_status());
    attributes.target(&death.victim, Some(&death.victim_background), time);
    if let Some(before) = before {
        let at_boot_ns = fatal.as_ref().map_or(time.boot_ns, |fatal| fatal.at_boot_ns);
        attributes.preceded_by(before, at_boot_ns);
    }
    if let Some(memory) = memory {
        attributes.memory(memory);
    }
    attributes
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::expect;
    use killsnoop_common::cause::Cause;

    use super::*;
    use crate::{
        event::{
            Background, Event, Posted, Process,
            examples::{death as example, oom_kill},
        },
        otlp::record::tests::check,
    };

    #[test]
    fn a_death_is_told_with_its_sender_its_victim_and_the_signal_before() {
        check(
            &Event::Death(Arc::new(example())),
            &expect![[r#"
                killsnoop.death 1700000000123456789 1700000000223456789
                17 ERROR
                nginx (4711) was killed by SIGKILL: kill() by systemd-oomd (612, uid 994) 0.3 s after its SIGTERM; up 4 d 2 h; exit status 137
                process.pid = 612
                process.real_user.id = 994
                thread.id = 612
                thread.name = "systemd-oomd"
                process.vpid = 612
                killsnoop.sender.pid_ns = 4026531836
                process.creation.time = "2023-11-10T07:06:49.123456789Z"
                killsnoop.sender.cgroup.id = "500"
                process.executable.path = "/usr/lib/systemd/systemd-oomd"
                process.executable.name = "systemd-oomd"
                process.parent_pid = 1
                killsnoop.sender.ancestors = ["systemd (1)"]
                killsnoop.sender.name = "systemd-oomd"
                killsnoop.signal.code = 0
                killsnoop.outcome = "delivered"
                killsnoop.action = "default"
                killsnoop.to_process = true
                killsnoop.signal.number = 9
                killsnoop.signal.name = "SIGKILL"
                killsnoop.cause = "kill"
                killsnoop.core_dumped = false
                killsnoop.exit_status = 137
                killsnoop.target.pid = 4711
                killsnoop.target.user.id = 33
                killsnoop.target.tid = 4711
                killsnoop.target.comm = "nginx"
                killsnoop.target.vpid = 7
                killsnoop.target.pid_ns = 4026532001
                killsnoop.target.creation.time = "2023-11-10T20:13:20.123456789Z"
                killsnoop.target.cgroup.id = "8800"
                killsnoop.target.executable.path = "/usr/sbin/nginx"
                killsnoop.target.executable.name = "nginx"
                killsnoop.target.parent_pid = 4700
                killsnoop.target.ancestors = ["nginx (4700)", "systemd (1)"]
                killsnoop.target.age = 352800.0
                killsnoop.preceded_by.signal.number = 15
                killsnoop.preceded_by.signal.name = "SIGTERM"
                killsnoop.preceded_by.cause = "kill"
                killsnoop.preceded_by.sender.pid = 612
                killsnoop.preceded_by.sender.name = "systemd-oomd"
                killsnoop.preceded_by.seconds_before = 0.3
                log.record.uid = "9f0c-400000000000000-death-4711"
            "#]],
        );
    }

    #[test]
    fn a_death_for_want_of_memory_is_told_with_the_memory_and_with_who_wanted_it() {
        let death =
            Death { cause: Cause::OomMemcg, memory: Some(oom_kill().memory), before: None, ..example() };
        check(
            &Event::Death(Arc::new(death)),
            &expect![[r#"
                killsnoop.death 1700000000123456789 1700000000223456789
                17 ERROR
                nginx (4711) was killed by SIGKILL: its memory cgroup (id 8700) was at its limit (anon 250.0 MiB, oom_score_adj 500); systemd-oomd (612, uid 994) wanted memory; up 4 d 2 h; exit status 137
                process.pid = 612
                process.real_user.id = 994
                thread.id = 612
                thread.name = "systemd-oomd"
                process.vpid = 612
                killsnoop.sender.pid_ns = 4026531836
                process.creation.time = "2023-11-10T07:06:49.123456789Z"
                killsnoop.sender.cgroup.id = "500"
                process.executable.path = "/usr/lib/systemd/systemd-oomd"
                process.executable.name = "systemd-oomd"
                process.parent_pid = 1
                killsnoop.sender.ancestors = ["systemd (1)"]
                killsnoop.sender.name = "kernel:oom_memcg"
                killsnoop.signal.code = 0
                killsnoop.outcome = "delivered"
                killsnoop.action = "default"
                killsnoop.to_process = true
                killsnoop.signal.number = 9
                killsnoop.signal.name = "SIGKILL"
                killsnoop.cause = "oom_memcg"
                killsnoop.core_dumped = false
                killsnoop.exit_status = 137
                killsnoop.target.pid = 4711
                killsnoop.target.user.id = 33
                killsnoop.target.tid = 4711
                killsnoop.target.comm = "nginx"
                killsnoop.target.vpid = 7
                killsnoop.target.pid_ns = 4026532001
                killsnoop.target.creation.time = "2023-11-10T20:13:20.123456789Z"
                killsnoop.target.cgroup.id = "8800"
                killsnoop.target.executable.path = "/usr/sbin/nginx"
                killsnoop.target.executable.name = "nginx"
                killsnoop.target.parent_pid = 4700
                killsnoop.target.ancestors = ["nginx (4700)", "systemd (1)"]
                killsnoop.target.age = 352800.0
                killsnoop.oom.scope = "memcg"
                killsnoop.oom.limit_cgroup.id = "8700"
                killsnoop.oom.score_adj = 500
                killsnoop.oom.total_bytes = 419430400
                killsnoop.oom.anon_bytes = 262144000
                killsnoop.oom.file_bytes = 3145728
                killsnoop.oom.shmem_bytes = 0
                killsnoop.oom.page_table_bytes = 716800
                log.record.uid = "9f0c-400000000000000-death-4711"
            "#]],
        );
    }

    #[test]
    fn a_death_of_which_little_is_known_says_no_more_than_that() {
        let death = Death {
            signal: 15,
            cause: Cause::Unknown,
            victim: Process { start_boot_ns: 0, ns_pid: 0, pid_ns: 0, ..example().victim },
            victim_background: Background::default(),
            fatal: None,
            sender_background: Background::default(),
            before: None,
            ..example()
        };
        check(
            &Event::Death(Arc::new(death)),
            &expect![[r#"
                killsnoop.death 1700000000123456789 1700000000223456789
                13 WARN
                nginx (4711) was killed by SIGTERM: nobody was seen to send it; exit status 143
                killsnoop.sender.name = "unknown"
                killsnoop.signal.number = 15
                killsnoop.signal.name = "SIGTERM"
                killsnoop.cause = "unknown"
                killsnoop.core_dumped = false
                killsnoop.exit_status = 143
                killsnoop.target.pid = 4711
                killsnoop.target.user.id = 33
                killsnoop.target.tid = 4711
                killsnoop.target.comm = "nginx"
                killsnoop.target.cgroup.id = "8800"
                log.record.uid = "9f0c-400000000000000-death-4711"
            "#]],
        );
    }

    #[test]
    fn a_death_is_an_error_if_the_process_had_no_chance_or_left_a_core_dump() {
        let rows = [
            (9, Cause::Kill, false, Severity::Error),
            (9, Cause::OomMemcg, false, Severity::Error),
            (15, Cause::OomGlobal, false, Severity::Error),
            (11, Cause::Fault, true, Severity::Error),
            (11, Cause::Fault, false, Severity::Warn),
            (15, Cause::Kill, false, Severity::Warn),
        ];
        for (signal, cause, core_dumped, expected) in rows {
            let death = Death { signal, cause, core_dumped, ..example() };
            assert_eq!(content(&death).severity, expected, "{signal} {cause:?}");
        }
    }

    #[test]
    fn the_kernel_is_named_with_the_cause_that_the_death_is_known_by() {
        let fatal = example().fatal.map(|fatal| Posted { cause: Cause::Oom, sender: None, ..fatal });
        let death = Death { cause: Cause::OomGlobal, fatal, ..example() };
        let attributes = attributes(&death).list();
        let name = attributes.iter().find(|attribute| attribute.key == "killsnoop.sender.name");
        assert!(format!("{name:?}").contains("kernel:oom_global"), "{name:?}");
        assert!(attributes.iter().all(|attribute| !attribute.key.starts_with("process.")));
    }
}
