//! From event to log record: one to one, and without looking anything up.

use std::borrow::Cow;

use killsnoop_common::kill::Syscall;
use opentelemetry::logs::Severity;
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
};
use opentelemetry_semantic_conventions::{SCHEMA_URL, attribute as semconv};

use super::resource;
use crate::event::{Call, Event};

/// The name of the event that a record tells of.
const EVENT_NAME: &str = "killsnoop.kill_call";

/// What all requests have in common.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    resource: Resource,
    boot_id: String,
}

impl Envelope {
    /// Describes this service on this machine, with what the operator says of it.
    pub(super) fn new(given: &[(String, String)]) -> Self {
        Self { resource: resource::detect(given), boot_id: resource::boot_id() }
    }

    /// A request with a record of each event.
    pub(super) fn request(&self, events: &[Event]) -> ExportLogsServiceRequest {
        let scope = InstrumentationScope {
            name: env!("CARGO_CRATE_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let scope_logs = ScopeLogs {
            scope: Some(scope),
            log_records: events
                .iter()
                .filter_map(|event| match event {
                    Event::Call(call) => Some(record(call, &self.boot_id)),
                    _ => None,
                })
                .collect(),
            schema_url: SCHEMA_URL.to_owned(),
        };
        let resource_logs = ResourceLogs {
            resource: Some(self.resource.clone()),
            scope_logs: vec![scope_logs],
            schema_url: SCHEMA_URL.to_owned(),
        };
        ExportLogsServiceRequest { resource_logs: vec![resource_logs] }
    }
}

/// An attribute that is text.
pub(super) fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn int(key: &str, value: impl Into<i64>) -> KeyValue {
    attribute(key, Value::IntValue(value.into()))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn record(event: &Call, boot_id: &str) -> LogRecord {
    let severity = if event.result < 0 { Severity::Info } else { Severity::Debug };
    LogRecord {
        time_unix_nano: event.time.unix_ns,
        observed_time_unix_nano: event.time.observed_unix_ns,
        severity_number: severity as i32,
        severity_text: severity.name().to_owned(),
        body: Some(AnyValue { value: Some(Value::StringValue(sentence(event))) }),
        attributes: attributes(event, boot_id),
        event_name: EVENT_NAME.to_owned(),
        ..LogRecord::default()
    }
}

fn attributes(event: &Call, boot_id: &str) -> Vec<KeyValue> {
    let sender = &event.sender;
    let mut attributes = Vec::with_capacity(16);
    attributes.extend([
        int(semconv::PROCESS_PID, sender.pid),
        int(semconv::PROCESS_REAL_USER_ID, sender.uid),
        int(semconv::THREAD_ID, sender.tid),
        text(semconv::THREAD_NAME, sender.comm.text()),
        text("killsnoop.sender.cgroup.id", sender.cgroup.to_string()),
        text("killsnoop.syscall.name", event.syscall.name()),
        int("killsnoop.signal.number", event.signal),
        text("killsnoop.signal.name", event.signal_name()),
        int("killsnoop.result", event.result),
        text(semconv::LOG_RECORD_UID, format!("{boot_id}-{}-{}", event.time.boot_ns, sender.tid)),
    ]);
    attributes.extend(target(event).into_iter().flatten());
    attributes.extend(event.compat.then(|| text("killsnoop.abi", "compat")));
    attributes.extend(event.error_name().map(|name| text(semconv::ERROR_TYPE, name)));
    attributes
}

fn target(event: &Call) -> [Option<KeyValue>; 2] {
    let pid = || Some(int("killsnoop.target.pid", event.target));
    let tid = |tid| (tid != 0).then(|| int("killsnoop.target.tid", tid));
    match event.syscall {
        Syscall::PidfdSendSignal => [Some(int("killsnoop.target.pidfd", event.target)), None],
        Syscall::Tkill => [None, tid(event.target)],
        _ => [pid(), tid(event.target_tid)],
    }
}

/// Says the event in words.
fn sentence(event: &Call) -> String {
    let comm = printable(event.sender.comm.text());
    let pid = event.sender.pid;
    let signal = event.signal_name();
    // A number without a name would read as an amount.
    let kind = if signal.starts_with("SIG") { "" } else { "signal " };
    let target = target_in_words(event);
    let syscall = event.syscall.name();
    let outcome = event.error_name().map(|name| format!(": {name}")).unwrap_or_default();
    format!("{comm} ({pid}) sent {kind}{signal} to {target} by {syscall}{outcome}")
}

fn target_in_words(event: &Call) -> String {
    let Call { syscall, target, target_tid, .. } = event;
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

/// The name without characters that would break a line or move a cursor: any program may choose its own.
fn printable(name: Cow<'_, str>) -> Cow<'_, str> {
    if !name.contains(char::is_control) {
        return name;
    }
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    name.chars().map(escape).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fmt::Write as _};

    use super::*;
    use crate::event::{Comm, Process, examples::call as example};
    use expect_test::{Expect, expect};

    fn check(event: &Call, expected: &Expect) {
        let record = record(event, "9f0c");
        let mut shown = format!(
            "{} {} {}\n{} {}\n",
            record.event_name,
            record.time_unix_nano,
            record.observed_time_unix_nano,
            record.severity_number,
            record.severity_text
        );
        writeln!(shown, "{:?}", record.body.unwrap().value.unwrap()).unwrap();
        for attribute in &record.attributes {
            writeln!(
                shown,
                "{} {:?}",
                attribute.key,
                attribute.value.as_ref().unwrap().value.as_ref().unwrap()
            )
            .unwrap();
        }
        expected.assert_eq(&shown);
        let keys: BTreeSet<_> = record.attributes.iter().map(|attribute| &attribute.key).collect();
        assert_eq!(keys.len(), record.attributes.len(), "a key came twice");
    }

    #[test]
    fn a_failed_call_is_told_with_everything_that_is_known() {
        check(
            &example(),
            &expect![[r#"
            killsnoop.kill_call 1700000000123456789 1700000000223456789
            9 INFO
            StringValue("bash (4242) sent SIGKILL to 1024 by kill: ESRCH")
            process.pid IntValue(4242)
            process.real_user.id IntValue(1000)
            thread.id IntValue(4243)
            thread.name StringValue("bash")
            killsnoop.sender.cgroup.id StringValue("77")
            killsnoop.syscall.name StringValue("kill")
            killsnoop.signal.number IntValue(9)
            killsnoop.signal.name StringValue("SIGKILL")
            killsnoop.result IntValue(-3)
            log.record.uid StringValue("9f0c-5000000123-4243")
            killsnoop.target.pid IntValue(1024)
            error.type StringValue("ESRCH")
        "#]],
        );
    }

    #[test]
    fn a_successful_call_of_a_32_bit_program_to_a_thread_names_both_its_ids() {
        let event = Call {
            syscall: Syscall::Tgkill,
            compat: true,
            target: 10,
            target_tid: 11,
            signal: 34,
            result: 0,
            ..example()
        };
        check(
            &event,
            &expect![[r#"
            killsnoop.kill_call 1700000000123456789 1700000000223456789
            5 DEBUG
            StringValue("bash (4242) sent SIGRTMIN to thread 11 of 10 by tgkill")
            process.pid IntValue(4242)
            process.real_user.id IntValue(1000)
            thread.id IntValue(4243)
            thread.name StringValue("bash")
            killsnoop.sender.cgroup.id StringValue("77")
            killsnoop.syscall.name StringValue("tgkill")
            killsnoop.signal.number IntValue(34)
            killsnoop.signal.name StringValue("SIGRTMIN")
            killsnoop.result IntValue(0)
            log.record.uid StringValue("9f0c-5000000123-4243")
            killsnoop.target.pid IntValue(10)
            killsnoop.target.tid IntValue(11)
            killsnoop.abi StringValue("compat")
        "#]],
        );
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        let sender =
            Process { pid: u32::MAX, tid: u32::MAX, uid: u32::MAX, cgroup: u64::MAX, ..example().sender };
        let event = Call {
            sender,
            at_boot_ns: u64::MAX,
            at_unix_ns: u64::MAX,
            signal: i32::MIN,
            target: i32::MIN,
            result: -999,
            ..example()
        };
        check(
            &event,
            &expect![[r#"
            killsnoop.kill_call 18446744073709551615 1700000000223456789
            9 INFO
            StringValue("bash (4294967295) sent signal -2147483648 to group 2147483648 by kill: 999")
            process.pid IntValue(4294967295)
            process.real_user.id IntValue(4294967295)
            thread.id IntValue(4294967295)
            thread.name StringValue("bash")
            killsnoop.sender.cgroup.id StringValue("18446744073709551615")
            killsnoop.syscall.name StringValue("kill")
            killsnoop.signal.number IntValue(-2147483648)
            killsnoop.signal.name StringValue("-2147483648")
            killsnoop.result IntValue(-999)
            log.record.uid StringValue("9f0c-18446744073709551615-4294967295")
            killsnoop.target.pid IntValue(-2147483648)
            error.type StringValue("999")
        "#]],
        );
    }

    #[test]
    fn the_target_is_named_by_what_the_call_takes() {
        let keys = |event: &Call| -> Vec<_> { target(event).into_iter().flatten().map(|a| a.key).collect() };
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
        for (syscall, target, target_tid, expected, words) in rows {
            let event = Call { syscall, target, target_tid, ..example() };
            assert_eq!(keys(&event), expected, "{event:?}");
            assert_eq!(target_in_words(&event), words, "{event:?}");
        }
    }

    #[test]
    fn the_sentence_stays_on_one_line_whatever_the_sender_calls_itself() {
        let mut event = Call { signal: 0, ..example() };
        event.sender.comm = Comm(*b"a\n\x1b\xc3\xa9\xff\0\0\0\0\0\0\0\0\0\0");
        let expected = "a\\n\\u{1b}é\u{fffd} (4242) sent signal 0 to 1024 by kill: ESRCH";
        assert_eq!(sentence(&event), expected);
    }

    #[test]
    fn a_record_has_the_same_id_each_time_and_another_one_than_its_neighbours() {
        let uid =
            |event: &Call| record(event, "b").attributes.into_iter().find(|a| a.key == "log.record.uid");
        let event = example();
        assert_eq!(uid(&event), uid(&event));
        assert_ne!(uid(&event), uid(&Call { at_boot_ns: event.time.boot_ns + 1, ..event }));
        assert_ne!(uid(&event), uid(&Call { sender: Process { tid: 1, ..event.sender }, ..event }));
    }

    #[test]
    fn a_request_names_service_scope_and_schema() {
        let request = Envelope::new(&[]).request(&[example(), example()]);
        let [resource_logs] = &request.resource_logs[..] else { panic!("one resource") };
        let [scope_logs] = &resource_logs.scope_logs[..] else { panic!("one scope") };
        let scope = scope_logs.scope.as_ref().unwrap();
        assert_eq!((&*scope.name, &*scope.version), ("killsnoop_exporter", env!("CARGO_PKG_VERSION")));
        assert_eq!(scope_logs.schema_url, SCHEMA_URL);
        assert_eq!(scope_logs.log_records.len(), 2);
    }
}
