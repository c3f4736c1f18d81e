//! Calls that send a signal as records.

use killsnoop_common::kill::Syscall;
use opentelemetry::logs::Severity;
use opentelemetry_semantic_conventions::attribute as semconv;

use super::{Content, attributes::Attributes};
use crate::{event::Call, verdict::printable};

pub(super) fn content(call: &Call) -> Content {
    Content {
        kind: "kill_call",
        severity: if call.result < 0 { Severity::Info } else { Severity::Debug },
        body: sentence(call),
        whom: call.sender.tid,
        attributes: attributes(call),
    }
}

fn attributes(call: &Call) -> Attributes {
    let mut attributes = Attributes::with_room_for(32);
    attributes.sender(&call.sender, None, &call.time);
    attributes.text("killsnoop.sender.name", call.sender.comm.text());
    attributes.text("killsnoop.syscall.name", call.syscall.name());
    if call.compat {
        attributes.text("killsnoop.abi", "compat");
    }
    attributes.int("killsnoop.signal.number", call.signal);
    attributes.text("killsnoop.signal.name", call.signal_name());
    attributes.target_as_asked(call);
    attributes.int("killsnoop.result", call.result);
    attributes.text_if_known(semconv::ERROR_TYPE, call.error_name());
    attributes
}

impl Attributes {
    fn target_as_asked(&mut self, call: &Call) {
        let Call { syscall, target, target_tid, target_pid, .. } = call;
        match syscall {
            Syscall::PidfdSendSignal => self.int("killsnoop.target.pidfd", *target),
            Syscall::Tkill => {}
            _ => self.int("killsnoop.target.pid", *target),
        }
        let tid = if *syscall == Syscall::Tkill { *target } else { *target_tid };
        self.int_if_known("killsnoop.target.tid", (tid != 0).then_some(tid));
        self.int_if_known("killsnoop.target.host_pid", *target_pid);
    }
}

/// Says the call in words.
fn sentence(call: &Call) -> String {
    let comm = printable::text(call.sender.comm.bytes());
    let pid = call.sender.pid;
    let signal = call.signal_name();
    // A number without a name would read as an amount.
    let kind = if signal.starts_with("SIG") { "" } else { "signal " };
    let target = target_in_words(call);
    let syscall = call.syscall.name();
    let outcome = call.error_name().map(|name| format!(": {name}")).unwrap_or_default();
    format!("{comm} ({pid}) sent {kind}{signal} to {target} by {syscall}{outcome}")
}

fn target_in_words(call: &Call) -> String {
    let asked = target_as_asked_in_words(call);
    match call.target_pid {
        Some(pid) => format!("{asked} (process {pid})"),
        None => asked,
    }
}

fn target_as_asked_in_words(call: &Call) -> String {
    let Call { syscall, target, target_tid, .. } = call;
    match (syscall, target) {
        (Syscall::PidfdSendSignal, _) => format!("pidfd {target}"),
        (Syscall::Tkill, _) => format!("thread {target}"),
        (Syscall::Tgkill | Syscall::RtTgsigqueueinfo, _) => format!("thread {target_tid} of {target}"),
        (Syscall::Kill, 0) => "its own group".to_owned(),
        (Syscall::Kill, -1) => "everybody".to_owned(),
        (Syscall::Kill, ..0) => format!("group {}", target.unsigned_abs()),
        _ => target.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::expect;

    use super::*;
    use crate::{
        cgroup::{Container, Place, Pod},
        event::{Comm, Event, Process, Time, examples::call as example},
        otlp::record::tests::check,
    };

    #[test]
    fn a_failed_call_is_told_with_everything_that_is_known() {
        check(
            &Event::Call(example()),
            &expect![[r#"
            killsnoop.kill_call 1700000000123456789 1700000000223456789
            9 INFO
            bash (4242) sent SIGKILL to 1024 by kill: ESRCH
            process.pid = 4242
            process.real_user.id = 1000
            thread.id = 4243
            thread.name = "bash"
            killsnoop.sender.cgroup.id = "77"
            killsnoop.sender.name = "bash"
            killsnoop.syscall.name = "kill"
            killsnoop.signal.number = 9
            killsnoop.signal.name = "SIGKILL"
            killsnoop.target.pid = 1024
            killsnoop.result = -3
            error.type = "ESRCH"
            log.record.uid = "9f0c-5000000123-kill_call-4243"
        "#]],
        );
    }

    #[test]
    fn a_successful_call_of_a_32_bit_program_to_a_thread_names_both_its_ids() {
        let call = Call {
            syscall: Syscall::Tgkill,
            compat: true,
            target: 10,
            target_tid: 11,
            signal: 34,
            result: 0,
            ..example()
        };
        check(
            &Event::Call(call),
            &expect![[r#"
            killsnoop.kill_call 1700000000123456789 1700000000223456789
            5 DEBUG
            bash (4242) sent SIGRTMIN to thread 11 of 10 by tgkill
            process.pid = 4242
            process.real_user.id = 1000
            thread.id = 4243
            thread.name = "bash"
            killsnoop.sender.cgroup.id = "77"
            killsnoop.sender.name = "bash"
            killsnoop.syscall.name = "tgkill"
            killsnoop.abi = "compat"
            killsnoop.signal.number = 34
            killsnoop.signal.name = "SIGRTMIN"
            killsnoop.target.pid = 10
            killsnoop.target.tid = 11
            killsnoop.result = 0
            log.record.uid = "9f0c-5000000123-kill_call-4243"
        "#]],
        );
    }

    #[test]
    fn a_call_from_a_pod_to_a_process_that_only_the_kernel_could_name_is_told_with_both() {
        let place = Place {
            path: "/kubepods.slice/a/b".to_owned(),
            container: Some(Container {
                id: "c0ffee".to_owned(),
                runtime: "containerd",
                name: Some("web".to_owned()),
            }),
            pod: Some(Pod {
                uid: "1-2".to_owned(),
                name: Some("web-0".to_owned()),
                namespace: Some("shop".to_owned()),
            }),
            unit: None,
        };
        let sender = Process { place: Some(Arc::new(place)), ..example().sender };
        let syscall = Syscall::PidfdSendSignal;
        let call = Call { sender, syscall, target: 7, target_pid: Some(4711), result: 0, ..example() };
        check(
            &Event::Call(call),
            &expect![[r#"
            killsnoop.kill_call 1700000000123456789 1700000000223456789
            5 DEBUG
            bash (4242) sent SIGKILL to pidfd 7 (process 4711) by pidfd_send_signal
            process.pid = 4242
            process.real_user.id = 1000
            thread.id = 4243
            thread.name = "bash"
            killsnoop.sender.cgroup.id = "77"
            killsnoop.sender.cgroup.path = "/kubepods.slice/a/b"
            container.id = "c0ffee"
            container.runtime.name = "containerd"
            k8s.container.name = "web"
            k8s.pod.uid = "1-2"
            k8s.pod.name = "web-0"
            k8s.namespace.name = "shop"
            killsnoop.sender.name = "bash"
            killsnoop.syscall.name = "pidfd_send_signal"
            killsnoop.signal.number = 9
            killsnoop.signal.name = "SIGKILL"
            killsnoop.target.pidfd = 7
            killsnoop.target.host_pid = 4711
            killsnoop.result = 0
            log.record.uid = "9f0c-5000000123-kill_call-4243"
        "#]],
        );
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        let sender =
            Process { pid: u32::MAX, tid: u32::MAX, uid: u32::MAX, cgroup: u64::MAX, ..example().sender };
        let time = Time { boot_ns: u64::MAX, unix_ns: u64::MAX, ..example().time };
        let call = Call { sender, time, signal: i32::MIN, target: i32::MIN, result: -999, ..example() };
        check(
            &Event::Call(call),
            &expect![[r#"
            killsnoop.kill_call 18446744073709551615 1700000000223456789
            9 INFO
            bash (4294967295) sent signal -2147483648 to group 2147483648 by kill: 999
            process.pid = 4294967295
            process.real_user.id = 4294967295
            thread.id = 4294967295
            thread.name = "bash"
            killsnoop.sender.cgroup.id = "18446744073709551615"
            killsnoop.sender.name = "bash"
            killsnoop.syscall.name = "kill"
            killsnoop.signal.number = -2147483648
            killsnoop.signal.name = "-2147483648"
            killsnoop.target.pid = -2147483648
            killsnoop.result = -999
            error.type = "999"
            log.record.uid = "9f0c-18446744073709551615-kill_call-4294967295"
        "#]],
        );
    }

    #[test]
    fn the_target_is_named_by_what_the_call_takes() {
        let keys = |call: &Call| -> Vec<_> {
            let mut attributes = Attributes::with_room_for(3);
            attributes.target_as_asked(call);
            attributes.list().into_iter().map(|attribute| attribute.key).collect()
        };
        let rows = [
            (Syscall::Kill, 5, 0, vec!["killsnoop.target.pid"], "5"),
            (Syscall::Kill, 0, 0, vec!["killsnoop.target.pid"], "its own group"),
            (Syscall::Kill, -1, 0, vec!["killsnoop.target.pid"], "everybody"),
            (Syscall::Kill, -7, 0, vec!["killsnoop.target.pid"], "group 7"),
            (Syscall::Kill, i32::MIN, 0, vec!["killsnoop.target.pid"], "group 2147483648"),
            (Syscall::Tkill, 5, 0, vec!["killsnoop.target.tid"], "thread 5"),
            (Syscall::Tgkill, 5, 6, vec!["killsnoop.target.pid", "killsnoop.target.tid"], "thread 6 of 5"),
            (Syscall::RtSigqueueinfo, -1, 0, vec!["killsnoop.target.pid"], "-1"),
            (Syscall::RtTgsigqueueinfo, 5, 0, vec!["killsnoop.target.pid"], "thread 0 of 5"),
            (Syscall::PidfdSendSignal, 3, 0, vec!["killsnoop.target.pidfd"], "pidfd 3"),
        ];
        for (syscall, target, target_tid, mut expected, words) in rows {
            let call = Call { syscall, target, target_tid, ..example() };
            assert_eq!(keys(&call), expected, "{call:?}");
            assert_eq!(target_in_words(&call), words, "{call:?}");
            let known = Call { target_pid: Some(99), ..call };
            expected.push("killsnoop.target.host_pid");
            assert_eq!(keys(&known), expected, "{known:?}");
            assert_eq!(target_in_words(&known), format!("{words} (process 99)"), "{known:?}");
        }
    }

    #[test]
    fn the_sentence_stays_on_one_line_whatever_the_sender_calls_itself() {
        let mut call = Call { signal: 0, ..example() };
        call.sender.comm = Comm(*b"a\n\x1b\xc3\xa9\xff\0\0\0\0\0\0\0\0\0\0");
        check(
            &Event::Call(call),
            &expect![[r#"
                killsnoop.kill_call 1700000000123456789 1700000000223456789
                9 INFO
                a\n\x1bé\xff (4242) sent signal 0 to 1024 by kill: ESRCH
                process.pid = 4242
                process.real_user.id = 1000
                thread.id = 4243
                thread.name = "a\n\u{1b}é�"
                killsnoop.sender.cgroup.id = "77"
                killsnoop.sender.name = "a\n\u{1b}é�"
                killsnoop.syscall.name = "kill"
                killsnoop.signal.number = 0
                killsnoop.signal.name = "0"
                killsnoop.target.pid = 1024
                killsnoop.result = -3
                error.type = "ESRCH"
                log.record.uid = "9f0c-5000000123-kill_call-4243"
            "#]],
        );
    }
}
