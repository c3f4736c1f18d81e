//! Posted signals as records.

use killsnoop_common::cause::Outcome;
use opentelemetry::logs::Severity;

use super::{Content, attributes::Attributes};
use crate::{event::Signal, verdict};

pub(super) fn content(signal: &Signal) -> Content {
    Content {
        kind: "signal",
        severity: severity(signal.posted.outcome),
        body: verdict::signal(signal),
        whom: signal.target.pid,
        attributes: attributes(signal),
    }
}

/// Higher if the queue was full, so that the target will never know what it was sent. That it ignores a signal, or has
/// it already, is its own business.
fn severity(outcome: Outcome) -> Severity {
    match outcome {
        Outcome::Overflow | Outcome::InfoLost => Severity::Info,
        Outcome::Delivered | Outcome::Ignored | Outcome::AlreadyPending => Severity::Debug,
    }
}

fn attributes(signal: &Signal) -> Attributes {
    let Signal { time, posted, target, blocked } = signal;
    let mut attributes = Attributes::with_room_for(48);
    attributes.posted(posted, posted.cause, None, time);
    attributes.int("killsnoop.signal.number", posted.signal);
    attributes.text("killsnoop.signal.name", posted.signal_name());
    attributes.text("killsnoop.cause", posted.cause.name());
    if target.pid != 0 {
        attributes.target(target, None, time);
    }
    attributes.text("killsnoop.target.blocked", format!("{blocked:016x}"));
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
            Event, Posted, Process,
            examples::{death, signal as example},
        },
        otlp::record::tests::check,
    };

    #[test]
    fn a_signal_of_the_kernel_has_no_sender_but_a_name() {
        check(
            &Event::Signal(Arc::new(example())),
            &expect![[r#"
                killsnoop.signal 1700000000123456789 1700000000223456789
                5 DEBUG
                SIGSEGV was sent to nginx (4711): fault (SEGV_MAPERR: address not mapped); no handler
                killsnoop.sender.name = "kernel:fault"
                killsnoop.signal.code = 1
                killsnoop.outcome = "delivered"
                killsnoop.action = "default"
                killsnoop.to_process = false
                killsnoop.signal.number = 11
                killsnoop.signal.name = "SIGSEGV"
                killsnoop.cause = "fault"
                killsnoop.target.pid = 4711
                killsnoop.target.user.id = 33
                killsnoop.target.tid = 4711
                killsnoop.target.comm = "nginx"
                killsnoop.target.vpid = 7
                killsnoop.target.pid_ns = 4026532001
                killsnoop.target.creation.time = "2023-11-10T20:13:20.123456789Z"
                killsnoop.target.cgroup.id = "8800"
                killsnoop.target.age = 352800.0
                killsnoop.target.blocked = "0000000000000000"
                log.record.uid = "9f0c-400000000000000-signal-4711"
            "#]],
        );
    }

    #[test]
    fn a_signal_of_a_process_is_told_with_its_sender_also_if_the_target_is_not_known() {
        let posted = Posted {
            cause: Cause::Sigqueue,
            outcome: Outcome::Overflow,
            claimed_pid: Some(1),
            sender: death().sender().cloned(),
            ..example().posted
        };
        let signal = Signal { posted, target: Process::default(), blocked: 1 << 14, ..example() };
        check(
            &Event::Signal(Arc::new(signal)),
            &expect![[r#"
                killsnoop.signal 1700000000123456789 1700000000223456789
                9 INFO
                SIGSEGV was sent to ? (0): sigqueue() by systemd-oomd (612, uid 994), although the signal claims to be from 1; not sent, because its queue was full
                process.pid = 612
                process.real_user.id = 994
                thread.id = 612
                thread.name = "systemd-oomd"
                process.vpid = 612
                killsnoop.sender.pid_ns = 4026531836
                process.creation.time = "2023-11-10T07:06:49.123456789Z"
                killsnoop.sender.cgroup.id = "500"
                killsnoop.sender.name = "systemd-oomd"
                killsnoop.signal.code = 1
                killsnoop.outcome = "overflow"
                killsnoop.action = "default"
                killsnoop.to_process = false
                killsnoop.claimed_pid = 1
                killsnoop.signal.number = 11
                killsnoop.signal.name = "SIGSEGV"
                killsnoop.cause = "sigqueue"
                killsnoop.target.blocked = "0000000000004000"
                log.record.uid = "9f0c-400000000000000-signal-0"
            "#]],
        );
    }

    #[test]
    fn only_what_a_full_queue_took_from_the_target_is_more_than_a_detail() {
        let rows = Outcome::ALL.map(|outcome| (outcome.name(), severity(outcome).name()));
        let expected = [
            ("delivered", "DEBUG"),
            ("ignored", "DEBUG"),
            ("already_pending", "DEBUG"),
            ("overflow", "INFO"),
            ("info_lost", "INFO"),
        ];
        assert_eq!(rows, expected);
    }
}
