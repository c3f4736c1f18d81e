//! From event to log record: one to one, and without looking anything up.

mod attributes;
mod call;
mod death;
mod oom_kill;
mod posted;
mod process;
mod signal;
#[cfg(test)]
mod tests;

use opentelemetry::logs::Severity;
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
};
use opentelemetry_semantic_conventions::{SCHEMA_URL, attribute as semconv};

pub(super) use attributes::text;

use super::resource;
use crate::event::Event;
use attributes::Attributes;

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
        let scope_logs = ScopeLogs {
            scope: Some(resource::scope()),
            log_records: events.iter().map(|event| record(event, &self.boot_id)).collect(),
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

/// What a kind of event says in its own way; the rest of a record is the same for all.
struct Content {
    /// The kind: the event's name behind `killsnoop.`.
    kind: &'static str,
    severity: Severity,
    /// The event in words, harmless whatever a program calls itself.
    body: String,
    /// The process or thread to which no two events of this kind happen at one time.
    whom: u32,
    attributes: Attributes,
}

fn record(event: &Event, boot_id: &str) -> LogRecord {
    let time = event.time();
    let Content { kind, severity, body, whom, mut attributes } = match event {
        Event::Call(call) => call::content(call),
        Event::Signal(signal) => signal::content(signal),
        Event::Death(death) => death::content(death),
        Event::OomKill(kill) => oom_kill::content(kill),
    };
    attributes.text(semconv::LOG_RECORD_UID, format!("{boot_id}-{}-{kind}-{whom}", time.boot_ns));
    LogRecord {
        time_unix_nano: time.unix_ns,
        observed_time_unix_nano: time.observed_unix_ns,
        severity_number: severity as i32,
        severity_text: severity.name().to_owned(),
        body: Some(AnyValue { value: Some(Value::StringValue(body)) }),
        attributes: attributes.list(),
        event_name: format!("killsnoop.{kind}"),
        ..LogRecord::default()
    }
}
