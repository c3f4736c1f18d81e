//! What holds for records of every kind, and how the tests of one kind see a record.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

use expect_test::Expect;
use killsnoop_common::{COMM_LEN, kill::Syscall};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use proptest::prelude::*;

use super::*;
use crate::{
    cgroup::{Container, Place, Pod},
    event::{Background, Call, Comm, Death, OomKill, Posted, Process, Signal, examples},
};

/// Compares a record, written down, with what it should be.
pub(super) fn check(event: &Event, expected: &Expect) {
    let record = record(event, "9f0c");
    expected.assert_eq(&shown(&record));
    keys(&record);
}

fn shown(record: &LogRecord) -> String {
    let mut shown = format!(
        "{} {} {}\n{} {}\n{}\n",
        record.event_name,
        record.time_unix_nano,
        record.observed_time_unix_nano,
        record.severity_number,
        record.severity_text,
        body(record)
    );
    for attribute in &record.attributes {
        let value = match value(attribute) {
            Value::StringValue(text) => format!("{text:?}"),
            Value::IntValue(number) => format!("{number}"),
            Value::DoubleValue(number) => format!("{number:?}"),
            Value::BoolValue(flag) => format!("{flag}"),
            Value::ArrayValue(array) => format!("{:?}", texts(&array.values)),
            other => panic!("{other:?}"),
        };
        writeln!(shown, "{} = {value}", attribute.key).unwrap();
    }
    shown
}

fn body(record: &LogRecord) -> &str {
    let value = record.body.as_ref().and_then(|body| body.value.as_ref());
    let Some(Value::StringValue(body)) = value else { panic!("{value:?} is no text") };
    body
}

fn value(attribute: &KeyValue) -> &Value {
    attribute.value.as_ref().and_then(|value| value.value.as_ref()).unwrap()
}

fn texts(values: &[AnyValue]) -> Vec<String> {
    let text = |value: &AnyValue| match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        other => panic!("{other:?} is no text"),
    };
    values.iter().map(text).collect()
}

/// The names of a record's attributes, which each come once.
fn keys(record: &LogRecord) -> BTreeSet<&str> {
    let keys: BTreeSet<_> = record.attributes.iter().map(|attribute| &*attribute.key).collect();
    assert_eq!(keys.len(), record.attributes.len(), "a key came twice");
    keys
}

/// A place in a pod, or in a container outside of pods, of which all is known.
fn place(text: &str, pod: Option<Pod>) -> Arc<Place> {
    let container = Container { id: text.to_owned(), runtime: "docker", name: Some(text.to_owned()) };
    Arc::new(Place { path: text.to_owned(), container: Some(container), pod, unit: Some(text.to_owned()) })
}

fn pod(text: &str) -> Pod {
    Pod { uid: text.to_owned(), name: Some(text.to_owned()), namespace: Some(text.to_owned()) }
}

/// An event of each kind, of which all is known; names are given, and every second one is in a pod.
fn whole_events(comm: Comm, text: &str) -> Vec<Event> {
    let in_pod = |process: Process| Process { comm, place: Some(place(text, Some(pod(text)))), ..process };
    let outside = |process: Process| Process { comm, place: Some(place(text, None)), ..process };
    let posted =
        |posted: Posted| Posted { sender: posted.sender.map(outside), claimed_pid: Some(9), ..posted };
    let background = Background {
        exe: Some(text.to_owned()),
        command: Some(text.to_owned()),
        ancestors: vec![(7, comm), (1, comm)],
    };
    let (call, signal, death, kill) =
        (examples::call(), examples::signal(), examples::death(), examples::oom_kill());
    let memory = crate::event::Memory { limit_place: Some(place(text, None)), ..kill.memory };
    let sender = death.sender().cloned();
    let call = Call { sender: in_pod(call.sender), compat: true, target_pid: Some(8), ..call };
    let to_pidfd = Call { syscall: Syscall::PidfdSendSignal, ..call.clone() };
    let to_thread = Call { syscall: Syscall::Tgkill, target_tid: 6, ..call.clone() };
    let death = Death {
        victim: in_pod(death.victim),
        victim_background: background.clone(),
        fatal: death.fatal.map(posted),
        sender_background: background,
        before: death.before.map(posted),
        memory: Some(memory.clone()),
        ..death
    };
    let kill = OomKill { victim: outside(kill.victim), trigger: in_pod(kill.trigger), memory, ..kill };
    let signal = Signal {
        posted: posted(Posted { sender, ..signal.posted }),
        target: outside(signal.target),
        ..signal
    };
    vec![
        Event::Call(call),
        Event::Call(to_pidfd),
        Event::Call(to_thread),
        Event::Death(Arc::new(death)),
        Event::OomKill(Arc::new(kill)),
        Event::Signal(Arc::new(signal)),
    ]
}

/// Names and types as the tables of attributes in the module's doc have them: a row has names, a type, and words.
fn documented() -> BTreeMap<String, String> {
    let doc = include_str!("../../otlp.rs").lines().map_while(|line| line.strip_prefix("//!"));
    let rows = doc.skip_while(|line| *line != " # Attributes").filter_map(|line| line.strip_prefix(" | "));
    let mut types = BTreeMap::new();
    for row in rows {
        let cells: Vec<_> = row.split(" | ").collect();
        let is_name = |cell: &&&str| cell.starts_with('`') || **cell == "-";
        let (names, rest) = cells.split_at(cells.iter().take_while(is_name).count());
        for name in names.iter().filter(|name| **name != "-") {
            let before = types.insert(name.trim_matches('`').to_owned(), rest[0].to_owned());
            assert!(before.is_none_or(|before| before == rest[0]), "{name} has two types");
        }
    }
    types
}

#[test]
fn every_attribute_is_documented_with_its_type_and_no_other_one_is() {
    let type_of = |value: &Value| match value {
        Value::StringValue(_) => "string",
        Value::IntValue(_) => "int",
        Value::DoubleValue(_) => "double",
        Value::BoolValue(_) => "boolean",
        Value::ArrayValue(_) => "string[]",
        other => panic!("{other:?}"),
    };
    let records: Vec<_> =
        whole_events(Comm::of("sh"), "/bin/sh").iter().map(|event| record(event, "b")).collect();
    let told = records.iter().flat_map(|record| &record.attributes);
    let told: BTreeSet<_> =
        told.map(|attribute| (attribute.key.clone(), type_of(value(attribute)).to_owned())).collect();
    let documented = documented().into_iter().collect();
    assert_eq!(told.symmetric_difference(&documented).collect::<Vec<_>>(), Vec::<&(String, String)>::new());
}

#[test]
fn a_record_has_the_same_id_each_time_and_another_one_than_its_neighbours() {
    let uid = |event: &Event| {
        let attributes = record(event, "b").attributes;
        attributes.into_iter().find(|attribute| attribute.key == "log.record.uid").unwrap().value
    };
    let mut calls = vec![examples::call(); 3];
    calls[1].time.boot_ns += 1;
    calls[2].sender.tid += 1;
    let others = [
        examples::death_event(),
        Event::OomKill(Arc::new(examples::oom_kill())),
        Event::Signal(Arc::new(examples::signal())),
    ];
    let events: Vec<_> = calls.into_iter().map(Event::Call).chain(others).collect();
    for (n, event) in events.iter().enumerate() {
        assert_eq!(uid(event), uid(&event.clone()));
        assert!(events[..n].iter().all(|other| uid(other) != uid(event)), "{event:?}");
    }
}

#[test]
fn a_request_has_a_record_of_each_event_and_names_service_scope_and_schema() {
    let events = whole_events(Comm::of("sh"), "/bin/sh");
    let request = Envelope::new(&[]).request(&events);
    let [resource_logs] = &request.resource_logs[..] else { panic!("one resource") };
    let [scope_logs] = &resource_logs.scope_logs[..] else { panic!("one scope") };
    let scope = scope_logs.scope.as_ref().unwrap();
    assert_eq!((&*scope.name, &*scope.version), ("killsnoop_exporter", env!("CARGO_PKG_VERSION")));
    assert_eq!(scope_logs.schema_url, SCHEMA_URL);
    let times = |record: &LogRecord| (record.time_unix_nano, record.observed_time_unix_nano);
    let told: Vec<_> = scope_logs.log_records.iter().map(times).collect();
    let happened = events.iter().map(|event| (event.time().unix_ns, event.time().observed_unix_ns));
    assert_eq!(told, happened.collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn no_name_is_too_strange(comm: [u8; COMM_LEN], text: String) {
        for event in whole_events(Comm(comm), &text) {
            let record = record(&event, "b");
            prop_assert!(!body(&record).contains(char::is_control), "{}", body(&record));
            prop_assert!(keys(&record).len() > 10);
        }
    }

    #[test]
    fn no_number_is_too_large(boot_ns: u64, unix_ns: u64, start_boot_ns: u64, bytes: u64) {
        for event in whole_events(Comm::of("sh"), "/bin/sh") {
            let event = match event {
                Event::Death(death) => {
                    let mut death = Arc::unwrap_or_clone(death);
                    death.time.boot_ns = boot_ns;
                    death.time.unix_ns = unix_ns;
                    death.victim.start_boot_ns = start_boot_ns;
                    if let Some(memory) = &mut death.memory { memory.total_bytes = bytes; }
                    Event::Death(Arc::new(death))
                }
                other => other,
            };
            prop_assert!(keys(&record(&event, "b")).contains("killsnoop.sender.name"));
        }
    }
}
