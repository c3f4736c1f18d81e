//! From what a page says to a request with metrics: one to one.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::KeyValue,
    metrics::v1::{
        AggregationTemporality, DataPointFlags, Exemplar, Gauge, Metric, NumberDataPoint, ResourceMetrics,
        ScopeMetrics, Sum, exemplar, metric::Data, number_data_point,
    },
    resource::v1::Resource,
};
use opentelemetry_semantic_conventions::SCHEMA_URL;

use super::super::{record::text, resource};
use crate::metrics::{Family, Kind, LastEvent, Series};

/// What all requests have in common.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    resource: Resource,
    since_unix_ns: u64,
}

impl Envelope {
    /// Describes this service on this machine, with what the operator says of it, and when its counters began.
    pub(super) fn new(given: &[(String, String)], since: SystemTime) -> Self {
        Self { resource: resource::detect(given), since_unix_ns: unix_ns(since) }
    }

    /// A request with all families, as they were read `at` that moment. What is up or down has no value any more in the
    /// `last` one: it would stand for minutes after the end, and say that nothing is attached.
    pub(super) fn request(
        &self,
        families: Vec<Family>,
        at: SystemTime,
        last: bool,
    ) -> ExportMetricsServiceRequest {
        let scope_metrics = ScopeMetrics {
            scope: Some(resource::scope()),
            metrics: families.into_iter().map(|family| self.metric(family, unix_ns(at), last)).collect(),
            schema_url: SCHEMA_URL.to_owned(),
        };
        let resource_metrics = ResourceMetrics {
            resource: Some(self.resource.clone()),
            scope_metrics: vec![scope_metrics],
            schema_url: SCHEMA_URL.to_owned(),
        };
        ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] }
    }

    fn metric(&self, family: Family, time_unix_nano: u64, last: bool) -> Metric {
        let is_over = last && family.kind == Kind::Gauge;
        // What is up or down now has no beginning.
        let start_time_unix_nano = if family.kind == Kind::Counter { self.since_unix_ns } else { 0 };
        let point = |series: Series| NumberDataPoint {
            attributes: attributes(series.labels),
            start_time_unix_nano,
            time_unix_nano,
            exemplars: series.last.into_iter().map(exemplar).collect(),
            flags: if is_over { DataPointFlags::NoRecordedValueMask as u32 } else { 0 },
            value: (!is_over).then(|| match whole(series.value).filter(|_| !family.fractional) {
                Some(whole) => number_data_point::Value::AsInt(whole),
                None => number_data_point::Value::AsDouble(series.value),
            }),
        };
        let data_points = family.series.into_iter().map(point).collect();
        let data = match family.kind {
            Kind::Gauge => Data::Gauge(Gauge { data_points }),
            Kind::Counter => Data::Sum(Sum {
                data_points,
                aggregation_temporality: AggregationTemporality::Cumulative.into(),
                is_monotonic: true,
            }),
        };
        Metric {
            name: family.name,
            description: family.help,
            unit: family.unit.to_owned(),
            data: Some(data),
            ..Metric::default()
        }
    }
}

fn exemplar(last: LastEvent) -> Exemplar {
    Exemplar {
        filtered_attributes: attributes(last.labels),
        time_unix_nano: unix_ns(last.at),
        value: Some(exemplar::Value::AsDouble(last.value)),
        ..Exemplar::default()
    }
}

fn attributes(labels: Vec<(String, String)>) -> Vec<KeyValue> {
    labels.into_iter().map(|(name, value)| text(&name, value)).collect()
}

fn unix_ns(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// A number that is whole and exact as such: a double is up to 2^53, which no counter of events ever gets to.
fn whole(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 53 bits")]
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64)
}
