//! The log records of real events, as a real exporter sends them.

use killsnoop_tests::{eventually, exporter::Exporter};
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
};
use prost::Message as _;

use crate::{figures::Records, wire::Store, workload};

/// Processes that are killed: each death is a record, and so is the call before it.
const KILLED: usize = 2000;
const DELIVERED: &str = "killsnoop_events_delivered_total{sink=\"otlp\"}";
const PENDING: &str = "killsnoop_events_pending{stage=\"otlp\"}";

/// What senders send.
pub(crate) struct Pool {
    resource: Resource,
    scope: Option<InstrumentationScope>,
    records: Vec<LogRecord>,
}

/// Kills, and takes what two exporters send of it, one of them with compression.
pub(crate) fn take() -> (Pool, Records) {
    let (plain, gzip) = (Store::keeping(), Store::counting());
    let exporter = |store: &Store, more: &[&str]| {
        let endpoint = store.endpoint();
        Exporter::start(&[&["--control.socket=", "--otlp.endpoint", &endpoint], more].concat())
    };
    let exporters = [exporter(&plain, &[]), exporter(&gzip, &["--otlp.compression", "gzip"])];
    workload::kill(KILLED);
    for exporter in &exporters {
        wait_for_deaths(exporter);
    }
    // Others on this machine go on to make events, and so what comes later does not count.
    let each = gzip.bytes() / exporters[1].scrape().value(DELIVERED);
    for exporter in exporters {
        exporter.stop();
    }
    let pool = Pool::of(&plain);
    let figures = pool.figures(&plain, each);
    (pool, figures)
}

/// All that it was told of has been delivered.
fn wait_for_deaths(exporter: &Exporter) {
    let settled = || {
        let page = exporter.scrape();
        (page.value(DELIVERED) >= 2.0 * KILLED as f64 && page.value(PENDING) == 0.0).then_some(())
    };
    eventually(settled, || format!("{:#?}", exporter.scrape()));
}

impl Pool {
    fn of(store: &Store) -> Self {
        let requests = store
            .bodies()
            .into_iter()
            .map(|body| ExportLogsServiceRequest::decode(body).expect("an exporter sends requests"));
        let mut resource = None;
        let mut scope = None;
        let mut records = vec![];
        for logs in requests.flat_map(|request| request.resource_logs) {
            resource = logs.resource.or(resource);
            for logs in logs.scope_logs {
                scope = logs.scope.or(scope);
                records.extend(logs.log_records);
            }
        }
        assert!(records.len() >= 2 * KILLED, "{} records", records.len());
        Self { resource: resource.expect("a request has a resource"), scope, records }
    }

    fn figures(&self, store: &Store, gzip: f64) -> Records {
        let of = |name: &'static str| self.records.iter().filter(move |record| record.event_name == name);
        let (deaths, calls) = (of("killsnoop.death").count(), of("killsnoop.kill_call").count());
        let mean = |name, n: usize| {
            of(name).map(|record| record.encoded_len() as f64).sum::<f64>() / n.max(1) as f64
        };
        let n = self.records.len() as f64;
        Records {
            deaths,
            calls,
            others: self.records.len() - deaths - calls,
            death_bytes: mean("killsnoop.death", deaths),
            call_bytes: mean("killsnoop.kill_call", calls),
            plain: store.bytes() / n,
            gzip,
            per_request: n / store.requests(),
        }
    }

    /// A request of one node with the records from there on, in a circle.
    pub(crate) fn request(&self, node: usize, from: usize, n: usize) -> ExportLogsServiceRequest {
        let log_records = self.records.iter().cycle().skip(from % self.records.len()).take(n);
        let logs = ScopeLogs {
            scope: self.scope.clone(),
            log_records: log_records.cloned().collect(),
            ..ScopeLogs::default()
        };
        let resource = Some(named(&self.resource, &format!("node-{node:05}")));
        let logs = ResourceLogs { resource, scope_logs: vec![logs], ..ResourceLogs::default() };
        ExportLogsServiceRequest { resource_logs: vec![logs] }
    }
}

/// The resource of a machine of this name.
fn named(resource: &Resource, name: &str) -> Resource {
    let mut resource = resource.clone();
    resource.attributes.retain(|attribute| attribute.key != "host.name");
    let value = Some(AnyValue { value: Some(Value::StringValue(name.to_owned())) });
    resource.attributes.push(KeyValue { key: "host.name".to_owned(), value, ..KeyValue::default() });
    resource
}
